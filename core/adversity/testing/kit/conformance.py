"""Run the kit on a plugin and say what was found."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from adversity.contracts import Fitted, PluginBase
from adversity.did_you_mean import did_you_mean
from adversity.engine.calls.blocks import one_thread
from adversity.engine.calls.ready import BREAKS
from adversity.errors import InputError, ParameterError, PluginError
from adversity.registry.marks import KIT_VERSION as KIT
from adversity.testing.bench.bench import Bench, bench_class, built
from adversity.testing.bench.checks import Check, Failed, NotApplicable, error_line
from adversity.testing.bench.host import host_as_found
from adversity.testing.common import every_plugin, fitted, row_by_row
from adversity.testing.kit.outcome import Conformance, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from adversity.contracts import Asset
    from adversity.testing.kit.outcome import Status

__all__ = ["KIT", "ConformanceError", "Trial", "check_plugin", "trials"]


class ConformanceError(PluginError):
    """A plugin does not keep its promises; the message lists which."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One check of one plugin with one set of parameters, ready to run.

    Attributes:
        check: What is tried.
        bench: The plugin with the parameters.
        others: The plugin with the other parameters that are tried.
        known: What checks of these benches have found so far; trials of one plugin share it.
    """

    check: Check
    bench: Bench
    others: tuple[Bench, ...] = ()
    known: dict[tuple[str, Bench], tuple[Status, str]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @property
    def label(self) -> str:
        """A name for test reports: `pgd-norm=l2-alone`."""
        at = [f"{name}={value}" for name, value in self.bench.parameters.items()]
        return "-".join([self.bench.cls.name, *at, self.check.name])

    def run(self) -> Outcome:
        """Run the check; whatever the plugin does becomes an outcome."""
        reasons = self.bench.cls.expected_failures
        began = time.perf_counter()
        status, message = self._outcome(self.bench)
        reason = reasons.get(self.check.name)
        if reason is not None and status == "failed":
            status, message = "expected", f"{reason} ({message})"
        elif reason is not None and status == "passed" and not self._fails_elsewhere():
            status = "fixed"
            message = f"it passes, but `expected_failures` says {reason!r}: remove the entry"
        took = time.perf_counter() - began
        promise, parameters = self.check.promise, self.bench.parameters
        return Outcome(self.check.name, promise, parameters, status, message, took)

    def _fails_elsewhere(self) -> bool:
        """Say whether the check fails with other parameters, as the class says it must."""
        return any(self._outcome(other)[0] == "failed" for other in self.others)

    def _outcome(self, bench: Bench) -> tuple[Status, str]:
        """Run the check once with each set of parameters."""
        key = self.check.name, bench
        if key not in self.known:
            self.known[key] = self._tried(bench)
        return self.known[key]

    def _tried(self, bench: Bench) -> tuple[Status, str]:
        absent = [asset for asset in _needed(bench) if not asset.present]
        if absent:
            who = f"{bench.cls.kind}/{bench.cls.name}"
            return "untried", f"{absent[0].label} is not here; run: adversity assets fetch {who}"
        with host_as_found():
            one_thread()  # as in a run
            try:
                bench.effort.left_out.clear()
                return "passed", self.check.run(bench) + bench.effort.words()
            except NotApplicable as reason:
                return "skipped", str(reason)
            except Failed as broken:
                return "failed", str(broken)
            except BREAKS as error:
                return self._stopped(bench, error)

    def _stopped(self, bench: Bench, error: BaseException) -> tuple[Status, str]:
        """Judge a check that could not go on; a plugin that answers nothing is reported once."""
        try:
            if self.check is not every_plugin.answers:
                _ = bench.answered
        except NotApplicable as reason:
            return "skipped", str(reason)
        return "failed", error_line(error)


def _needed(bench: Bench) -> tuple[Asset, ...]:
    """Return what the plugin needs out of packages with the parameters that are tried."""
    if not bench.cls.assets:
        return ()
    plugin: PluginBase = built(bench.cls, bench.parameters)
    return plugin.needed_assets()


def trials(
    plugin: type[PluginBase],
    *,
    parameters: Mapping[str, Any] | None = None,
    only: Collection[str] | None = None,
) -> Iterator[Trial]:
    """Yield every check of a plugin for each set of parameters.

    Args:
        plugin: The class.
        parameters: What to try; without it the class's `examples`, else those of its kind.
        only: Names of checks; all without it.

    Raises:
        InputError: If the class is no plugin, `only` or `expected_failures` name no check, or
            there are no parameters to try.
    """
    _is_plugin(plugin)
    bench = bench_class(plugin)
    checks = list(every_plugin.CHECKS)
    checks += row_by_row.CHECKS if bench.by_row else ()
    checks += fitted.CHECKS if issubclass(plugin, Fitted) else ()
    checks += bench.checks
    names = [check.name for check in checks]
    _are_known(only or (), names, "only")
    _are_known(plugin.expected_failures, names, "expected_failures")
    tried = (parameters,) if parameters is not None else plugin.examples or bench.examples(plugin)
    if not tried:
        raise InputError(
            f"expected parameters to try, the kit finds none for {plugin.kind} {plugin.name!r}; name "
            "some in the class variable `examples`"
        )
    for given in tried:
        _require_buildable(plugin, given)
    benches = [bench(plugin, given, is_example=parameters is None) for given in tried]
    known: dict[tuple[str, Bench], tuple[Status, str]] = {}
    for ready in benches:
        others = tuple(other for other in benches if other is not ready)
        for check in checks:
            if not only or check.name in only:
                yield Trial(check, ready, others, known)


def _is_plugin(plugin: object) -> None:
    if not (isinstance(plugin, type) and issubclass(plugin, PluginBase)):
        raise InputError(
            f"expected a plugin's class, got {plugin!r}; derive it from a contract of `adversity`, "
            "such as adversity.Degradation"
        )
    missing = sorted(plugin.__abstractmethods__)
    missing += [name for name in ("kind", "name") if not hasattr(plugin, name)]
    if missing:
        raise InputError(
            f"expected a plugin that can be made, {plugin.__name__} has no {', '.join(missing)}"
        )


def _require_buildable(plugin: type[PluginBase], parameters: Mapping[str, Any]) -> None:
    """Refuse parameters that the class refuses: nothing could be tried with them."""
    try:
        built(plugin, parameters)
    except ValidationError as error:
        reasons = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'parameters'}: {e['msg']}, got {e['input']!r}"
            for e in error.errors()
        )
        raise ParameterError(
            f"{plugin.kind} {plugin.name!r} cannot be made with {dict(parameters)}: {reasons}. The "
            "class variable `examples` names parameters to try"
        ) from None


def _are_known(names: Collection[str], known: list[str], what: str) -> None:
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known, f"checks are {', '.join(known)}")
            raise InputError(f"{what}: there is no check {name!r}; {hint}")


def check_plugin(
    plugin: type[PluginBase],
    *,
    parameters: Mapping[str, Any] | None = None,
    only: Collection[str] | None = None,
    raises: bool = True,
    progress: Callable[[Outcome], None] | None = None,
) -> Conformance:
    """Run the conformance kit on a plugin.

    Args:
        plugin: The class.
        parameters: What to try; without it the class's `examples`, else those of its kind.
        only: Names of checks; all without it.
        raises: Whether a plugin that did not pass is an error; else look at `passed`.
        progress: Called with each outcome as it is known.

    Raises:
        ConformanceError: If a promise is broken or none could be tried, and `raises`.
        InputError: If the class is no plugin, or names no check.

    Example:
        >>> from adversity.registry import discover
        >>> from adversity.testing import check_plugin
        >>> blur = discover().get("degradation", "gaussian_blur").cls
        >>> check_plugin(blur, only=["alone"]).passed
        True
    """
    outcomes = []
    for trial in trials(plugin, parameters=parameters, only=only):
        outcomes.append(trial.run())
        if progress is not None:
            progress(outcomes[-1])
    conformance = Conformance(plugin.kind, plugin.name, KIT, tuple(outcomes))
    if raises and not conformance.passed:
        raise ConformanceError(str(conformance))
    return conformance
