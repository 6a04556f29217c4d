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
from typing import NamedTuple

import pytest

from adversity.errors import UnknownPluginError
from adversity.registry import discover, read_catalogue
from adversity_flows.cli import main

BROKEN = Path(__file__).parent / "broken"
SOUND = '''"""A sound plugin beside broken ones."""

from typing import ClassVar

from adversity import Degradation, hookimpl


class Sound(Degradation):
    """Mirror an image <script>alert(1)</script> \\x1b[31m."""

    name: ClassVar[str] = "sound"
    reference: ClassVar[str] = "A. Author & <b>B. Author</b>, Mirrors, 2020"

    def degrade(self, images, rng):
        return images.flip(-1)


@hookimpl
def adversity_degradations():
    return [Sound]
'''
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


class Kind(NamedTuple):
    """One kind of breakage.

    Attributes:
        said: What the message must contain: what was expected, what came, what to do.
        uses: What a pipeline writes to use it; without, something that it may have had.
        status: Of its entry, where a class could be listed.
    """

    said: tuple[str, ...]
    uses: str = ""
    status: str = ""


def listed(name, *said, kind="degradation", status="broken"):
    """Return a kind of which the plugin is listed, with its state."""
    return Kind(said, f"{kind}/{name}", status)


STORED = {
    # The module cannot be imported.
    "acme-import-error": Kind(("No module named 'a_package_nobody_has'", "install a_package")),
    "acme-exits": Kind(("SystemExit: acme has no licence key", "must not end the program")),
    "acme-base-exception": Kind(("Halt: acme halts", "line 8", "must not end the program")),
    "acme-interrupt": Kind(("KeyboardInterrupt", "must not end the program")),
    "acme-recursion": Kind(("RecursionError", "break the circle")),
    "acme-circle": Kind(("cannot import name 'Later'", "correct the name")),
    "acme-bare-field": Kind(("non-annotated attribute", "strength = 3.0", "mend it")),
    "acme-alien-field": Kind(("Unable to generate pydantic-core schema", "Scope", "mend it")),
    # The hooks are wrong.
    "acme-no-hook": Kind(("no function marked @hookimpl", "write one")),
    "acme-unmarked": Kind(("adversity_degradations is not marked", "write @hookimpl above it")),
    "acme-misspelt-hook": Kind(("unknown hook adversity_degredations", "did you mean")),
    "acme-wrong-argument": Kind(("wants the argument severity", "does not give: none")),
    "acme-not-a-module": Kind(("expected a module, got", "Tilt", "name the module alone")),
    "acme-hook-raises": Kind(("LookupError: no licence server", "line 21", "mend it")),
    # What the hooks return is wrong.
    "acme-wrong-return": Kind(("must return a list of classes, got None", "write return [")),
    "acme-one-class": Kind(("must return a list", "got class Tilt", "write return [Tilt]")),
    "acme-mapping": Kind(("must return a list", "got dict", "write return [")),
    "acme-async": Kind(("must return a list", "got a coroutine", "def instead of async def")),
    "acme-instances": Kind(("expected a subclass", "an instance of Tilt", "return the class")),
    "acme-other-kind": Kind(("a subclass of Attack", "return it from adversity_degradations")),
    "acme-no-plugin": Kind(("got class Stranger", "write class Stranger(Degradation)")),
    "acme-no-name": Kind(("class Tilt has no name", "write name: ClassVar[str]")),
    "acme-field-name": Kind(("class Tilt has no name", "write name: ClassVar[str]")),
    "acme-kind": Kind(("expected kind 'degradation', got 'attack'", "leave kind to the")),
    # The class is wrong.
    "acme-newer-api": listed("future", "for 99", "upgrade adversity", status="incompatible"),
    "acme-older-api": listed("past", "for 0", "upgrade acme-older-api", status="incompatible"),
    "acme-api-text": listed("texted", "expected api 1", "got '1' (str)", status="incompatible"),
    "acme-abstract": listed("unwritten", "does not define degrade", "write it"),
    "acme-shouting": listed("Shouting-Tilt", "snake_case", "got 'Shouting-Tilt'"),
    "acme-control-name": listed("red\\x1b[31m<b>", "snake_case", "got 'red\\x1b[31m<b>'"),
    "acme-same-twice": listed("doubled", "stands for 2 classes", "rename all but one"),
    "acme-mute": listed("mute", "has no docstring"),
    "acme-deaf": listed("deaf", "degrade(self, images) cannot", "write def degrade(self, im"),
    "acme-unwritable": listed("unwritable", "types that JSON can hold", "use numbers, text"),
    "acme-forward": listed("forward", "types that JSON can hold", "Telescope", "use numbers"),
    "acme-shadow": listed("shadow", "hides what the contract calls differentiable", "ClassVar["),
    "acme-block-rows": listed("wordy", "expected block_rows: int", "got 'many'", "correct it"),
    "acme-no-rows": listed("rowless", "expected block_rows of 1 or more, got 0", "leave it out"),
    "acme-four-levels": listed("four", "expected levels: Mapping", "(1, 2, 3, 4)", "correct it"),
    "acme-lost-level": listed("lost", "levels names 'bits', which is no parameter", "add it as"),
    "acme-makes": listed("maker", "expected makes 'images', got 'scores'", "leave it to the"),
    "acme-lenient": listed("lenient", "expected model_config extra='forbid'", "leave it out"),
    "acme-fingerprint": listed("forger", "fingerprint belongs to the core", "rename yours"),
    "acme-homeless": listed("homeless", "expected a class from a file", "'nowhere'", "define it"),
    "acme-one-need": listed(
        "needy", "expected needs: tuple[str, ...]", "got 'kernel'", kind="restoration"
    ),
    "acme-shapeless": listed("shapeless", "expected a subclass of Score", kind="uncertainty"),
    "acme-no-budget": listed("unlimited", "lacks norm and eps", "add it", kind="attack"),
}
"""Distributions of tests/thirdparty/broken that offer nothing that can be used."""

CONTAINED = {
    "acme-half": ("first_half", "LookupError: the other half is lost"),
    "acme-endless": ("endless", "got more than 1000"),
    "acme-hostile": ("looked_at", "expected a plugin class, got an object that raised"),
    "acme-new-contract": ("usurper", "the kinds of plugins"),
    "acme-meddler": (
        "meddler",
        (
            "importing it changed the working directory and Python's random numbers and "
            "sys.excepthook and what SIGINT does and everybody's warning filters; what could be was "
            "put back; do that inside the method that needs it"
        ),
    ),
}
"""Those of which one plugin can be used although something is wrong."""

GARBAGE = b"\xff\xfe\x00garbage"
METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
DAMAGED = {
    "bent-no-name": ({"METADATA": b"Version: 1.0\n"}, ("a name in its METADATA, got none",)),
    "bent-markup": (
        {"METADATA": b"Name: <b>x</b>\nVersion: 1.0\n"},
        ("expected a name in its METADATA, got '<b>x</b>'",),
    ),
    "bent-no-version": (
        {"METADATA": b"Name: bent-no-version\n"},
        ("a version in its METADATA, got none",),
    ),
    "bent-metadata": ({"METADATA": GARBAGE}, ("expected text in its METADATA", "UnicodeDecode")),
    "bent-no-metadata": ({"METADATA": None}, ("a name in its METADATA, got none",)),
    "bent-points": (
        {"entry_points.txt": b"[adversity]\nthis is no entry point\n"},
        ("expected lines `name = module` in its entry_points.txt",),
    ),
    "bent-bytes": (
        {"entry_points.txt": GARBAGE},
        ("expected lines `name = module` in its entry_points.txt",),
    ),
    "bent-value": (
        {"entry_points.txt": b"[adversity]\nx = not a module!\n"},
        ("expected the name of a module, got 'not a module!'", 'write x = "your_module"'),
    ),
    "bent-missing": (
        {"entry_points.txt": b"[adversity]\nx = a_module_nobody_has\n"},
        ("No module named 'a_module_nobody_has'", "expected the entry point to name a module"),
    ),
    "bent-attribute": (
        {"entry_points.txt": b"[adversity]\nx = sound_plugins:Nothing\n"},
        ("has no attribute 'Nothing'", "correct the name"),
    ),
    "bent-syntax": ({"module": b"def oops(:\n"}, ("SyntaxError", "line 1", "correct it")),
    "bent-owner": (
        {"METADATA": METADATA.format(name="adversity").encode()},
        ("its METADATA says adversity", "uninstall bent-owner"),
    ),
    "bent-trespasser": (
        {"RECORD": b"adversity/contracts/plugin.py,,\nbent_trespasser.py,,\n"},
        ("got adversity/contracts/plugin.py", "a file of the product", "rename the package"),
    ),
    "bent-reseller": (
        {"entry_points.txt": b"[adversity]\nx = sound_plugins\n"},
        ("expected a class of its own, got Sound", "acme-sound offers", "leave it out"),
    ),
    "bent-borrower": (
        {"entry_points.txt": b"[adversity]\nx = acme_sound\n"},
        ("expected a module of its own", "which acme-sound offers", "uninstall one"),
    ),
}
"""Distributions of which the metadata, or the file behind them, are damaged."""

NOT_RUN_WITH = ("bent-points", "bent-bytes")
"""Left out in a fresh process: they stop pydantic's own import, which reads the entry points of
everybody."""

NAMED = {name: kind.said for name, kind in STORED.items()}
NAMED |= {name: (said,) for name, (_, said) in CONTAINED.items()}
NAMED |= {name: said for name, (_, said) in DAMAGED.items()}


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
    told = " ".join(map(str, problems))
    for part in NAMED[name]:
        assert part in told
    assert all(c.isprintable() for c in told)
    unversioned = ("bent-no-version", "bent-metadata", "bent-no-metadata")
    assert all(p.version == ("" if name in unversioned else "1.0") for p in problems)


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
    told = [p.what for p in world.found.problems if p.distribution == "acme-hostile"]
    assert len(told) == 2
    assert world.found.get("degradation", "looked_at").status == "ok"


def test_a_listener_that_raises_stops_no_run(world):
    """Its exceptions and exits are problems of the run, which goes on and says so."""
    heard = world.found.notify("adversity_run_started", run={"id": "a"})
    ended = world.found.notify("adversity_run_finished", run={"id": "a"}, result={})
    assert [str(p) for p in (*heard, *ended)] == [
        (
            "acme-listener 1.0 (plugins): adversity_run_started raised ConnectionError: acme's server "
            "is down (acme_listener.py, line 26); the run goes on without it; mend the hook"
        ),
        (
            "acme-listener 1.0 (plugins): adversity_run_finished raised SystemExit: 9 "
            "(acme_listener.py, line 31); the run goes on without it; mend the hook"
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
