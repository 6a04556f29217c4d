"""Every way in which a distribution is known to break: named, isolated, and no more than that.

All of them are installed at once, beside a sound one, as pip would leave them. So each test
also proves that the others hid nothing.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from broken_kinds import CONTAINED, DAMAGED, METADATA, NAMED, SOUND, STORED

from adversity.errors import UnknownPluginError
from adversity.registry import discover, read_catalogue
from adversity_flows.cli import main

BROKEN = Path(__file__).parent / "broken"
PIPELINE = """\
name: uses
data:
  test: {{uses: dataset/digits, with: {{split: test, limit: 8}}}}
  train: {{uses: dataset/digits, with: {{split: train, limit: 20}}}}
steps:
  net: {{uses: classifier/small_cnn, fit_on: train, with: {{epochs: 1, width: 4}}}}
  worse: {{uses: {uses}, from: test}}
  answers: {{uses: net, from: worse}}
run: {{shard_size: 8}}
"""
SEE = """
import contextlib, io, json, sys
from adversity_flows.cli import main

def call(*words):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(list(words))
    return [code, out.getvalue(), err.getvalue()]

text = call("plugins")
told = [text, call("plugins", "--json"), call("plugins", "sound"), call("plugins")]
if sys.argv[1:] == ["run"]:
    told.append(call("run", "pipelines/uses.yaml", "--direct", "--json"))
sys.__stdout__.write(json.dumps(told))
"""


NOT_RUN_WITH = ("bent-points", "bent-bytes")
"""Left out in a fresh process: they stop pydantic's own import, which reads the entry points of
everybody."""


def lay(folder, name, source, **changed):
    """Install a distribution of one module, with some of its metadata changed."""
    module = name.replace("-", "_")
    value = "acme_not_a_module:Tilt" if name == "acme-not-a-module" else module
    (folder / f"{module}.py").write_bytes(changed.pop("module", source))
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    files = {
        "METADATA": METADATA.format(name=name).encode(),
        "entry_points.txt": f"[adversity]\nplugins = {value}\n".encode(),
    }
    for file, content in (files | changed).items():
        if content is not None:
            (info / file).write_bytes(content)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Install everything, make a project, and look once at what there is."""
    folder = tmp_path_factory.mktemp("site")
    for file in BROKEN.glob("acme_*.py"):
        lay(folder, file.stem.replace("_", "-"), file.read_bytes())
    for name, (changed, _) in DAMAGED.items():
        lay(folder, name, b"", **changed)
    lay(folder, "acme-sound", SOUND.encode())
    (folder / "sound_plugins.py").write_text("from acme_sound import *\n")
    root = tmp_path_factory.mktemp("work") / "trial"
    before, here = set(sys.modules), Path.cwd()
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setattr(sys, "dont_write_bytecode", True)
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("ADVERSITY_BLOCK", raising=False)
        assert main(["init", str(root)]) == 0
        for file in (root / "pipelines").glob("*.yaml"):
            file.unlink()
        patch.chdir(root)
        found = discover(refresh=True)
        assert Path.cwd() == root
        yield SimpleNamespace(found=found, root=root, folder=folder)
    assert Path.cwd() == here
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(folder)):
            del sys.modules[name]
    importlib.invalidate_caches()
    discover(refresh=True)


@pytest.mark.parametrize("name", NAMED)
def test_a_broken_distribution_is_named_with_what_to_do(name, world):
    """Once, with its version and its file, what was expected, what came and what to do."""
    problems = [p for p in world.found.problems if p.distribution == name]
    assert len({p.what for p in problems}) == len(problems)
    said = " ".join(map(str, problems))
    for part in NAMED[name]:
        assert part in said
    assert all(c.isprintable() for c in said)
    unversioned = ("bent-no-version", "bent-metadata", "bent-no-metadata")
    assert all(p.version == ("" if name in unversioned else "1.0") for p in problems)


@pytest.mark.parametrize("name", [name for name, kind in STORED.items() if kind.status])
def test_a_class_that_can_be_listed_is_listed_with_its_state(name, world):
    """Of a class that was found, the catalogue says whether it is broken or incompatible."""
    states = {e.status for e in world.found.entries() if e.distribution == name}
    assert states == {STORED[name].status}


def test_every_stored_distribution_is_in_a_table():
    """A new file of the folder gets a test by being there; clashes and sound ones are elsewhere."""
    stored = {file.stem.replace("_", "-") for file in BROKEN.glob("acme_*.py")}
    elsewhere = {"acme-clash", "acme-twin-one", "acme-twin-two", "acme-listener", "acme-noisy"}
    assert stored == set(STORED) | set(CONTAINED) | elsewhere
    assert len(STORED) + len(CONTAINED) + len(DAMAGED) >= 20


def test_nobody_else_is_hidden_or_accused(world):
    """The built-ins and the sound third party are what they are without the broken ones."""
    usable = {entry.qualified for entry in world.found.entries() if entry.usable}
    assert {"acme-sound:sound", "acme-noisy:noisy", "acme-listener:listener"} <= usable
    assert {f"{name}:{plugin}" for name, (plugin, _) in CONTAINED.items()} <= usable
    accused = {p.distribution for p in world.found.problems}
    assert accused == set(NAMED)
    others = ",".join(path.name.split("-1.0")[0] for path in world.folder.glob("*.dist-info"))
    alone = discover(blocked=others.replace("_", "-").split(","))
    built_in = [(e.kind, e.name, e.cls, e.status) for e in alone.entries() if e.built_in]
    assert built_in
    assert [
        (e.kind, e.name, e.cls, e.status) for e in world.found.entries() if e.built_in
    ] == built_in


@pytest.mark.parametrize("name", [*STORED, *DAMAGED, "acme-twin-one"])
def test_a_pipeline_that_uses_it_is_refused_with_one_message(name, world, capsys):
    """Exit code 2, one line that names the distribution and why; no traceback."""
    kind, _, plugin = (STORED[name].uses if name in STORED else "").partition("/")
    uses = f"{kind}/{plugin}" if plugin else f"degradation/{name}:thing"
    said = NAMED.get(name, ("acme-twin-one and acme-twin-two both offer degradation tilt",))
    if name == "acme-twin-one":
        uses = "degradation/tilt"
    file = world.root / "pipelines" / "refused.yaml"
    text = PIPELINE.format(uses=json.dumps(uses))
    if kind == "attack":
        text = text.replace("from: test}", "from: test, against: answers}")
        text = text.replace("from: worse", "from: test")
    if kind == "uncertainty":
        text = text.replace("from: test}", "from: answers}").replace("from: worse", "from: test")
    file.write_text(text, encoding="utf-8")
    capsys.readouterr()
    code = main(["validate", str(file)])
    file.unlink()
    out, err = capsys.readouterr()
    assert (code, out) == (2, ""), err
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 1, err
    assert name in err
    for part in said:
        assert part in err


@pytest.mark.parametrize("name", CONTAINED)
def test_what_could_be_contained_can_be_used(name, world):
    """A slip beside a sound class costs the class nothing."""
    plugin, _ = CONTAINED[name]
    assert world.found.get("degradation", plugin).distribution == name


def test_a_plugin_that_cannot_be_looked_at_is_no_broken_name(world):
    """Of three hostile returns each is a problem of its own, and the class after them counts."""
    said = [p.what for p in world.found.problems if p.distribution == "acme-hostile"]
    assert len(said) == 2
    assert world.found.get("degradation", "looked_at").status == "ok"


def test_a_listener_that_raises_stops_no_run(world):
    """Its exceptions and exits are problems of the run, which goes on and says so."""
    heard = world.found.notify("adversity_run_started", run={"id": "a"})
    ended = world.found.notify("adversity_run_finished", run={"id": "a"}, result={})
    assert [str(p) for p in (*heard, *ended)] == [
        (
            "acme-listener 1.0 (plugins): adversity_run_started raised ConnectionError: acme's server "
            "is down (acme_listener.py, line 26); the run goes on without it; fix the hook"
        ),
        (
            "acme-listener 1.0 (plugins): adversity_run_finished raised SystemExit: 9 "
            "(acme_listener.py, line 31); the run goes on without it; fix the hook"
        ),
    ]


def test_the_catalogue_lists_them_all_and_is_kept(world):
    """Made once with every broken distribution in it, and read back equal."""
    made = read_catalogue(refresh=True)
    assert read_catalogue() == made
    assert {p.distribution for p in made.problems} == set(NAMED)
    with pytest.raises(UnknownPluginError):
        world.found.get("degradation", "acme-exits:thing")


def check_what_is_seen(world, *arguments):
    """Call the command line in a process of its own; return what each call left."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COV_")}
    site = world.root.parent / f"site-{len(list(world.root.parent.iterdir()))}"
    left_out = shutil.ignore_patterns(*(f"{n.replace('-', '_')}-*" for n in NOT_RUN_WITH))
    shutil.copytree(world.folder, site, ignore=left_out)
    done = subprocess.run(
        [sys.executable, "-c", SEE, *arguments],
        cwd=world.root,
        env=kept | {"PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout)


def test_they_are_named_the_same_when_the_backport_reads_them(world):
    """`importlib_metadata`, which MLflow imports, takes the place of Python's own finder."""
    look = "from adversity.registry.installed import installed; print([(f.name, f.fault) for f in installed()])"
    environment = os.environ | {"PYTHONPATH": str(world.folder)}
    said = []
    for before in ("", "import importlib_metadata; "):
        command = [sys.executable, "-c", before + look]
        said.append(subprocess.check_output(command, env=environment, text=True, timeout=300))
    assert "a version in its METADATA, got none" in said[0]
    assert said[0] == said[1]


@pytest.mark.slow
def test_what_a_person_and_a_machine_see(world):
    """The list, its JSON and a page: all broken ones named, nothing a terminal would obey."""
    text, as_json, page, again = check_what_is_seen(world)
    assert [code for code, _, _ in (text, as_json, page, again)] == [0, 0, 0, 0]
    assert text[1] == again[1]
    document = json.loads(as_json[1])
    seen = set(NAMED) - set(NOT_RUN_WITH)
    assert {p["distribution"] for p in document["problems"]} == seen
    assert {"what", "version", "entry_point", "traceback"} <= set(document["problems"][0])
    for name in seen:
        assert re.search(rf"[x✗] {name}( 1\.0)? \(", text[1]), name
    for _, out, err in (text, as_json, page, again):
        assert all(c.isprintable() or c == "\n" for c in out + err)
        assert "Traceback" not in err
    assert "acme says hello" in text[2]
    assert "Mirror an image <script>alert(1)</script> \\x1b[31m." in page[1]


@pytest.mark.slow
def test_a_pipeline_that_uses_none_of_them_runs(world):
    """With all of them installed; the listener is named, and markup stays text in the report."""
    (world.root / "pipelines" / "uses.yaml").write_text(
        PIPELINE.format(uses="degradation/sound"), encoding="utf-8"
    )
    code, out, err = check_what_is_seen(world, "run")[-1]
    assert code == 0, err
    json.loads(out)
    assert "warning: plugin acme-listener 1.0 (plugins): adversity_run_started raised" in err
    assert "warning: plugin acme-listener 1.0 (plugins): adversity_run_finished raised" in err
    (report,) = (world.root / "runs").rglob("report.html")
    html = report.read_text(encoding="utf-8")
    assert "<b>B. Author</b>" not in html
    assert "<script>alert(1)" not in html
