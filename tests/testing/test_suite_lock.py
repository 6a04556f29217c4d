"""The suite's lock: which groups a change concerns, who is left out, and who may write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import suite_lock
from adversity.registry import discover
from adversity.testing.kit import lock
from adversity.testing.kit.lock import read_lock
from suite_lock import SUITE_LOCK, Repository

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
ONE, TWO, EVERY = (f"tests/{name}.py" for name in ("plugins/test_one", "a/test_two", "a/test_all"))
PAGE = "tests/docs/test_doc_pages.py::test_a_page[guide]"
SERVER = "tests/flows/prefect/"
GROUPS = {ONE, TWO, EVERY, PAGE, SERVER}
FILES = {
    "pyproject.toml": '[project]\ndependencies = ["numpy>=2"]\n[tool.pytest]\nxfail_strict = true\n',
    "README.md": "",
    "docs/guide.md": "lime\n",
    "docs/other.md": "",
    "pipelines/smoke.yaml": "steps: []\n",
    "core/adversity/engine.py": "X = 1\n",
    "flows/adversity_flows/templates/first.yaml": "uses: digits\n",
    "plugins/adversity_plugins/__init__.py": "",
    "plugins/adversity_plugins/metric/__init__.py": "",
    "plugins/adversity_plugins/metric/one.py": "from ._sum import total\n",
    "plugins/adversity_plugins/metric/_sum.py": "total = sum\n",
    "plugins/adversity_plugins/metric/file_of_two.py": 'class Two:\n    name: str = "two"\n',
    "plugins/adversity_plugins/metric/lime.py": "",
    "plugins/adversity_plugins/metric/digits.py": "",
    "tests/conftest.py": "",
    "tests/suite.lock": "{}",
    "tests/groups.py": "",
    "tests/warm/server.py": "",
    "tests/a/conftest.py": "",
    "tests/a/toys.py": "",
    "tests/plugins/test_one.py": '"""two."""\nimport one  # two\nimport idna\n',
    "tests/a/test_two.py": 'ROOT = __file__.parents[2] / "pipelines"\nUSES = "two"\nimport acme\n',
    "tests/a/test_all.py": "discover().entries()\n",
    "tests/docs/test_doc_pages.py": 'ROOT = __file__.parents[2] / "docs", "README.md"\n',
    "tests/flows/prefect/test_x.py": "",
    "tests/flows/prefect/test_y.py": "",
    "tests/thirdparty/acme/src/acme.py": "",
}


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    """Import plugins and torch: what is imported beside a `pytester` is forgotten with it."""
    discover().entries()
    lock.machine()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with a few plugins and tests of them."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def digests(root: Path) -> dict[str, str]:
    """Return the digests of all groups, of files as they are now."""
    suite_lock.read.cache_clear()
    return {group: Repository(root).digest(group) for group in GROUPS}


@pytest.mark.parametrize(
    ("file", "stale"),
    [
        ("tests/plugins/test_one.py", {ONE}),
        ("tests/flows/prefect/test_y.py", {SERVER}),
        ("tests/conftest.py", GROUPS),
        ("tests/warm/server.py", GROUPS),
        ("tests/a/conftest.py", {TWO, EVERY}),
        ("tests/a/toys.py", {TWO, EVERY}),
        ("tests/groups.py", set()),
        ("tests/suite.lock", set()),
        ("tests/thirdparty/acme/src/acme.py", {TWO}),
        ("core/adversity/engine.py", GROUPS),
        ("flows/adversity_flows/templates/first.yaml", GROUPS),
        ("pyproject.toml", GROUPS),
        ("plugins/adversity_plugins/metric/one.py", {ONE, EVERY}),
        ("plugins/adversity_plugins/metric/_sum.py", {ONE, EVERY}),
        ("plugins/adversity_plugins/metric/file_of_two.py", {TWO, EVERY}),
        ("plugins/adversity_plugins/metric/lime.py", {PAGE, EVERY}),
        ("plugins/adversity_plugins/metric/digits.py", GROUPS),
        ("pipelines/smoke.yaml", {TWO}),
        ("docs/guide.md", {PAGE}),
        ("docs/other.md", set()),
        ("README.md", set()),
    ],
)
def test_a_line_is_stale_where_the_file_could_matter(
    file: str, stale: set[str], repository: Path
) -> None:
    """Whoever names it, and what names that; each group, where all have it."""
    before = digests(repository)
    path = repository / file
    path.write_text(path.read_text() + "edited = 1\n")
    after = digests(repository)
    assert {group for group in GROUPS if after[group] != before[group]} == stale


def test_an_added_plugin_concerns_whoever_names_it_or_looks_through_all(repository: Path) -> None:
    """A plugin in a folder of its own, an extra that it needs and its tests: others stay fresh."""
    new = {
        "plugins/adversity_plugins/metric/apart/__init__.py": "",
        "plugins/adversity_plugins/metric/apart/speckle.py": "class Speckle: ...\n",
        "tests/plugins/test_speckle.py": "import speckle\n",
        "pyproject.toml": FILES["pyproject.toml"]
        + "[project.optional-dependencies]\nall = ['a']\n",
    }
    before = digests(repository)
    for name, text in new.items():
        (repository / name).parent.mkdir(exist_ok=True)
        (repository / name).write_text(text)
    after = digests(repository)
    assert {group for group in GROUPS if after[group] != before[group]} == {EVERY}
    Path(repository, TWO).write_text(FILES[TWO] + "speckle")
    named = Repository(repository).counted(ONE), Repository(repository).counted(TWO)
    assert not [file for file in named[0] if "apart" in file.parts]


def test_comments_and_docstrings_move_nothing(repository: Path) -> None:
    """The same code with other words around it."""
    before = digests(repository)
    Path(repository, ONE).write_text('"""lime, "docs"."""\nimport one\nimport idna\n')
    assert digests(repository) == before


@pytest.mark.parametrize(
    ("distribution", "stale"), [("numpy", GROUPS), ("idna", {ONE}), ("torch", GROUPS)]
)
def test_a_line_is_stale_under_another_version(
    distribution: str, stale: set[str], repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the product requires or is measured with: all; what one test imports: its group."""
    before, real = digests(repository), lock._version
    monkeypatch.setattr(lock, "_version", lambda name: "9" if name == distribution else real(name))
    after = digests(repository)
    assert {group for group in GROUPS if after[group] != before[group]} == stale


@pytest.mark.parametrize(
    "text",
    [
        "registry.entries('attack')",
        "run('adversity', 'plugins')",
        "adversity schema",
        "call('doctor')",
        "check --all",
        "call('check', '--kind', 'attack')",
        "from adversity_plugins.attack import adversity_attacks",
    ],
)
def test_who_looks_through_all(text: str) -> None:
    """The registry's list, commands that go through it, the hook of a kind."""
    assert suite_lock.LOOKS_THROUGH.search(text)
    for other in ("registry.entries(kind)", "git add --all", "import adversity_plugins", "plugins"):
        assert not suite_lock.LOOKS_THROUGH.search(other)


def test_the_lock_knows_the_groups() -> None:
    """Each line is of tests that exist: delete the line of what was renamed."""
    for group in read_lock(ROOT / SUITE_LOCK):
        file, _, name = group.partition("::")
        assert (ROOT / file).exists(), group
        assert not name or f"def {name.partition('[')[0]}(" in (ROOT / file).read_text(), group


CONFTEST = """
import sys

pytest_plugins = ["adversity.testing.kit.pytest_lock"]

def pytest_configure(config):
    config.addinivalue_line("markers", "slow: of seconds")
    config.addinivalue_line("markers", "peers: of others")
    config.pluginmanager.register(sys.modules["suite_lock"], "suite_lock")
"""
TESTS = """
import pytest

def test_fast(): pass

@pytest.mark.slow
@pytest.mark.parametrize("number", range(3))
def test_slow(number): pass

@pytest.mark.peers
def test_peer(): assert False
"""
PLUGIN, OTHER = "tests/plugins/test_a.py", "tests/cli/test_b.py"


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Any:
    """Return a function that runs two groups of tests with some options, in a folder apart."""
    pytester.makeconftest(CONFTEST)
    for name in (PLUGIN, OTHER):
        (pytester.path / name).parent.mkdir(parents=True)
        (pytester.path / name).write_text(TESTS)
    options = ("-p", "no:cacheprovider", "-p", "no:xdist", "--import-mode=importlib")

    def run(*more: str) -> pytest.RunResult:
        suite_lock.read.cache_clear()
        return pytester.runpytest_inprocess(*options, *more)

    return run


def test_a_whole_group_is_written_and_left_out(suite: Any, pytester: pytest.Pytester) -> None:
    """Of plugins all tests, elsewhere the slow ones; of two fresh groups one is drawn."""
    assert suite("-m", "not peers", "--write-lock").parseoutcomes()["passed"] == 8
    lines = read_lock(pytester.path / SUITE_LOCK)
    assert {group: line.passed for group, line in lines.items()} == {PLUGIN: 4, OTHER: 3}
    (left_out,) = lines.keys() - lock.drawn(lines, "")
    result = suite("-m", "not peers", "--changed")
    assert result.parseoutcomes()["passed"] == 8 - lines[left_out].passed
    result.stdout.fnmatch_lines(
        [f"1 groups of tests with {lines[left_out].passed} tests left out*{SUITE_LOCK}*{left_out}"]
    )
    assert suite("-m", "not peers").parseoutcomes()["passed"] == 8
    Path(pytester.path, left_out).write_text(TESTS + "more = 1\n")
    assert suite("-m", "not peers", "--changed").parseoutcomes()["passed"] == 8


@pytest.mark.parametrize(
    "part",
    [
        ("-m", "not slow"),
        ("-k", "0 or 1 or fast"),
        (f"{PLUGIN}::test_slow[0]", f"{OTHER}::test_slow"),
        ("--deselect", f"{PLUGIN}::test_slow[2]", "--deselect", f"{OTHER}::test_slow[2]"),
    ],
)
def test_a_part_of_a_group_writes_nothing(
    part: tuple[str, ...], suite: Any, pytester: pytest.Pytester
) -> None:
    """Where tests were chosen, no group passed as a whole."""
    assert suite("--write-lock", *part).parseoutcomes()["passed"]
    assert not (pytester.path / SUITE_LOCK).exists()


def test_a_part_of_what_shares_a_server_writes_nothing(
    suite: Any, pytester: pytest.Pytester
) -> None:
    """A group of several files is whole with all of them, and has one line."""
    for name in "xy":
        (pytester.path / f"{SERVER}test_{name}.py").parent.mkdir(parents=True, exist_ok=True)
        (pytester.path / f"{SERVER}test_{name}.py").write_text(TESTS)
    suite("--write-lock", f"{SERVER}test_x.py")
    assert not (pytester.path / SUITE_LOCK).exists()
    suite("--write-lock", SERVER)
    assert {name: line.passed for name, line in read_lock(pytester.path / SUITE_LOCK).items()} == {
        SERVER: 6
    }


def test_a_failure_that_the_lock_denies_names_the_lock(
    suite: Any, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fresh group that fails is said to be so, and loses its line."""
    text = TESTS.replace("pass", "assert 'BREAK' not in __import__('os').environ")
    (pytester.path / PLUGIN).write_text(text)
    assert suite("-m", "not peers", "--write-lock").ret == 0
    monkeypatch.setenv("BREAK", "1")
    result = suite("-m", "not peers", "--write-lock")
    assert result.parseoutcomes()["failed"] == 4
    result.stdout.fnmatch_lines([f"*{SUITE_LOCK} says that {PLUGIN} passed*"])
    assert list(read_lock(pytester.path / SUITE_LOCK)) == [OTHER]


def test_what_is_no_lock_is_refused(suite: Any, pytester: pytest.Pytester) -> None:
    """A merge that went wrong is one message that names the file."""
    (pytester.path / SUITE_LOCK).write_text("<<<<<<< HEAD")
    result = suite("--changed")
    result.stderr.fnmatch_lines(["ERROR:*suite.lock*"])
