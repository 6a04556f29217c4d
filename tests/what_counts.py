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
from typing import TYPE_CHECKING

from adversity.contracts import KINDS
from adversity.testing.kit.lock import machine
from committed import committed, fingerprint, folders, is_test, says, stem, text_of, words
from groups import KIT_LOCK, SUITE_LOCK, shares_with

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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


_ASKED_AGAIN = [
    "looks_through",
    "_said",
    "_own",
    "_tests_named_in",
    "_named_in",
    "_spoken_of",
    "_line",
]
"""What a repository keeps its answers of."""


class Repository:
    """The files that git commits, and which of them the outcome of a group depends on.

    Answers are kept: every process of a run asks for each of a thousand groups before its tests.
    """

    def __init__(self, root: Path) -> None:
        """Ask git, and sort the files by what they are."""
        self.root = root
        for asked in _ASKED_AGAIN:
            setattr(self, asked, cache(getattr(self, asked)))
        self.files: dict[str, Names] = defaultdict(set)
        for name in committed(root):
            self.files[what_is(name)].add(name)
        self.plugins_called: dict[str, Names] = defaultdict(set)
        for name in self.files["plugins"]:
            for word in (stem(name), *_DECLARED.findall(self._text(name))):
                self.plugins_called[word].add(name)
        self.tests_called: dict[str, Names] = defaultdict(set)
        self.helpers_in: dict[str, Names] = defaultdict(set)
        self.tests_in: dict[str, Names] = defaultdict(set)
        for name in self.files["tests"]:
            self.tests_called[stem(name)].add(name)
            if not is_test(name):
                self.helpers_in[folders(name)[0]].add(name)
                continue
            for group in {name, shares_with(name)}:
                self.tests_in[group].add(name)
        self.tests_called.pop("conftest", None)
        always = self.files["always"]
        self.always_named = self._all_of(self._spoken_of, always)
        always_digested = always | self.files["deals out"]
        self.always_digest = self._digest(_settings(root / "pyproject.toml"), always_digested)
        self.versions = b"".join(
            f"{name}\0{value}\0".encode() for name, value in (*installed(), *machine())
        )

    def tests_of(self, group: str) -> Names:
        """Return the test files of a group."""
        return self.tests_in.get(group.partition("::")[0], set())

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
        digest.update(self.versions)
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
        page = self._page(group)
        own = self._own(group).union(*(self.files[what] for what in self._said(group)))
        if self.looks_through(group) and not named:
            return own | page | self._with_what_it_needs(self.files["plugins"])
        plugins = self._called(words(self._shown(page))) | self._all_of(self._named_in, own)
        return own | page | self._with_what_it_needs(plugins | self.always_named)

    def _said(self, group: str) -> Names:
        """Return what of `WHERE_SAID` counts for a group."""
        own, page = self._own(group), self._page(group)
        shown = self._shown(page)
        said = {
            what for what, says in WHERE_SAID.items() if self._say(says, own) or says.search(shown)
        }
        if group.startswith(BROUGHT):
            said.add("brought")
        if page or not self._say(FINDS_THE_ROOT, own):
            said.discard("prose")
        return said

    def _shown(self, page: Names) -> str:
        """Return the fenced blocks of a page."""
        return "\n".join(fence for name in page for fence in _FENCE.findall(self._text(name)))

    def _say(self, what: re.Pattern[str], names: Names) -> bool:
        """Say whether the code of one of these files says something."""
        return any(says(self.root, name, what) for name in names)

    def _own(self, group: str) -> Names:
        """Return the tests of a group and their helpers, with what these name, again and again."""
        own, new = set[str](), self.tests_of(group) | self.helpers_in[WARM]
        while new:
            own = own | new
            above = {folder for name in new for folder in folders(name)}
            beside = set[str]().union(*(self.helpers_in.get(folder, ()) for folder in above))
            new = (beside | self._all_of(self._tests_named_in, new)) - own
        return own

    def _page(self, group: str) -> Names:
        """Return the page that a group of the documentation's tests has in its name."""
        page = group.partition("[")[2].rstrip("]") if group.startswith("tests/docs/") else ""
        return {name for name in self.files["prose"] if stem(name) == page} if page else set()

    def _all_of(self, of: Callable[[str], Names], names: Iterable[str]) -> Names:
        return set[str]().union(*map(of, names))

    def _tests_named_in(self, name: str) -> Names:
        called = words(self._text(name)) & self.tests_called.keys()
        return set[str]().union(*(self.tests_called[word] for word in called))

    def _named_in(self, name: str) -> Names:
        return self._called(words(self._text(name)))

    def _spoken_of(self, name: str) -> Names:
        """Return the plugins of which a file speaks, as in `attack/pgd` or in an import."""
        text = self._text(name)
        imported = words(" ".join(_IMPORT.findall(text)))
        return self._called(frozenset(_WITH_ITS_KIND.findall(text)) | imported)

    def _called(self, said: Words) -> Names:
        called = said & self.plugins_called.keys()
        return set[str]().union(*(self.plugins_called[word] for word in called))

    def _with_what_it_needs(self, plugins: Names) -> Names:
        """Return plugins with those that they speak of, again and again, and their packages."""
        new = plugins
        while new:
            new = self._all_of(self._spoken_of, new) - plugins
            plugins = plugins | new
        inits = {f"{folder}/__init__.py" for name in plugins for folder in folders(name)}
        return plugins | inits & self.files["inits"]

    def _text(self, name: str) -> str:
        return text_of(self.root, name)

    def _digest(self, start: str, names: Iterable[str]) -> str:
        return hashlib.sha256(start.encode() + b"".join(map(self._line, sorted(names)))).hexdigest()

    def _line(self, name: str) -> bytes:
        of = _stages if name == "dvc.yaml" else fingerprint
        return f"{name}\0{of(self.root, name)}\0".encode()


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
