"""The suite's lock: which groups of tests passed as a whole, and with what.

Its lines are of the groups that `shares_with` names, without the kit's, which has a lock of its
own: below tests/plugins all tests of a group, elsewhere the slow ones; comparisons with peers
never count. What the outcome of a group depends on is found from texts, Python's without comments
and docstrings:

- Always: its test files, the helpers beside and above them, tests/warm, the core, the flows, what
  pyproject.toml says of the product and of pytest, the versions of what the product requires,
  Python, the system and the device.
- What these name in whole words, and what that names again: a file of plugins/ by its stem or by
  the `name` in it, a helper or another test file by its stem, a distribution of tests/thirdparty,
  what lies in the repository's root (`docs`, `dvc.yaml`), an installed library. The core, the
  flows and plugins name plugins and libraries alone: they speak of folders of any project. A group
  whose name has a page of docs/ depends on no other page.
- All plugins, where one of these looks through them (`LOOKS_THROUGH`).

Whoever imports a file, reads it or asks the registry for it writes its name; to find too much
makes a line stale too often, and no more. So a plugin that is added concerns the groups that name
it or look through all. Not covered: a name that is put together from parts of words, a message
that lists all plugins or the nearest, plugins of others in this environment, what libraries
require, caches, time and chance. Against these a tenth of the fresh groups is tried all the same.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from adversity import source_text
from adversity.testing.kit.lock import machine, versions
from adversity.testing.kit.pytest_lock import Locked, take_up
from groups import KIT, SUITE_LOCK, shares_with

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pytest

    Words = frozenset[str]

ALL_COUNT = "tests/plugins/"
AT_ROOT = (
    ".ci",
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "benchmarks",
    "constraints.txt",
    "docs",
    "dvc.yaml",
    "integrations",
    "pipelines",
    "pyproject.toml",
)
FINDS_THE_ROOT = {"parents", "rootpath"}
DEALS_OUT = {"groups", "suite_lock"}
"""They decide what is run, and nothing that comes of it."""

LOOKS_THROUGH = re.compile(
    r"\.entries\((?!kind\))"  # a stand-in that hands the question on looks through nothing
    r"|\badversity\W+(plugins|schema|doctor)\b|[\"'](plugins|schema|doctor)[\"']"
    r"|\bcheck\W+(all|kind)\b"
    r"|\bimport adversity_(?!plugins\b|flows\b)\w+s\b|\.adversity_\w+s\("
)
"""The registry's list, a command that goes through it, or the hook that offers a kind's plugins."""

_DECLARED = re.compile(r"^    name\b[^=\n]*= \"(\w+)\"", re.MULTILINE)
_MADE = {"__pycache__", ".resolved"}  # folders


def pytest_configure(config: pytest.Config) -> None:
    """Read the suite's lock, where an option of the kit's needs it."""
    take_up(SuiteLock, config)


class SuiteLock(Locked):
    """Which groups of tests passed as a whole."""

    lock = SUITE_LOCK
    what = "groups of tests"
    covered_in = "tests/suite_lock.py"

    def name_of(self, item: pytest.Item) -> str:
        """Return the group whose line tells of a test."""
        if item.nodeid.startswith(KIT) or item.get_closest_marker("peers"):
            return ""
        group = shares_with(item.nodeid)
        return group if group.startswith(ALL_COUNT) or item.get_closest_marker("slow") else ""

    def read_digests(self, items: list[pytest.Item]) -> None:
        """Digest the groups; of one that was collected in part no number of trials is the whole."""
        part = any("::" in arg for arg in self.config.args) or self.config.getoption("lf", False)
        counts = Counter(map(self.name_of, items))
        del counts[""]
        collected = {item.path for item in items}
        with known_from_before(self.config):
            repository = Repository(self.config.rootpath)
            self.digests = {group: repository.digest(group) for group in counts}
        for group, count in counts.items():
            whole = not part and collected.issuperset(repository.tests_of(group))
            self.trials[group] = count if whole else 0

    def existing(self, names: Iterable[str]) -> set[str]:
        """Return the groups whose file or folder is there."""
        root = self.config.rootpath
        return {name for name in names if (root / name.partition("::")[0]).exists()}


@dataclass(frozen=True, slots=True)
class Text:
    """What a file says, without comments and docstrings.

    Attributes:
        fingerprint: Of all of it.
        words: That stand in it.
        declared: Names that its classes have.
        looks_through: Whether it looks through all plugins.
    """

    fingerprint: str
    words: frozenset[str]
    declared: tuple[str, ...]
    looks_through: bool


@cache
def read(file: Path) -> Text:
    """Read a file, once in a process; what the same bytes say may be known from another one."""
    source = file.read_bytes()
    key = hashlib.sha256(b"%s %s" % (file.suffix.encode(), source)).hexdigest()
    if key not in _known:
        _known[key] = _read(source, file.suffix)
    fingerprint, words, declared, looks_through = _known[key]
    return Text(fingerprint, frozenset(words.split()), tuple(declared), looks_through)


_known: dict[str, tuple[str, str, list[str], bool]] = {}
"""What files say, by their bytes: to parse all of them takes seconds of each process."""


@contextmanager
def known_from_before(config: pytest.Config) -> Iterator[None]:
    """Keep what files say in pytest's cache; the names of it go by how they are read."""
    cache = getattr(config, "cache", None)  # none under `-p no:cacheprovider`
    reads = b"".join(Path(str(file)).read_bytes() for file in (__file__, source_text.__file__))
    name = f"suite_lock/{hashlib.sha256(reads).hexdigest()[:16]}"
    before = cache.get(name, {}) if cache else {}
    _known.update(before)
    yield
    if cache and _known.keys() - before:
        cache.set(name, _known)


def _read(source: bytes, suffix: str) -> tuple[str, str, list[str], bool]:
    if b"\0" in source:  # an image
        return hashlib.sha256(source).hexdigest(), "", [], False
    plain = (
        source_text.computing_text(source) if suffix == ".py" else source_text.plain_text(source)
    )
    text = plain.decode(errors="replace")
    looks_through = LOOKS_THROUGH.search(text) is not None
    words = " ".join(sorted(_words(text)))
    return hashlib.sha256(plain).hexdigest(), words, _DECLARED.findall(text), looks_through


class Part(NamedTuple):
    """Files that count where a text has all words of their name."""

    name: Words
    files: list[Path]


class Repository:
    """The files of a repository, and which of them the outcome of a group depends on."""

    def __init__(self, root: Path) -> None:
        """List the files, and read the core's, the flows' and the plugins'."""
        self.root = root
        brought = [_files(folder) for folder in (root / "tests/thirdparty").glob("*/")]
        elsewhere = {file for files in brought for file in files}
        listed = [file for file in _files(root / "tests") if file.suffix == ".py"]
        tests = [file for file in listed if file not in elsewhere and file.stem not in DEALS_OUT]
        self.tests = {self._name(file): file for file in tests if file.stem.startswith("test_")}
        self.helpers = [file for file in tests if not file.stem.startswith("test_")]
        self.named = [Part(_words(file.stem), [file]) for file in tests if file.stem != "conftest"]
        self.named += [Part(_words(files[0].parts[-3]), files) for files in brought if files]
        self.at_root = [Part(_words(name), _files(root / name)) for name in AT_ROOT]
        self.pages = [*_files(root / "README.md"), *_files(root / "docs")]
        self.plugins = list(_plugins(root / "plugins/adversity_plugins"))
        always = [*_files(root / "core"), *_files(root / "flows")]
        self.spoken = _words_of(always)
        self.spoken_of = _with_named(set(), self.plugins, self.spoken)
        settings, self.required = _project(root / "pyproject.toml")
        self.always = self._digest(settings, always).hexdigest()

    def tests_of(self, group: str) -> set[Path]:
        """Return the test files of a group."""
        file = group.partition("::")[0]
        return {test for name, test in self.tests.items() if file in (name, shares_with(name))}

    def digest(self, group: str) -> str:
        """Return the digest of all that the outcome of a group depends on."""
        files = self.counted(group)
        digest = self._digest(self.always, files)
        words = _words_of(files) | self.spoken
        for name, value in (*versions(words, *self.required), *machine()):
            digest.update(f"{name}\0{value}\0".encode())
        return digest.hexdigest()[:16]

    def counted(self, group: str) -> set[Path]:
        """Return the files that count for a group, beside those that count for all."""
        tests, page = self.tests_of(group), self._page(group)
        folders = {folder for test in tests for folder in test.parents} | {self.root / "tests/warm"}
        own = {file for file in self.helpers if file.parent in folders}
        files = _with_named(tests | own, self.named)
        words = _words_of(file for file in files if FINDS_THE_ROOT & read(file).words)
        at_root = {file for part in self.at_root if part.name <= words for file in part.files}
        files |= page | at_root.difference(self.pages if page else ())
        if any(read(file).looks_through for file in files if file.suffix == ".py" or file in page):
            files = files.union(*(part.files for part in self.plugins))
        return self.spoken_of | _with_named(files, self.plugins)

    def _page(self, group: str) -> set[Path]:
        """Return the page that a group of the documentation's tests has in its name."""
        stem = group.partition("[")[2].rstrip("]") if group.startswith("tests/docs/") else ""
        return {file for file in self.pages if file.name == f"{stem}.md"}

    def _digest(self, start: str, files: Iterable[Path]) -> hashlib._Hash:
        digest = hashlib.sha256(start.encode())
        for file in sorted(files):
            digest.update(f"{self._name(file)}\0{read(file).fingerprint}\0".encode())
        return digest

    def _name(self, file: Path) -> str:
        return file.as_posix()[len(self.root.as_posix()) + 1 :]


def _with_named(files: set[Path], parts: list[Part], words: Words = frozenset()) -> set[Path]:
    """Return files and, again and again, those of the parts that they or these words name."""
    files, words = set(files), words | _words_of(files)
    while new := {file for part in parts if part.name <= words for file in part.files} - files:
        files |= new
        words |= _words_of(new)
    return files


def _words_of(files: Iterable[Path]) -> Words:
    return frozenset[str]().union(*(read(file).words for file in files))


def _words(text: str) -> Words:
    return frozenset(re.findall(r"\w+", text))


def _files(place: Path) -> list[Path]:
    """Return a file, or the files of a folder, without what is made there."""
    places = [place] if place.is_file() else sorted(place.rglob("*"))
    return [file for file in places if file.is_file() and not _MADE.intersection(file.parts)]


def _plugins(folder: Path) -> Iterator[Part]:
    """Yield the files by the names that they have, with what Python reads before them."""
    for file in _files(folder):
        if file.suffix == ".py" and file.stem != "__init__":
            inits = takewhile(Path.is_file, (above / "__init__.py" for above in file.parents))
            files = [file, *inits]
            for name in {file.stem, *read(file).declared}:
                yield Part(_words(name), files)


def _project(file: Path) -> tuple[str, list[str]]:
    """Return what pyproject.toml says of the product and of pytest, and what it requires."""
    said = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    project = {**said.get("project", {}), "optional-dependencies": None}
    settings = [project, said.get("build-system"), said.get("tool", {}).get("pytest")]
    required = [re.split(r"[^\w.-]", line)[0] for line in project.get("dependencies", ())]
    return json.dumps(settings, sort_keys=True), required
