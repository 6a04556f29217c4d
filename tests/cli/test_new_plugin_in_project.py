"""`adversity new-plugin --in-project`: a file of the project that a pipeline can use at once."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from adversity.contracts import KINDS
from adversity.errors import PluginError
from adversity.registry.project_plugins import of_project
from adversity_flows.cli.new_plugin import files, in_project
from adversity_flows.cli.new_plugin.files import shapes

ALL = [(kind, shape) for kind in KINDS for shape in shapes(kind) or [""]]
"""Every kind in each of its shapes."""


@pytest.fixture
def standing(tmp_path, monkeypatch):
    """Stand in an empty project; return its folder."""
    root = tmp_path / "project"
    (root / ".dvc").mkdir(parents=True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(root)
    return root


def written(root: Path) -> list[str]:
    """Return every file of the project, Python's own apart."""
    found = [path for path in root.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return sorted(path.relative_to(root).as_posix() for path in found)


def shown(answer) -> str:
    """Return the part of a pipeline file that the command shows."""
    return answer.out.partition("In a pipeline file:\n")[2]


@pytest.mark.parametrize(("kind", "shape"), ALL)
def test_a_pipeline_can_use_what_is_written(standing, call, kind, shape):
    """Its class is found, and the line shown is that of a pipeline."""
    answer = call("new-plugin", kind, "dew", "--shape", shape, "--in-project")
    assert (answer.code, answer.err) == (0, "")
    network = ["dew_network.py"] if kind == "classifier" else []
    assert written(standing) == ["dew.py", *network]
    assert "\n  adversity check ./dew.py:Dew\n" in answer.out
    said = str(yaml.safe_load(shown(answer)))
    assert "./dew.py:Dew" in said
    assert "$" not in said
    entry = of_project("./dew.py:Dew", standing, kind=kind)
    assert (entry.name, entry.distribution) == ("dew", "./dew.py")


def test_what_is_written_is_clean_in_the_linter(standing, call):
    """Every kind in each of its shapes, in a folder of its own: rules and format."""
    for kind, shape in ALL:
        place = ("--output", f"{kind}_{shape}")
        assert call("new-plugin", kind, "dew", "--shape", shape, "--in-project", *place).code == 0
    assert len(list(standing.glob("*/dew.py"))) == len(ALL)
    plain = ("--no-cache", "--isolated", "--line-length", "100")
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *plain, "."],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_it_keeps_its_promises_as_it_is(standing, call, kind):
    """`adversity check`, as the command says next, is green; further shapes are tried installed."""
    answer = call("new-plugin", kind, "dew", "--in-project")
    check = re.search(r"^  adversity (check .*)$", answer.out, re.MULTILINE)
    checked = call(*check[1].split())
    assert checked.code == 0, checked.out + checked.err
    assert f"{kind}/dew keeps its promises" in checked.out


def test_a_network_with_weights_of_a_file_runs(project, call):
    """The line that the command shows is put into a pipeline, and the pipeline gives numbers."""
    answer = call("new-plugin", "classifier", "mine", "--in-project", "--output", "own")
    entry = of_project("./own/mine.py:Mine", project)
    entry.cls.write_example_files(project)
    text = shown(answer).rstrip()
    pipeline = f"name: mine\ndata:\n  test: {{uses: dataset/digits, with: {{limit: 20}}}}\n{text}\n"
    pipeline += "  answers: {uses: net, from: test}\n"
    (project / "pipelines/mine.yaml").write_text(
        re.sub("^  (steps|  net)", r"\1", pipeline, flags=re.MULTILINE)
    )
    ran = call("run", "pipelines/mine.yaml", "--direct")
    assert ran.code == 0, ran.err
    assert "own/mine_network.py" in (project / "dvc.yaml").read_text()
    assert "weights.safetensors" in (project / "dvc.yaml").read_text()


def test_it_goes_where_the_project_keeps_its_plugins(standing, call, monkeypatch):
    """Into `plugins/` if there is one, from any folder of the project, or where one says."""
    (standing / "plugins").mkdir()
    (standing / "pipelines").mkdir()
    monkeypatch.chdir(standing / "pipelines")
    answer = call("new-plugin", "metric", "dew", "--in-project")
    assert "adversity check ./plugins/dew.py:Dew" in answer.out
    assert call("new-plugin", "metric", "dew", "--in-project", "--output", "../own/new").code == 0
    assert written(standing) == ["own/new/dew.py", "plugins/dew.py"]


def test_nothing_is_written_over(standing, call, refused):
    """Neither the plugin nor a file beside it; what is there stays as it is, and nothing comes."""
    (standing / "dew_network.py").write_text("mine")
    said = "dew_network.py is there already, and nothing is written over; choose another name or"
    refused(call("new-plugin", "classifier", "dew", "--in-project"), said)
    assert written(standing) == ["dew_network.py"]
    assert (standing / "dew_network.py").read_text() == "mine"


def test_a_file_that_comes_meanwhile_is_not_written_over(standing, call, refused, monkeypatch):
    """Between the question and the writing somebody else may have been faster."""
    real = in_project.render_in_project

    def slow(answers):
        (standing / "dew_network.py").write_text("mine")
        return real(answers)

    monkeypatch.setattr(in_project, "render_in_project", slow)
    said = "dew_network.py is there already, and nothing is written over"
    refused(call("new-plugin", "classifier", "dew", "--in-project"), said)
    assert written(standing) == ["dew_network.py"]
    assert (standing / "dew_network.py").read_text() == "mine"


def test_a_full_disk_leaves_nothing(standing, call, monkeypatch):
    """Not even the folder that was made for it."""
    real = Path.open

    def full(path, *arguments, **named):
        if path.name == "dew_network.py":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(path, *arguments, **named)

    monkeypatch.setattr(Path, "open", full)
    answer = call("new-plugin", "classifier", "dew", "--in-project", "--output", "a/b")
    assert answer.code == 3
    assert "No space left on device; nothing of it was left, name another folder" in answer.err
    assert [path.name for path in standing.iterdir()] == [".dvc"]


REFUSED = {
    "author": (["dew", "--author", "A"], "expected no --author with --in-project, got 'A'"),
    "distribution": (["dew", "--distribution", "acme"], "expected no --distribution with"),
    "module of Python": (["json"], "a file json.py would hide the module 'json'"),
    "library": (["torch"], "a file torch.py would hide the module 'torch'"),
    "installed": (["pgd"], "attack/pgd is a plugin of adversity "),
    "class": (["attack"], "'attack' cannot be used: its class Attack would hide another"),
    "camel": (["DewBank"], "did you mean dew_bank?"),
    "outside": (["dew", "--output", "../elsewhere"], "expected a project (a folder with .dvc)"),
    "dot": (["dew", "--output", "a.b"], "folders and files have no other dot in their names"),
    "ignored": (["dew", "--output", "hidden"], "DVC does not see it"),
    "below a file": (
        ["dew", "--output", ".dvcignore/own"],
        "expected a folder of the project, got",
    ),
    "no name": ([], "expected NAME, got none"),
}


@pytest.mark.parametrize(("words", "said"), REFUSED.values(), ids=list(REFUSED))
def test_what_no_pipeline_could_use_is_refused(standing, call, refused, words, said):
    """One message, exit code 2, and the project is as it was."""
    (standing / ".dvcignore").write_text("hidden\n")
    refused(call("new-plugin", "attack", *words, "--in-project"), said)
    assert written(standing) == [".dvcignore"]
    assert not (standing / "hidden").exists()


def test_a_folder_that_a_link_leads_out_of_is_refused(standing, call, refused, tmp_path):
    """What lies elsewhere is not of the project, whatever its name."""
    (tmp_path / "other").mkdir()
    (standing / "own").symlink_to(tmp_path / "other")
    words = ("attack", "dew", "--in-project", "--output", "own")
    refused(call("new-plugin", *words), "expected a project (a folder with .dvc), got none in")
    assert written(tmp_path / "other") == written(standing) == []


def test_a_template_that_needs_its_distribution_is_no_file(standing, tmp_path, monkeypatch):
    """One that another distribution brings may name its own package; the fault is its kind's."""
    source = tmp_path / "src" / "{{package}}"
    source.mkdir(parents=True)
    (source / "{{name}}.py.tmpl").write_text('DATA = "{{package}}"\n')
    (tmp_path / "about.toml").write_text('does = "d"\nname = "n"\nsummary = "s"\nusage = "u"\n')
    monkeypatch.setattr(files, "_of_kind", lambda *_: tmp_path)
    answers = {"kind": "metric", "name": "zzz", "licence": "MIT", "output": str(standing)}
    with pytest.raises(PluginError, match=r"got \{\{package\}\}.*report it to its author"):
        in_project.render_in_project(answers)
