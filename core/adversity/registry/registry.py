"""The registry: which plugins there are, who brings them, and which name means which."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from adversity.did_you_mean import did_you_mean
from adversity.distributions import canonical_name
from adversity.errors import AdversityError, UnknownPluginError
from adversity.registry.blocking import VARIABLE, block_names, names_of
from adversity.registry.containment import Guard, spoken_aside
from adversity.registry.discovery import Findings, explore
from adversity.registry.entry import Entry, Problem, absent_note
from adversity.registry.quoting import error_text, where_raised

if TYPE_CHECKING:
    import pluggy

    from adversity.contracts import PluginBase
    from adversity.notifier import Notifier

__all__ = ["Registry", "discover"]

_cache: dict[frozenset[str], Registry] = {}
_lock = threading.RLock()


def discover(*, blocked: Iterable[str] = (), refresh: bool = False) -> Registry:
    """Return the registry of everything installed; found once a process.

    Args:
        blocked: Names to leave out beside those in the variable `ADVERSITY_BLOCK`:
            `attack/pgd`, `acme-attacks:pgd` or a whole distribution, `acme-attacks`.
        refresh: Look again at what is installed (modules that were imported stay so).
    """
    names = block_names(blocked)
    with _lock:
        if refresh:
            _cache.clear()
        if names not in _cache:
            _cache[names] = Registry(explore(names), blocked=names)
        return _cache[names]


class Registry:
    """Plugins by kind and name, with the problems of those that could not be had."""

    def __init__(self, findings: Findings, *, blocked: frozenset[str] = frozenset()) -> None:
        """Settle who owns which short name."""
        contracts = sorted(findings.kinds.values(), key=lambda cls: cls.describes.place)
        self.kinds: Mapping[str, type[PluginBase]] = MappingProxyType(
            {cls.describes.name: cls for cls in contracts}
        )
        """The contract of every kind by its name, in the order of lists."""
        settled, twice = _without_doubles(findings.entries)
        self._entries = tuple(sorted(_settle(settled), key=self._order))
        self._origins = findings.origins
        self._manager = findings.manager
        self.left_out: tuple[str, ...] = tuple(findings.left_out)
        """Distributions that are blocked and were not imported."""
        idle = _idle_blocks(blocked, self._entries, self.left_out)
        self.problems: tuple[Problem, ...] = (*findings.problems, *twice, *idle)
        """What distributions got wrong."""

    def _order(self, entry: Entry) -> tuple[int, str, bool, str]:
        place = list(self.kinds).index(entry.kind)
        return place, entry.name, not entry.built_in, entry.distribution

    def entries(self, kind: str | None = None) -> tuple[Entry, ...]:
        """Return everything that was found, usable or not, by kind and name."""
        return tuple(entry for entry in self._entries if kind in (None, entry.kind))

    def get(self, kind: str, name: str) -> Entry:
        """Return the plugin that a short or qualified (`distribution:name`) name means.

        Raises:
            UnknownPluginError: If no plugin that can be used has this name.
        """
        if kind not in self.kinds:
            hint = did_you_mean(kind, self.kinds, f"kinds are {', '.join(self.kinds)}")
            raise UnknownPluginError(f"unknown kind of plugin {kind!r} in {kind}/{name}; {hint}")
        distribution, colon, short = name.rpartition(":")
        owner = canonical_name(distribution)
        named = [
            entry
            for entry in self.entries(kind)
            if entry.name == short and (not colon or entry.distribution == owner)
        ]
        usable = [entry for entry in named if entry.usable and (colon or entry.status == "ok")]
        if usable:
            return usable[0]
        raise UnknownPluginError(self._refusal(kind, name, named))

    def listens(self, hook: str) -> bool:
        """Say whether any plugin hears of an event, so that nothing is gathered for nobody.

        Args:
            hook: A life-cycle hook, for example `adversity_run_started`.
        """
        return bool(self._implementations(hook))

    def notify(self, hook: str, **values: object) -> tuple[Problem, ...]:
        """Pass an event of a run to every plugin; what they raise comes back as problems.

        Args:
            hook: A life-cycle hook, for example `adversity_run_started`.
            values: Its arguments. Each plugin gets copies of its own, mappings read-only: what
                it does to them no other plugin sees, nor the run.
        """
        problems = []
        for impl in self._implementations(hook):
            given = {name: _copied(values[name]) for name in impl.argnames}
            with spoken_aside(), Guard() as telling:
                impl.function(**given)
            if telling.error:
                module = str(getattr(impl.plugin, "__name__", ""))
                what = _said_by(hook, telling.error, module)
                problems.append(self._origins[impl.plugin_name].problem(what, telling.error))
        return tuple(problems)

    def notifiers(self) -> tuple[dict[str, type[Notifier]], tuple[Problem, ...]]:
        """Return the ways to tell somebody of a run by name, and what distributions got wrong.

        A name that two distributions give belongs to the built-in one, else to the first.
        """
        found: dict[str, type[Notifier]] = {}
        problems: list[Problem] = []
        implementations = self._implementations("adversity_notifiers")
        for impl in sorted(implementations, key=lambda one: not _is_ours(one.plugin)):
            origin = self._origins[impl.plugin_name]
            with spoken_aside(), Guard() as asking:
                offered: Any = impl.function()
                for cls in offered:
                    if (taken := found.setdefault(cls.name, cls)) is not cls:
                        what = f"notifier {cls.name} is {taken.__module__}'s already; rename it"
                        problems.append(origin.problem(what))
            if asking.error:
                what = f"adversity_notifiers raised {error_text(asking.error)}; fix the hook"
                problems.append(origin.problem(what, asking.error))
        return found, tuple(problems)

    def _implementations(self, hook: str) -> list[pluggy.HookImpl]:
        caller: pluggy.HookCaller = getattr(self._manager.hook, hook)
        return caller.get_hookimpls()

    def _refusal(self, kind: str, name: str, named: list[Entry]) -> str:
        """Say why a name means nothing that can be used, and what to do."""
        if named and all(entry.status == "clash" for entry in named):
            return f"plugin {kind}/{name} is not one plugin: {named[0].error}"
        if named:
            owner = next((entry for entry in named if entry.built_in), named[0])
            origin = f"{owner.distribution} {owner.version}"
            return f"plugin {kind}/{name} of {origin} cannot be used: {owner.error}"
        asked = canonical_name(name.rpartition(":")[0])
        message = f"unknown plugin {kind}/{name}; {self._hint(kind, name)}"
        return f"{message} {absent_note(asked, self.problems, self.left_out)}".strip()

    def _hint(self, kind: str, name: str) -> str:
        usable = [entry for entry in self._entries if entry.usable]
        names = [_shortest(entry) for entry in usable if entry.kind == kind]
        short = name.rpartition(":")[2]
        if hint := did_you_mean(name, names) or did_you_mean(short, names):
            return hint
        elsewhere = [entry.kind for entry in usable if name in (entry.name, entry.qualified)]
        if elsewhere:
            return f"did you mean {elsewhere[0]}/{name}?"
        return f"there are {', '.join(names)}." if names else f"no {kind} is installed."


def _is_ours(plugin: object) -> bool:
    return str(getattr(plugin, "__name__", "")).startswith("adversity_plugins.")


def _copied(value: object) -> object:
    """Copy a value in depth; a mapping comes back read-only."""
    if isinstance(value, Mapping):
        return MappingProxyType(deepcopy(dict(value)))
    return deepcopy(value)


def _said_by(hook: str, error: BaseException, module: str) -> str:
    """Return what a person reads of a hook that raised: its own words, if it chose them."""
    if isinstance(error, AdversityError):
        return f"{error_text(error, longest=None).partition(': ')[2]}; the run goes on without it"
    where = where_raised(error, module)
    return f"{hook} raised {error_text(error)}{where}; the run goes on without it; fix the hook"


def _shortest(entry: Entry) -> str:
    return entry.name if entry.status == "ok" else entry.qualified


def _without_doubles(entries: list[Entry]) -> tuple[list[Entry], list[Problem]]:
    """Refuse two classes of one kind and name in one distribution: nothing distinguishes them."""
    claims: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        claims[entry.kind, entry.qualified].append(entry)
    settled, problems = [], []
    for (kind, _), rivals in claims.items():
        first = rivals[0]
        if len(rivals) > 1:
            what = f"{kind} {first.name} stands for {len(rivals)} classes; rename all but one"
            first = replace(first, cls=None, status="broken", error=what)
            problems.append(
                Problem(first.distribution, first.version, first.name, what, hides=False)
            )
        settled.append(first)
    return settled, problems


def _settle(entries: list[Entry]) -> list[Entry]:
    """Give each short name to its one owner; the others are reached by qualified names."""
    claims: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.status != "blocked" and (entry.status == "ok" or entry.built_in):
            claims[entry.kind, entry.name].append(entry)
    return [_claim(entry, claims[entry.kind, entry.name]) for entry in entries]


def _claim(entry: Entry, claimants: list[Entry]) -> Entry:
    owner = next((rival for rival in claimants if rival.built_in), None)
    if entry.status != "ok" or entry is owner or len(claimants) < 2:
        return entry
    if owner is not None:
        what = (
            f"{entry.kind} {entry.name} belongs to {owner.distribution}; "
            f"write {entry.qualified} to use that of {entry.distribution}"
        )
    else:
        brought = " and ".join(rival.distribution for rival in claimants)
        ways = " or ".join(rival.qualified for rival in claimants)
        what = f"{brought} both offer {entry.kind} {entry.name}; write {ways}"
    return replace(entry, status="clash", error=what)


def _idle_blocks(
    blocked: frozenset[str], entries: Iterable[Entry], left_out: Iterable[str]
) -> list[Problem]:
    """Report names that block nothing: a misspelt one would let its plugin through unseen."""
    hit = set(left_out)
    for entry in entries:
        hit |= names_of(entry.kind, entry.name, entry.distribution)
    hit |= {name for name in blocked if name.startswith("./")}  # of whichever project
    what = "is to be blocked but nothing installed has this name"
    return [
        Problem("", "", VARIABLE, f"{name} {what}", hides=False) for name in sorted(blocked - hit)
    ]
