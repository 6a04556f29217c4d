"""Find plugins over entry points so that one broken distribution hides no other.

Each entry point is loaded, checked and asked under its own guard. pluggy checks and holds
the hooks; the calls are made here, one implementation at a time, since pluggy ends the
whole call at the first exception.
"""

from __future__ import annotations

import inspect
import sys
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pluggy

from adversity import hookspecs
from adversity.hookspecs import GROUP, KIND_HOOKS
from adversity.provenance import canonical_name
from adversity.registry.blocking import names_of
from adversity.registry.entry import BUILT_IN, Entry, Problem, Status
from adversity.registry.verdict import class_fault, object_fault, version_fault

if TYPE_CHECKING:
    from adversity.contracts import PluginBase

__all__ = ["GUARDED", "Findings", "Origin", "error_text", "explore"]

GUARDED = (Exception, SystemExit)
"""What a plugin may raise without ending us; an interrupt by the user passes."""


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
        trace = "".join(traceback.format_exception(error)) if error else None
        return Problem(self.distribution, self.version, self.entry_point, what, trace, hides)


@dataclass(slots=True)
class Findings:
    """What one pass over the entry points found; nothing is settled between claimants yet."""

    entries: list[Entry] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    origins: dict[str, Origin] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    manager: pluggy.PluginManager = field(default_factory=lambda: _manager())


def error_text(error: BaseException) -> str:
    """Return an exception on one line, even if its own text fails."""
    return " ".join(traceback.format_exception_only(error)[-1].split())


def explore(blocked: frozenset[str]) -> Findings:
    """Go through all installed entry points of the group.

    Args:
        blocked: As `block_names` gives them; blocked distributions are not imported.
    """
    findings = Findings()
    for point in _installed(findings.problems):
        distribution = canonical_name(point.dist.name) if point.dist else "unknown"
        version = point.dist.version if point.dist else ""
        if distribution in blocked:
            findings.left_out.append(distribution)
            continue
        origin = Origin(distribution, version, point.name)
        # What a plugin prints while it is imported must not end up inside our JSON.
        with redirect_stdout(sys.stderr):
            _enter(point, origin, findings, blocked)
    findings.left_out = sorted(set(findings.left_out))
    return findings


def _enter(
    point: metadata.EntryPoint, origin: Origin, findings: Findings, blocked: frozenset[str]
) -> None:
    """Import one entry point, check its hooks and ask them for classes."""
    started = time.perf_counter()
    try:
        plugin = point.load()
    except GUARDED as error:
        what = f"cannot be imported: {error_text(error)}"
        findings.problems.append(origin.problem(what, error))
        return
    seconds = time.perf_counter() - started
    origin = Origin(origin.distribution, origin.version, origin.entry_point, seconds)
    if findings.manager.is_registered(plugin):
        return
    try:
        fault = _hook_fault(plugin, origin.key)
    except GUARDED as error:
        findings.problems.append(origin.problem(f"bad hook: {error_text(error)}", error))
        return
    if fault:
        findings.problems.append(origin.problem(fault))
        return
    findings.manager.register(plugin, name=origin.key)
    findings.origins[origin.key] = origin
    for hook, kind in KIND_HOOKS.items():
        caller = getattr(findings.manager.hook, hook)
        for impl in caller.get_hookimpls():
            if impl.plugin is plugin:
                _collect(impl, hook, kind, origin, findings, blocked)


def _installed(problems: list[Problem]) -> list[metadata.EntryPoint]:
    """List the group's entry points, built-ins first, then by distribution and name."""
    try:
        points = list(metadata.entry_points(group=GROUP))
    except Exception:  # noqa: BLE001  (one damaged entry_points.txt in the environment)
        points = list(_one_by_one(problems))

    def order(point: metadata.EntryPoint) -> tuple[bool, str, str]:
        name = canonical_name(point.dist.name) if point.dist else ""
        return name != BUILT_IN, name, point.name

    return sorted(points, key=order)


def _one_by_one(problems: list[Problem]) -> Iterator[metadata.EntryPoint]:
    seen: set[str] = set()
    for distribution in metadata.distributions():
        name = canonical_name(distribution.metadata["Name"] or "unknown")
        if name in seen:
            continue
        seen.add(name)
        try:
            yield from distribution.entry_points.select(group=GROUP)
        except Exception as error:  # noqa: BLE001  (what a damaged file raises is not defined)
            origin = Origin(name, distribution.version or "", "entry_points.txt")
            what = f"its entry_points.txt cannot be read: {error_text(error)}; reinstall it"
            problems.append(origin.problem(what, error))


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    return manager


def _hook_fault(plugin: object, key: str) -> str | None:
    """Register on a manager of its own, and say what pluggy would leave unsaid.

    Raises:
        pluggy.PluginValidationError: If pluggy finds more to refuse than we do.
    """
    trial = _manager()
    specs = [name for name in vars(hookspecs) if name.startswith("adversity_")]
    marked = [name for name in specs if trial.parse_hookimpl_opts(plugin, name)]
    for name in marked:
        if extra := _extra_arguments(plugin, name):
            offered = ", ".join(_arguments(hookspecs, name)) or "none"
            return f"{name} wants the argument {extra}, which its hook does not give: {offered}"
    trial.register(plugin, name=key)
    callers = trial.get_hookcallers(plugin) or []
    for caller in callers:
        optional = all(impl.optionalhook for impl in caller.get_hookimpls())
        if not caller.has_spec() and not optional:
            return f"unknown hook {caller.name}{_suggest(caller.name, specs)}"
        if any(impl.wrapper or impl.hookwrapper for impl in caller.get_hookimpls()):
            return f"hook {caller.name} is a wrapper; plugins add, they do not wrap others"
    unmarked = [
        name for name in specs if name not in marked and callable(getattr(plugin, name, None))
    ]
    if unmarked:
        return f"{unmarked[0]} is not marked; write @hookimpl above it"
    return None if callers else "has no function marked @hookimpl, so it offers nothing"


def _arguments(plugin: object, name: str) -> list[str]:
    return list(inspect.signature(getattr(plugin, name)).parameters)


def _extra_arguments(plugin: object, name: str) -> str:
    known = _arguments(hookspecs, name)
    return ", ".join(extra for extra in _arguments(plugin, name) if extra not in known)


def _suggest(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _collect(
    impl: pluggy.HookImpl,
    hook: str,
    kind: str,
    origin: Origin,
    findings: Findings,
    blocked: frozenset[str],
) -> None:
    """Ask one implementation for its classes; what came before an exception is kept."""
    try:
        returned: Any = impl.function()
        if isinstance(returned, str | bytes | Mapping) or not isinstance(returned, Iterable):
            got = _shape(returned)
            what = f"{hook} must return a list of classes, got {got}; write return [YourClass]"
            findings.problems.append(origin.problem(what))
            return
        for item in returned:
            _judge(item, hook, kind, origin, findings, blocked)
    except GUARDED as error:
        findings.problems.append(origin.problem(f"{hook} raised {error_text(error)}", error))


def _shape(returned: object) -> str:
    if isinstance(returned, type):
        return f"class {returned.__name__}"
    return "None" if returned is None else type(returned).__name__


def _judge(
    item: Any,
    hook: str,
    kind: str,
    origin: Origin,
    findings: Findings,
    blocked: frozenset[str],
) -> None:
    """Enter one class as an entry, or what is wrong with it as a problem, or both."""
    fault = object_fault(item, kind)
    if fault:
        findings.problems.append(origin.problem(f"{hook}: {fault}"))
        return
    if any(item is entry.cls for entry in findings.entries):
        return
    cls: type[PluginBase] | None = item
    status: Status = "ok"
    if names_of(kind, item.name, origin.distribution) & blocked:
        cls, status, fault = None, "blocked", "blocked by name; unblock it to use it"
    elif fault := version_fault(item, origin.distribution):
        cls, status = None, "incompatible"
    elif fault := class_fault(item):
        cls, status = None, "broken"
    api = item.api if isinstance(item.api, int) else None
    entry = Entry(
        kind, item.name, cls, origin.distribution, origin.version, api, status, fault,
        seconds=origin.seconds,
    )  # fmt: skip
    findings.entries.append(entry)
    if status in ("incompatible", "broken"):
        findings.problems.append(origin.problem(f"{kind} {item.name}: {fault}", hides=False))
