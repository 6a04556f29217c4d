"""What tells somebody how a run went: a way to send a message, for `notify:` of a pipeline file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

__all__ = ["Message", "Notifier"]

_TITLES = {
    "passed": "passed",
    "undecided": "undecided",
    "gate_failed": "a gate failed",
    "failed": "the run failed",
    "recovered": "passes again",
    "trial": "a trial message",
}


@dataclass(frozen=True, slots=True)
class Message:
    """What is told of a run.

    Attributes:
        pipeline: The pipeline's name.
        event: `passed`, `undecided`, `gate_failed`, `failed`, `recovered` or `trial`.
        verdict: The verdict in a line, or why there is none.
        gates: Each gate that did not pass, with its numbers.
        report: Where the report is: an address or a path; empty without one.
        run: The run's id; empty if none began.
        commit: What of the project's git ran; empty without.
    """

    pipeline: str
    event: str
    verdict: str
    gates: tuple[str, ...] = ()
    report: str = ""
    run: str = ""
    commit: str = ""

    @property
    def title(self) -> str:
        """Pipeline and event: `night-photos: a gate failed`."""
        return f"{self.pipeline}: {_TITLES.get(self.event, self.event)}"

    @property
    def body(self) -> str:
        """Verdict, gates and report, a line each, without the title."""
        lines = [self.verdict, *self.gates]
        return "\n".join([*lines, f"report: {self.report}"] if self.report else lines)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values, with title and body."""
        record = {**asdict(self), "gates": list(self.gates)}
        return {**record, "title": self.title, "body": self.body}


class Notifier(BaseModel, ABC):
    """A way to tell somebody: its fields are its parameters, and `send` sends a message.

    A distribution offers its own by the hook `adversity_notifiers`. A pipeline file names it
    under `notify:`, and a field that `secrets` names only by where its value is kept.

    Example::

        class Pager(Notifier):
            name: ClassVar[str] = "pager"
            secrets: ClassVar[tuple[str, ...]] = ("token",)
            number: str
            token: str

            def send(self, message: Message) -> None:
                page(self.number, message.title, token=self.token)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str] = ""
    """What a pipeline file calls it."""
    secrets: ClassVar[tuple[str, ...]] = ()
    """Fields whose values a pipeline file may only name: a variable or a block."""

    @abstractmethod
    def send(self, message: Message) -> None:
        """Send a message, within seconds.

        Args:
            message: It.

        Raises:
            Exception: It was not sent; the run's verdict stays what it is.
        """
