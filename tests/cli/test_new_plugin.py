"""`adversity new-plugin`: what it writes. That it all works is in tests/e2e."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from adversity.contracts import API_VERSION, KINDS
from adversity.registry import catalogue
from adversity_flows.cli.new_plugin import answers, pyproject
from adversity_flows.cli.new_plugin.answers import LONGEST
from adversity_flows.cli.new_plugin.files import kinds, licences, shapes

ROOT = Path(__file__).parents[2]
LONG = "a_name_as_long_as_a_name_can_be_at_most_"[:LONGEST].rstrip("_") + "x"


@pytest.fixture
def made(call, tmp_path):
    """Return a function that makes a distribution and returns its folder."""

    def make(kind: str, *more: str) -> Path:
        folder = tmp_path / "made"
        answer = call("new-plugin", kind, *more, "--author", "A. Author", "--yes", "--output",
                      str(folder))  # fmt: skip
        assert answer.code == 0, answer.err
        assert answer.err == ""
        return folder

    return make


def files(folder: Path) -> dict[str, str]:
    """Return every file below a folder by its path."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in found}


def test_every_kind_has_a_template():
    """Whoever adds a kind of plugin adds the folder from which its authors begin."""
    assert sorted(kinds()) == sorted(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_whole_and_can_be_read(made, kind):
    """TOML, YAML and Python parse, no blank is left, and every part is there."""
    written = files(made(kind, "dew"))
    for path, text in written.items():
        # What GitHub fills in itself has a space behind its braces.
        assert not re.search(r"\{\{\w|\.tmpl", path + text), path
        assert text.endswith("\n") or not text, path
        if path.endswith(".py"):
            ast.parse(text)
    for workflow in ("ci", "release"):
        read = yaml.safe_load(written[f".github/workflows/{workflow}.yml"])
        assert read["jobs"]
        assert read["env"]["ADVERSITY"].startswith("${{ vars.ADVERSITY || 'adversity")
    pipeline = yaml.safe_load(written["examples/dew.yaml"])
    assert f"{kind}/dew" in str(pipeline)
    project = tomllib.loads(written["pyproject.toml"])
    assert project["project"]["name"] == "dew-adversity"
    assert project["project"]["entry-points"]["adversity"] == {"dew_adversity": "dew_adversity"}
    assert project["tool"]["mypy"]["strict"] is True
    assert {"LICENSE", "README.md", ".gitignore", "src/dew_adversity/py.typed"} < set(written)
    assert {"tests/test_conformance.py", "tests/test_dew.py"} < set(written)
    assert f"def {KINDS[kind].describes.hook}()" in written["src/dew_adversity/__init__.py"]


@pytest.mark.parametrize("name", ["dew", LONG], ids=["short", "long"])
@pytest.mark.parametrize(
    ("kind", "shape"), [(kind, shape) for kind in KINDS for shape in shapes(kind) or [""]]
)
def test_what_is_written_is_clean_in_its_own_linter(made, kind, shape, name):
    """The CI that is written with it runs these two; a new distribution must not fail there."""
    folder = made(kind, name, "--shape", shape)
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", "."],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def mypy(folder: Path, *arguments: str, **environment: str) -> str:
    """Run mypy where a person stands; return what it said if it found something."""
    cache = ROOT / ".mypy_cache/new-plugins"  # torch alone takes it a minute
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", str(cache), *arguments],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.slow
def test_what_is_written_passes_its_own_type_checker(made):
    """Mypy, called as a person calls it, has nothing to say of source and tests."""
    assert mypy(made("classifier", "dew")) == ""


@pytest.mark.slow
def test_every_kind_passes_the_type_checker_of_all(call, tmp_path):
    """All kinds have one configuration, so one run in strict mode says it of each of them."""
    configurations = []
    for kind in KINDS:
        folder = tmp_path / kind
        answer = call("new-plugin", kind, f"{kind}_dew", "--author", "A", "--output", str(folder))
        assert answer.code == 0, answer.err
        project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
        configurations.append(project["tool"]["mypy"])
    assert configurations == configurations[:1] * len(KINDS)
    assert configurations[0]["strict"] is True
    sources = [str(tmp_path / kind / "src") for kind in KINDS]
    said = mypy(
        tmp_path,
        *("--config-file", str(tmp_path / kind / "pyproject.toml")),
        *("--namespace-packages", "--explicit-package-bases"),  # all have a test_conformance
        *(f"{kind}/{part}" for kind in KINDS for part in configurations[0]["files"]),
        MYPYPATH=os.pathsep.join([str(tmp_path), *sources]),
    )
    assert said == ""


def test_the_plugin_says_which_contract_and_licence_it_has(made):
    """So that a later Adversity can name it as too old, and users see what they may do."""
    text = files(made("attack", "dew", "--licence", "apache-2.0"))["src/dew_adversity/dew.py"]
    assert f"api: ClassVar[int] = {API_VERSION}\n" in text
    assert 'licence: ClassVar[str] = "Apache-2.0"\n' in text
    assert 'name: ClassVar[str] = "dew"\n' in text
    assert "class Dew(Attack):" in text


@pytest.mark.parametrize("licence", licences())
def test_a_licence_is_written_in_full_with_year_and_author(made, licence):
    """The text, the SPDX expression and the claim of the plugin agree."""
    written = files(made("metric", "dew", "--licence", licence))
    assert f"{time.gmtime().tm_year}" in written["LICENSE"]
    assert "A. Author" in written["LICENSE"]
    project = tomllib.loads(written["pyproject.toml"])["project"]
    spdx = "LicenseRef-Proprietary" if licence == "proprietary" else licence
    assert project["license"] == spdx
    assert project["license-files"] == ["LICENSE"]
    assert f'licence: ClassVar[str] = "{spdx}"' in written["src/dew_adversity/dew.py"]
    assert f"Licence: {licence}" in written["README.md"]
    forbidden = "Private :: Do Not Upload" in project["classifiers"]
    assert forbidden == (licence == "proprietary")


def test_names_are_escaped_where_they_stand(call, tmp_path):
    """Quotes and backslashes in a name break no file."""
    author = 'Zoë "Z" O\\Neill'
    folder = tmp_path / "made"
    answer = call("new-plugin", "metric", "dew", "--author", author, "--email", "z@example.org",
                  "--output", str(folder))  # fmt: skip
    assert answer.code == 0, answer.err
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["authors"] == [{"name": author, "email": "z@example.org"}]
    assert author in (folder / "LICENSE").read_text("utf-8")


def test_the_distribution_names_package_folder_and_entry_point(call, tmp_path, monkeypatch):
    """One name decides all, and the folder is where the user stands."""
    monkeypatch.chdir(tmp_path)
    answer = call("new-plugin", "metric", "dew", "--author", "A", "--distribution", "acme-dew")
    assert answer.code == 0, answer.err
    written = files(tmp_path / "acme-dew")
    assert "src/acme_dew/dew.py" in written
    assert "from acme_dew.dew import Dew" in written["tests/test_conformance.py"]
    steps = [line.strip() for line in answer.out.splitlines()[-3:]]
    assert steps == ["cd acme-dew", "pip install --editable '.[dev]'", "pytest"]


@pytest.mark.parametrize(
    ("version", "bounds"),
    [
        ("0.1.0", ">=0.1,<1"),
        ("1.4.2", ">=1.4,<2"),
        ("0.2.0rc1", ">=0.2.0rc1,<1"),
        ("0.2.0+cpu.1", ">=0.2,<1"),
        ("0.2.dev1+g12ab", ">=0.2.dev1,<1"),
    ],
)
def test_the_dependency_holds_for_as_long_as_the_contract(version, bounds):
    """From the release it was made with to the next major one; a pre-release counts as itself.

    A local part (`+cpu`) has no place in a bound, as the packaging library says, too.
    """
    assert pyproject._bounds(version) == bounds
    assert SpecifierSet(bounds).contains(version, prereleases=True)


def test_an_empty_folder_is_filled_and_stays_the_same_folder(made, tmp_path):
    """A shell that stands in it must not lose the ground."""
    folder = tmp_path / "made"
    folder.mkdir()
    before = folder.stat().st_ino
    written = files(made("metric", "dew"))
    assert "pyproject.toml" in written
    assert ".gitignore" in written
    assert folder.stat().st_ino == before
    assert not [path for path in folder.iterdir() if path.name.startswith(".new-plugin")]


def test_git_and_the_catalogue_are_asked_once(call, tmp_path, monkeypatch):
    """Each answer is judged several times; what is installed does not change meanwhile."""
    asked = []
    monkeypatch.setattr(answers, "git_says", lambda *_: asked.append("git"))
    read = catalogue.read_catalogue
    monkeypatch.setattr(catalogue, "read_catalogue", lambda: asked.append("catalogue") or read())
    call("new-plugin", "metric", "dew", "--yes", "--output", str(tmp_path / "made"))
    assert sorted(asked) == ["catalogue", "git"]
    call("new-plugin", "metric", "dew", "--yes", "--output", str(tmp_path / "made"))
    assert sorted(asked) == ["catalogue", "catalogue", "git", "git"]
