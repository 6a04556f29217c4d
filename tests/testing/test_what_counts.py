"""Which groups of tests a change concerns: in a small repository, and in this one."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import pytest
from toy_repository import BROUGHT, EVERY, FILES, GROUPS, LINKS, ONE, PAGE, SERVER, TWO

import committed
import what_counts
from what_counts import Repository

ROOT = Path(__file__).parents[2]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with a few plugins and tests of them."""
    put(tmp_path, FILES)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def put(root: Path, files: dict[str, str]) -> None:
    """Write files."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def digests(root: Path) -> dict[str, str]:
    """Return the digests of all groups, of files as they are now."""
    committed.forget()
    repository = Repository(root)
    return {group: repository.digest(group) for group in GROUPS}


def stale(before: dict[str, str], root: Path) -> set[str]:
    """Return the groups whose digests are others now."""
    after = digests(root)
    return {group for group in GROUPS if after[group] != before[group]}


@pytest.mark.parametrize(
    ("file", "concerned"),
    [
        ("core/adversity/engine.py", GROUPS),
        ("flows/adversity_flows/templates/first.yaml", GROUPS),
        ("flows/adversity_flows/templates/README.md", GROUPS),
        ("benchmarks/attacks.py", {TWO}),
        ("integrations/adversity-x/README.md", GROUPS),
        ("docs/site/conf.py", {LINKS}),
        ("pipelines/smoke.yaml", {TWO}),
        ("dvc.yaml", {TWO}),
        ("plugins/adversity_plugins/py.typed", GROUPS),
        ("pyproject.toml", {EVERY}),
        ("constraints.txt", {EVERY}),
        ("tests/conftest.py", GROUPS),
        ("tests/groups.py", GROUPS),
        ("tests/warm/server.py", GROUPS),
        ("tests/plugins/test_one.py", {ONE}),
        ("tests/flows/prefect/test_y.py", {SERVER}),
        ("tests/a/conftest.py", {TWO, EVERY}),
        ("tests/a/toys.py", {TWO, EVERY}),
        ("tests/a/test_fast.py", set()),
        ("tests/b/test_named.py", {TWO}),
        ("tests/b/conftest.py", {TWO}),
        ("tests/suite.lock", set()),
        ("tests/kit.lock", {EVERY}),
        ("tests/thirdparty/acme/src/acme.py", {BROUGHT}),
        ("tests/thirdparty/acme/README.md", {BROUGHT}),
        ("plugins/adversity_plugins/__init__.py", GROUPS),
        ("plugins/adversity_plugins/metric/one.py", {ONE, EVERY}),
        ("plugins/adversity_plugins/metric/_sum.py", {ONE, EVERY}),
        ("plugins/adversity_plugins/metric/file_of_two.py", {TWO, EVERY}),
        ("plugins/adversity_plugins/metric/lime.py", {EVERY, LINKS}),
        ("plugins/adversity_plugins/metric/smoke.py", {TWO, EVERY}),
        ("plugins/adversity_plugins/metric/digits.py", GROUPS),
        ("docs/guide.md", {PAGE, LINKS}),
        ("docs/other.md", {LINKS}),
        ("README.md", {LINKS}),
        ("CHANGELOG.md", {LINKS}),
        ("made/report.json", set()),
    ],
)
def test_a_line_is_stale_where_the_file_could_matter(
    file: str, concerned: set[str], repository: Path
) -> None:
    """To the last byte, be it a comment: what is committed, but for what is shown not to matter."""
    before = digests(repository)
    path = repository / file
    path.write_text(path.read_text() + "# edited\n")
    assert stale(before, repository) == concerned


@pytest.mark.parametrize(
    ("files", "concerned"),
    [
        ({"core/adversity/more.py": ""}, GROUPS),
        ({".ci/run": ""}, GROUPS),
        ({"pyproject.toml": FILES["pyproject.toml"].replace("true", "false")}, GROUPS),
        ({"made/more.json": ""}, set()),
        ({"dvc.lock": "schema: '2.0'\n"}, set()),
        ({"dvc.yaml": "plots:\n  - a.csv:\n      template: a.json\n"}, set()),
        ({"dvc.yaml": "plots:\n- a.csv\nstages: {}\n"}, {TWO}),
        (
            {
                "plugins/adversity_plugins/metric/apart/__init__.py": "",
                "plugins/adversity_plugins/metric/apart/speckle.py": "class Speckle: ...\n",
                "tests/plugins/test_speckle.py": "import speckle\n",
                "docs/speckle.md": "",
                "pyproject.toml": FILES["pyproject.toml"]
                + "[project.optional-dependencies]\nall = ['a']\n",
            },
            {EVERY, LINKS},
        ),
    ],
    ids=[
        "core",
        "a folder that nobody knows",
        "how pytest is set",
        "not committed",
        "what a run leaves",
        "the charts of a run",
        "a stage behind them",
        "a plugin, its tests, its extra",
    ],
)
def test_what_is_added_counts_as_what_is_changed(
    files: dict[str, str], concerned: set[str], repository: Path
) -> None:
    """A file need not be added to git's index; a plugin concerns who may look through all."""
    before = digests(repository)
    put(repository, files)
    assert stale(before, repository) == concerned


def test_a_line_is_stale_under_another_version(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of whatever is installed: what a library requires in turn is in no file of ours."""
    before, here = digests(repository), what_counts.installed()
    assert {"numpy", "sympy"} <= {name for name, _ in here}
    monkeypatch.setattr(what_counts, "installed", lambda: (*here[:-1], (here[-1][0], "9")))
    assert stale(before, repository) == GROUPS


@pytest.mark.parametrize(
    "text",
    [
        "registry.entries('attack')",
        "for kind in KINDS: discover().entries(kind)",
        "run('adversity', 'plugins')",
        "adversity schema",
        "call('doctor')",
        "check --all",
        "call('check', '--kind', 'attack')",
        "from adversity_plugins.attack import adversity_attacks",
        "import adversity_plugins.attack as kind",
        'f"import adversity_plugins.{kind} as kind"',
        'f"kind.adversity_{kind}s()"',
        "plugins_in(package, Attack)",
        "(ROOT / 'plugins').rglob('*.py')",
        'assert "did you mean gaussian_noise?" in said',
    ],
)
def test_who_looks_through_all(text: str) -> None:
    """The registry's list, commands that go through it, hooks, also in a text with gaps."""
    assert what_counts.LOOKS_THROUGH.search(text)


@pytest.mark.parametrize(
    "text",
    [
        "return discover().entries(kind)",
        "git add --all",
        "from adversity_plugins.attack.gradient.pgd import PGD",
        "from adversity_flows.cli import main",
        "the plugins of a test",
        "def adversity_run_started(run):",
    ],
)
def test_who_looks_through_nothing(text: str) -> None:
    """A stand-in that hands the question on, other commands, one plugin by its name."""
    assert not what_counts.LOOKS_THROUGH.search(text)


@cache
def here() -> Repository:
    """Return this repository, read once."""
    return Repository(ROOT)


OF_PLUGINS = "tests/plugins/"


@pytest.mark.parametrize(
    ("file", "group"),
    [
        (
            "plugins/adversity_plugins/attack/scores/_square_search.py",
            "attack/scores/test_square.py",
        ),
        ("plugins/adversity_plugins/attack/scores/nes.py", "classifier/test_light_catalogue.py"),
        ("plugins/adversity_plugins/attack/scores/nes.py", "tests/registry/test_hookspecs.py"),
        ("plugins/adversity_plugins/metric/nll.py", "tests/docs/test_site.py"),
        ("plugins/adversity_plugins/metric/nll.py", "tests/report/test_report_files.py"),
        ("plugins/adversity_plugins/attack/gradient/pgd.py", "tests/flows/prefect/"),
        ("CHANGELOG.md", "tests/docs/test_site.py"),
        ("README.md", "tests/docs/test_doc_pages.py::test_what_a_page_shows_works[README]"),
        (
            "docs/tutorial.md",
            "tests/docs/test_doc_pages.py::test_what_a_page_shows_works[tutorial]",
        ),
        ("tests/thirdparty/acme-kernels/pyproject.toml", "tests/thirdparty/test_open_kinds.py"),
        ("tests/thirdparty/acme-adversity/README.md", "tests/thirdparty/test_acme.py"),
        ("tests/thirdparty/broken/acme_deaf.py", "tests/thirdparty/test_broken_kinds.py"),
        ("tests/plugins/dataset/tiff_cases.py", "dataset/test_image_formats.py"),
        ("tests/kit.lock", "tests/testing/test_kit_lock.py"),
        ("docs/site/viewer.py", "tests/docs/test_viewer.py"),
        ("benchmarks/attacks.py", "tests/benchmarks/test_scripts.py"),
        ("pipelines/imagenet_c.yaml", "tests/e2e/test_imagenet_c.py"),
        (
            "pipelines/smoke.yaml",
            "tests/docs/test_doc_pages.py::test_what_a_page_shows_works[engineer]",
        ),
    ],
)
def test_in_this_repository_it_counts(file: str, group: str) -> None:
    """One of each way in which a group depends on a file."""
    assert file in here().counted(group if group.startswith("tests/") else OF_PLUGINS + group)


@pytest.mark.parametrize(
    "file",
    ["core/adversity/engine/calls/ready.py", ".ci/run", "integrations/adversity-mlflow/README.md"],
)
def test_in_this_repository_it_counts_for_all(file: str) -> None:
    """The core, and what no rule speaks of."""
    assert file in here().files["always"]


@pytest.mark.parametrize(
    ("file", "group"),
    [
        ("plugins/adversity_plugins/attack/scores/nes.py", "tests/flows/prefect/"),
        ("plugins/adversity_plugins/attack/scores/nes.py", "tests/e2e/test_batch_sizes.py"),
        (
            "plugins/adversity_plugins/attack/scores/nes.py",
            OF_PLUGINS + "attack/minimum/test_ddn.py",
        ),
        (
            "docs/tutorial.md",
            "tests/docs/test_doc_pages.py::test_what_a_page_shows_works[engineer]",
        ),
        ("CHANGELOG.md", "tests/flows/prefect/"),
        ("CHANGELOG.md", "tests/e2e/test_three_doors.py"),
        ("docs/site/viewer.py", "tests/flows/prefect/"),
        ("tests/kit.lock", "tests/e2e/test_three_doors.py"),
        ("tests/suite.lock", "tests/testing/test_kit_lock.py"),
    ],
)
def test_in_this_repository_it_does_not_count(file: str, group: str) -> None:
    """What a commit that adds a plugin brings with it leaves the dear groups alone."""
    assert file not in here().counted(group)
