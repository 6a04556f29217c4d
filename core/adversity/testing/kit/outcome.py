"""What the kit found: of one check, and of a plugin."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Conformance", "Outcome", "Status"]

Status = Literal["passed", "failed", "skipped", "expected", "fixed", "untried"]
"""What became of a check; `Outcome` says what each means."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one check found.

    Attributes:
        check: Its name.
        promise: What should hold.
        parameters: With which the plugin was tried.
        status: `passed`; `failed`; `skipped`, it does not apply; `expected`, it failed as the
            class says it must; `fixed`, the class says that it fails and it passed, which
            counts as a failure until the class says otherwise; `untried`, what the plugin needs
            out of a package was not fetched, which says nothing for the plugin.
        message: What was found, with figures; the reason where it was skipped or expected.
        seconds: How long it took.
    """

    check: str
    promise: str
    parameters: Mapping[str, Any]
    status: Status
    message: str
    seconds: float

    @property
    def trial(self) -> str:
        """The check and the parameters it was tried with, if there are any."""
        at = ", ".join(f"{name}={value!r}" for name, value in self.parameters.items())
        return f"{self.check} ({at})" if at else self.check

    @property
    def bad(self) -> bool:
        """Whether it speaks against the plugin."""
        return self.status in ("failed", "fixed")


@dataclass(frozen=True, slots=True)
class Conformance:
    """What the kit found out about a plugin.

    Attributes:
        kind, name: Of the plugin.
        kit: The kit's version.
        outcomes: One for each check and set of parameters.
    """

    kind: str
    name: str
    kit: int
    outcomes: tuple[Outcome, ...]

    @property
    def passed(self) -> bool:
        """Whether no check speaks against the plugin and at least one speaks for it."""
        spoke = self.count("passed") + self.count("expected")
        return spoke > 0 and not self.failures

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The outcomes that speak against the plugin."""
        return tuple(outcome for outcome in self.outcomes if outcome.bad)

    def count(self, status: Status) -> int:
        """Return how many outcomes have a status."""
        return sum(outcome.status == status for outcome in self.outcomes)

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "kind": self.kind,
            "name": self.name,
            "kit": self.kit,
            "passed": self.passed,
            "outcomes": [
                asdict(outcome) | {"parameters": dict(outcome.parameters)}
                for outcome in self.outcomes
            ],
        }

    def __str__(self) -> str:
        """Say in one line how it went, then each failure."""
        head = (
            f'{self.kind} "{self.name}": {self.count("passed")} passed, '
            f"{len(self.failures)} failed, {self.count('expected')} failed as declared, "
            f"{self.count('skipped')} do not apply"
        )
        lines = [f"  {outcome.trial}: {outcome.message}" for outcome in self.failures]
        if not self.passed and not lines:
            untried = [outcome for outcome in self.outcomes if outcome.status == "untried"]
            why = untried[0].message if untried else "no check that was run applies"
            lines = [f"  nothing was tried: {why}"]
        return "\n".join([head, *lines])
