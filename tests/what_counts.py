"""What the outcome of a group of tests depends on, found by what its files say.

On every file that git commits or would, to the last byte, but for:

- other tests and their helpers, unless its own files name them by their stem (its own: its tests,
  the helpers beside and above them, tests/warm, and what these name, again and again);
- plugins that nothing of its own names by a word, be it the file's stem or the plugin's `name`,
  and that no plugin of it and no file that always counts imports or names with a kind; all of
  them count where the code of its own may look through all (`LOOKS_THROUGH`);
- what `WHERE_SAID` lists, unless the code of its own says so: prose with all else in docs/, the
  shipped pipelines, the benchmarks, the distributions of tests/thirdparty, extras and pins, the
  kit's lock. A page of docs/ that is a group's parameter is the only prose of that group, and its
  fenced blocks say so as well;
- the suite's lock, and what runs in this folder leave: `dvc.lock`, and `plots:` in `dvc.yaml`.

And on the versions of all that is installed, on Python, the system and the device. To count too
much makes a line stale too often, and no more. Not covered: a name that is put together from parts
of words, programs of the system, caches, time and chance. Against these a tenth of the fresh
groups is tried all the same.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections import defaultdict
from functools import cache
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from adversity.contracts import KINDS
from adversity.testing.kit.lock import machine
from committed import committed, fingerprint, says, text_of
from groups import KIT_LOCK, SUITE_LOCK, shares_with

if TYPE_CHECKING:
    from collections.abc import Iterable

    Names = set[str]
    Words = frozenset[str]

BROUGHT = "tests/thirdparty/"
PLUGINS = "plugins/"
OF_PLUGINS = "tests/plugins/"
WARM = "tests/warm"
NO_PROSE = ("core/", "flows/", PLUGINS, "integrations/")
"""Where a page is part of what is tried: a template, what a test reads and runs."""

LOOKS_THROUGH = re.compile(
    # A stand-in that hands the question on looks through nothing.
    r"(?<!return discover\(\))\.entries\b|\bplugins_in\b|\bcatalogue\b(?!\.json| import cache_file)"
    r"|\badversity\W+(?:doctor|plugins|schema)\b|[\"'`](?:doctor|plugins|schema)\b"
    r"|\bcheck\W+(?:all|kind)\b|\bnew-plugin\b"
    # A kind's hook or a whole package of plugins, also put together: f"adversity_{kind}s".
    r"|\badversity_(?!plugins\b|flows\b)(?:\w*s\b|\W)|adversity_plugins(?!\.\w)"
    r"|import adversity_plugins\.\w+(?![\w.])"
    r"|[Dd]id you mean|expected one of"
)
"""The registry, a command that goes through it, a hook, a message that knows all names."""

WHERE_SAID = {
    "prose": re.compile(r"\bdocs\b|READ(?:ME)?[.*]|CHANGELOG|(?<!report)\.md\b"),
    "pipelines": re.compile(r"pipelines\b|dvc\.yaml"),
    "benchmarks": re.compile(r"benchmarks?\b"),
    "brought": re.compile(r"thirdparty"),
    "pins": re.compile(r"pyproject|constraints\.txt|adversity\[|Provides-Extra|optional.depend"),
    "kit's lock": re.compile(r"kit.lock|KIT_LOCK|KitLock"),
}
"""What some files are, and what is said by whoever reads them."""

FINDS_THE_ROOT = re.compile(r"\bparents\b|rootpath|getcwd|\bcwd\(|show-toplevel|chdir\(\W*\)")
"""Without it there is no way to the prose."""

ONE_BY_ONE = {
    # They decide what is run, and nothing that comes of it: what they name is nobody's.
    **{
        f"tests/{name}.py": "deals out"
        for name in ("committed", "groups", "suite_lock", "what_counts")
    },
    "constraints.txt": "pins",
    "dvc.yaml": "pipelines",  # made from them
    "pyproject.toml": "pins",
    KIT_LOCK: "kit's lock",
    SUITE_LOCK: "never",
    "dvc.lock": "never",  # what `make demo` leaves
}

_DECLARED = re.compile(r"^    name\b[^=\n]*= \"(\w+)\"", re.MULTILINE)
_WITH_ITS_KIND = re.compile(rf"(?=\b(?:uses|(?:{'|'.join(KINDS)})s?)\W{{1,4}}(\w+))")
"""It looks ahead: in `uses: attack/pgd` the first two words are followed by one, too."""
_IMPORT = re.compile(
    r"^ *(?:from (?:\.|adversity_plugins).* import (?:\([^)]*\)|.+)|import adversity_plugins.*)",
    re.MULTILINE,
)
_PLOTS = re.compile(r"^plots:\n(?:[ -].*\n)*", re.MULTILINE)
_FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)


def what_is(name: str) -> str:
    """Say what a file of the repository is: what it is for decides where it counts."""
    path = PurePosixPath(name)
    if name in ONE_BY_ONE:
        return ONE_BY_ONE[name]
    if name.startswith(BROUGHT) and len(path.parts) > 3:
        return "brought"
    if name.startswith(PLUGINS) and path.suffix == ".py":
        return "inits" if path.stem == "__init__" else "plugins"  # counts with those below it
    if name.startswith("tests/") and path.suffix == ".py":
        return "tests"
    if name.startswith("docs/") or (path.suffix == ".md" and not name.startswith(NO_PROSE)):
        return "prose"
    if name.startswith(("benchmarks/", "pipelines/")):
        return path.parts[0]
    return "always"


class Repository:
    """The files that git commits, and which of them the outcome of a group depends on."""

    def __init__(self, root: Path) -> None:
        """Ask git, and sort the files by what they are."""
        self.root = root
        self.files: dict[str, Names] = defaultdict(set)
        for name in committed(root):
            self.files[what_is(name)].add(name)
        self.names_of_plugins = {
            name: {_stem(name), *_DECLARED.findall(self._text(name))}
            for name in self.files["plugins"]
        }
        always = self.files["always"]
        self.always_named = self._plugins_of(_together(_spoken, map(self._text, always)))
        always_digested = always | self.files["deals out"]
        self.always_digest = self._digest(_settings(root / "pyproject.toml"), always_digested)

    def tests_of(self, group: str) -> Names:
        """Return the test files of a group."""
        file = group.partition("::")[0]
        tests = (name for name in self.files["tests"] if _is_test(name))
        return {name for name in tests if file in (name, shares_with(name))}

    def digest(self, group: str) -> str:
        """Return the digest of all that the outcome of a group depends on."""
        return self._here(self.always_digest, self.counted(group))

    def own_digest(self, group: str) -> str:
        """Return the digest of the same but for what the group shares with many others.

        That is every plugin of which it names none, where it looks through all; and what counts
        for all, the core above all, where it is of plugins. Empty where it shares nothing.
        """
        of_plugins = group.startswith(OF_PLUGINS)
        if not of_plugins and not self.looks_through(group):
            return ""
        return self._here("" if of_plugins else self.always_digest, self.counted(group, named=True))

    def _here(self, start: str, counted: Names) -> str:
        digest = hashlib.sha256(self._digest(start, counted).encode())
        for name, value in (*installed(), *machine()):
            digest.update(f"{name}\0{value}\0".encode())
        return digest.hexdigest()[:16]

    def looks_through(self, group: str) -> bool:
        """Say whether the code of a group, or its page, may look through all plugins."""
        code = self._own(group) - self.files["prose"]
        shown = self._shown(self._page(group))
        return self._say(LOOKS_THROUGH, code) or LOOKS_THROUGH.search(shown) is not None

    def counted(self, group: str, *, named: bool = False) -> Names:
        """Return the files that count for a group, beside those that count for all.

        Args:
            group: Of tests.
            named: Of the plugins only those that it names, though it may look through all.
        """
        own, page = self._own(group), self._page(group)
        shown = self._shown(page)
        said = {
            what for what, says in WHERE_SAID.items() if self._say(says, own) or says.search(shown)
        }
        if group.startswith(BROUGHT):
            said.add("brought")
        if page or not self._say(FINDS_THE_ROOT, own):
            said.discard("prose")
        own = own.union(*(self.files[what] for what in said))
        if self.looks_through(group) and not named:
            return own | page | self._with_what_it_needs(self.files["plugins"])
        words = _together(_words, [shown, *map(self._text, own)])
        return own | page | self._with_what_it_needs(self._plugins_of(words) | self.always_named)

    def _shown(self, page: Names) -> str:
        """Return the fenced blocks of a page."""
        return "\n".join(fence for name in page for fence in _FENCE.findall(self._text(name)))

    def _say(self, what: re.Pattern[str], names: Names) -> bool:
        """Say whether the code of one of these files says something."""
        return any(says(self.root, name, what) for name in names)

    def _own(self, group: str) -> Names:
        """Return the tests of a group and their helpers, with what these name, again and again."""
        own, before = self.tests_of(group), set[str]()
        while own != before:
            before = own
            folders = {WARM, *(folder for name in own for folder in _folders(name))}
            words = _together(_words, map(self._text, own)) - {"conftest"}
            own = own | {
                name
                for name in self.files["tests"]
                if _stem(name) in words or (not _is_test(name) and _folders(name)[0] in folders)
            }
        return own

    def _page(self, group: str) -> Names:
        """Return the page that a group of the documentation's tests has in its name."""
        stem = group.partition("[")[2].rstrip("]") if group.startswith("tests/docs/") else ""
        return {name for name in self.files["prose"] if _stem(name) == stem}

    def _plugins_of(self, words: Words) -> Names:
        return {name for name, names in self.names_of_plugins.items() if names & words}

    def _with_what_it_needs(self, plugins: Names) -> Names:
        """Return plugins with those that they speak of, again and again, and their packages."""
        before = set[str]()
        while plugins != before:
            before = plugins
            spoken = _together(_spoken, map(self._text, plugins))
            plugins = plugins | self._plugins_of(spoken)
        inits = {f"{folder}/__init__.py" for name in plugins for folder in _folders(name)}
        return plugins | inits & self.files["inits"]

    def _text(self, name: str) -> str:
        return text_of(self.root, name)

    def _digest(self, start: str, names: Iterable[str]) -> str:
        digest = hashlib.sha256(start.encode())
        for name in sorted(names):
            of = _stages if name == "dvc.yaml" else fingerprint
            digest.update(f"{name}\0{of(self.root, name)}\0".encode())
        return digest.hexdigest()


@cache
def _words(text: str) -> Words:
    return frozenset(re.findall(r"\w+", text))


@cache
def _spoken(text: str) -> Words:
    """Return the words that follow a kind, as in `attack/pgd`, and those of imports of plugins."""
    return frozenset(_WITH_ITS_KIND.findall(text)) | _words(" ".join(_IMPORT.findall(text)))


def _together(words_of: Any, texts: Iterable[str]) -> Words:
    return frozenset[str]().union(*map(words_of, texts))


@cache
def _stem(name: str) -> str:
    return PurePosixPath(name).stem


@cache
def _folders(name: str) -> tuple[str, ...]:
    """Return the folders that a file lies in, the nearest first."""
    return tuple(map(str, PurePosixPath(name).parents))


def _is_test(name: str) -> bool:
    return _stem(name).startswith("test_")


def _stages(root: Path, name: str) -> str:
    """Return what `dvc.yaml` says but for the charts of the last run's report."""
    return _PLOTS.sub("", text_of(root, name))


def _settings(file: Path) -> str:
    """Return what pyproject.toml says of the product, of its build and of pytest."""
    said = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    project = {**said.get("project", {}), "optional-dependencies": None}
    settings = [project, said.get("build-system"), said.get("tool", {}).get("pytest")]
    return json.dumps(settings, sort_keys=True)


@cache
def installed() -> tuple[tuple[str, str], ...]:
    """Return name and version of each distribution of this environment."""
    return tuple(sorted({(found.name, found.version) for found in metadata.distributions()}))
