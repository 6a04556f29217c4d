"""Find plugins over entry points so that one broken distribution hides no other.

Each entry point is loaded, checked and called under its own guard. pluggy checks and holds
the hooks; the calls are made here, one implementation at a time, since pluggy ends the
whole call at the first exception.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from types import ModuleType
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from adversity.contracts import KINDS
from adversity.registry.blocking import names_of
from adversity.registry.class_checks import class_fault, object_fault, version_fault
from adversity.registry.containment import Guard, contained
from adversity.registry.entry import Entry, Problem, Status
from adversity.registry.hooks import add_kind, hook_fault, new_manager
from adversity.registry.installed import Installed, installed
from adversity.registry.new_kinds import kind_fault
from adversity.registry.quoting import error_text, trace_text, visible, where_raised

if TYPE_CHECKING:
    from collections.abc import Callable

    import pluggy

    from adversity.contracts import PluginBase

__all__ = ["Findings", "Origin", "explore"]

_OF_KINDS = "adversity_kinds"
_MOST = 1000
"""Classes that one hook may offer: a generator that never ends must not hang us."""

_changed: WeakKeyDictionary[ModuleType, list[str]] = WeakKeyDictionary()
"""What importing each module changed in this process."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The entry point that something came through."""

    distribution: str
    version: str
    entry_point: str
    seconds: float = 0.0

    @property
    def key(self) -> str:
        """The name under which pluggy knows it."""
        return f"{self.distribution}/{self.entry_point}"

    def problem(
        self, what: str, error: BaseException | None = None, *, hides: bool = True
    ) -> Problem:
        """Make a problem of this origin."""
        trace = trace_text(error) if error else None
        return Problem(self.distribution, self.version, self.entry_point, what, trace, hides)


@dataclass(slots=True)
class Findings:
    """What one pass over the entry points found; nothing is settled between claimants yet."""

    entries: list[Entry] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    origins: dict[str, Origin] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    kinds: dict[str, type[PluginBase]] = field(default_factory=lambda: dict(KINDS))
    bringers: dict[int, str] = field(default_factory=dict)
    manager: pluggy.PluginManager = field(default_factory=lambda: new_manager(KINDS))


def explore(blocked: frozenset[str]) -> Findings:
    """Go through all installed entry points of the group.

    Args:
        blocked: As `block_names` gives them; blocked distributions are not imported.
    """
    findings = Findings()
    visits = []
    for item in installed():
        origin = Origin(item.distribution, item.version, item.name)
        if item.distribution in blocked:
            findings.left_out.append(item.distribution)
        elif item.fault:
            findings.problems.append(origin.problem(item.fault))
        else:
            visits.append(_Visit(findings, origin, blocked))
            visits[-1].enter(item)
    for visit in visits:  # all kinds are known by now, whoever brings them
        visit.look()
    findings.left_out = sorted(set(findings.left_out))
    return findings


class _Visit:
    """One entry point: import it, hear of its kinds, check its hooks, judge their classes."""

    def __init__(self, findings: Findings, origin: Origin, blocked: frozenset[str]) -> None:
        self.findings = findings
        self.origin = origin
        self.blocked = blocked
        self.plugin: Any = None
        self.changed: list[str] = []

    def enter(self, item: Installed) -> None:
        """Import it, and hear what kinds it brings."""
        with contained(item.distribution) as changed:
            self._load(item)
        if isinstance(self.plugin, ModuleType):
            # A module runs once a process; who looks again is to hear of it too.
            changed = _changed.setdefault(self.plugin, changed)
        self.changed = changed

    def look(self) -> None:
        """Look at its hooks and classes, and say what all of it did to the process."""
        with contained(self.origin.distribution) as more:
            if self.plugin is not None:
                self._check()
        changed = list(dict.fromkeys([*self.changed, *more]))
        if changed:
            what = f"importing it changed {' and '.join(changed)}"
            remedy = "what could be was put back; do that inside the method that needs it"
            self._complain(f"{what}; {remedy}", hides=False)

    def _complain(
        self, what: str, error: BaseException | None = None, *, hides: bool = True
    ) -> None:
        self.findings.problems.append(self.origin.problem(what, error, hides=hides))

    def _load(self, item: Installed) -> None:
        started = time.perf_counter()
        with Guard() as loading:
            self.plugin = item.point.load() if item.point else None
        if loading.error:
            self._complain(_import_fault(loading.error, item.value), loading.error)
            return
        seconds = time.perf_counter() - started
        self.origin = Origin(item.distribution, item.version, item.name, seconds)
        manager = self.findings.manager
        if isinstance(self.plugin, ModuleType) and manager.parse_hookimpl_opts(
            self.plugin, _OF_KINDS
        ):
            self._collect(self.plugin.adversity_kinds, _OF_KINDS, self._admit)

    def _check(self) -> None:
        """Check the hooks, and call them where they are sound."""
        fault: str | None = None
        with Guard() as checking:
            fault = hook_fault(self.plugin, self.origin.key, self.findings.kinds)
        if checking.error:
            self._complain(f"bad hook: {error_text(checking.error)}", checking.error)
        elif fault:
            self._complain(fault)
        else:
            self._register(self.plugin)

    def _register(self, plugin: Any) -> None:
        """Hand a sound module to pluggy and call its hooks."""
        manager = self.findings.manager
        if manager.is_registered(plugin):
            owner = self.findings.origins[str(manager.get_name(plugin))].distribution
            if owner != self.origin.distribution:
                self._complain(
                    f"expected a module of its own, got {plugin.__name__}, which {owner} offers "
                    f"already; uninstall one of the two"
                )
            return
        manager.register(plugin, name=self.origin.key)
        self.findings.origins[self.origin.key] = self.origin
        for contract in sorted(self.findings.kinds.values(), key=lambda cls: cls.describes.place):
            hook = contract.describes.hook
            for impl in getattr(manager.hook, hook).get_hookimpls():
                if impl.plugin is plugin:
                    self._collect(impl.function, hook, partial(self._judge, contract))

    def _collect(
        self, function: Callable[[], Any], hook: str, judge: Callable[[Any], None]
    ) -> None:
        """Call one hook for its classes; what came before an exception is kept."""
        count = 0
        with Guard() as asking:
            returned: Any = function()
            if fault := _return_fault(returned):
                self._complain(f"{hook} must return a list of classes, got {fault}")
                return
            for item in islice(returned, _MOST + 1):
                count += 1
                if count <= _MOST:
                    self._consider(item, hook, judge)
        if asking.error:
            where = where_raised(asking.error, str(getattr(self.plugin, "__name__", "")))
            what = f"{hook} raised {error_text(asking.error)}{where}"
            self._complain(f"{what}; {_remedy(asking.error)}", asking.error)
        elif count > _MOST:
            self._complain(f"{hook} must return a list of classes, got more than {_MOST}; end it")

    def _consider(self, item: Any, hook: str, judge: Callable[[Any], None]) -> None:
        """Judge one object; one that cannot even be looked at stops no other."""
        with Guard() as judging:
            judge(item)
        if judging.error:
            got = f"an object that raised {error_text(judging.error)} when it was looked at"
            self._complain(f"{hook}: expected a plugin class, got {got}; fix it", judging.error)

    def _admit(self, item: Any) -> None:
        """Enter one contract as a kind, or what is wrong with it as a problem."""
        if self.findings.bringers.get(id(item)) == self.origin.distribution:
            return  # two entry points may name one module
        if fault := kind_fault(item, self.findings.kinds):
            self._complain(f"{_OF_KINDS}: {fault}")
            return
        add_kind(self.findings.manager, item)
        self.findings.kinds[item.describes.name] = item
        self.findings.bringers[id(item)] = self.origin.distribution

    def _judge(self, contract: type[PluginBase], item: Any) -> None:
        """Enter one class as an entry, or what is wrong with it as a problem, or both."""
        kind, hook = contract.describes.name, contract.describes.hook
        if fault := object_fault(item, contract):
            self._complain(f"{hook}: {fault}")
            return
        if self._is_known(item, hook):
            return
        origin, name = self.origin, visible(item.name)
        cls: type[PluginBase] | None = item
        status: Status = "ok"
        if names_of(kind, name, origin.distribution) & self.blocked:
            cls, status, fault = None, "blocked", "blocked by name; unblock it to use it"
        elif fault := version_fault(item, origin.distribution):
            cls, status = None, "incompatible"
        elif fault := class_fault(item):
            cls, status = None, "broken"
        api = item.api if type(item.api) is int else None
        entry = Entry(
            kind, name, cls, origin.distribution, origin.version, api, status, fault,
            seconds=origin.seconds,
        )  # fmt: skip
        self.findings.entries.append(entry)
        if status in ("incompatible", "broken"):
            self._complain(f"{kind} {name}: {fault}", hides=False)

    def _is_known(self, item: Any, hook: str) -> bool:
        """Say whether a class was offered before; by another distribution, it is a fault."""
        known = next((entry for entry in self.findings.entries if entry.cls is item), None)
        if known is not None and known.distribution != self.origin.distribution:
            self._complain(
                f"{hook}: expected a class of its own, got {visible(item.__name__)}, which "
                f"{known.distribution} offers as {known.kind}/{known.name}; leave it out"
            )
        return known is not None


def _return_fault(returned: object) -> str | None:
    """Say what a hook returned instead of classes, and what to write; None if it may do."""
    if inspect.iscoroutine(returned):
        returned.close()
        return "a coroutine; write def instead of async def"
    if isinstance(returned, type):
        return f"class {visible(returned.__name__)}; write return [{visible(returned.__name__)}]"
    if returned is None:
        return "None; write return [YourClass]"
    if isinstance(returned, str | bytes | Mapping) or not isinstance(returned, Iterable):
        return f"{visible(type(returned).__name__)}; write return [YourClass]"
    return None


def _import_fault(error: BaseException, module: str) -> str:
    """Say why a module could not be imported, where, and what its author can do."""
    what = f"cannot be imported: {error_text(error)}{where_raised(error, module.partition(':')[0])}"
    top = module.partition(":")[0].partition(".")[0].strip()
    missing = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
    if isinstance(missing, str) and missing.partition(".")[0] == top:
        return f"{what}; expected the entry point to name a module that is installed: {module}"
    return f"{what}; {_remedy(error)}"


def _remedy(error: BaseException) -> str:
    """Say what an author does about an exception while plugins are looked up."""
    if isinstance(error, ModuleNotFoundError):
        name = visible(str(error.name or "")).partition(".")[0]
        return f"install {name or 'it'}, and list it among the distribution's dependencies"
    if isinstance(error, ImportError | AttributeError):
        return "correct the name, or require the version of the package that has it"
    if isinstance(error, SyntaxError):
        return "correct it, or raise the distribution's requires-python"
    if isinstance(error, RecursionError):
        return "a call or import leads back to itself; break the circle"
    if not isinstance(error, Exception):
        return "a plugin must not end the program; raise an error in the method that needs it"
    return "fix it, or do it inside the method that needs it"
