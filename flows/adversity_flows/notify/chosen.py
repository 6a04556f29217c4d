"""Whom a pipeline file tells of its runs: checked before one begins, and made ready to send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from adversity.did_you_mean import did_you_mean
from adversity.errors import InputError
from adversity.registry import discover
from adversity_flows.notify.references import is_reference, resolved

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Any

    from adversity.notifier import Message, Notifier
    from adversity.pipeline.read.load import Loaded
    from adversity.pipeline.read.notify import NotifierSpec

__all__ = ["Recipient", "check"]

_HIDDEN = "..."


def check(loaded: Loaded) -> None:
    """Refuse a `notify:` that could send nothing, or holds a secret in plain sight.

    Args:
        loaded: The pipeline file.

    Raises:
        PipelineError: With every finding, each `file:line: message`.
    """
    if loaded.spec.notify is None:
        return
    findings = loaded.findings()
    known, _ = discover().notifiers()
    for place, spec in enumerate(loaded.spec.notify.to):
        where = ("notify", "to", place)
        cls = known.get(spec.uses)
        if cls is None:
            hint = did_you_mean(spec.uses, known, f"there are {', '.join(sorted(known))}.")
            findings.add((*where, "uses"), f"unknown notifier {spec.uses!r}; {hint}")
            continue
        for name, fault in _faults(cls, spec.parameters):
            findings.add((*where, "with", name) if name in spec.parameters else where, fault)
    findings.raise_any()


def _faults(cls: type[Notifier], parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield which parameter is wrong, and how; no secret is quoted."""
    plain = [name for name in cls.secrets if name in parameters]
    plain = [name for name in plain if not is_reference(parameters[name])]
    for name in plain:
        kept = "{env: NAME}, a variable, or {block: name}, a Secret block of Prefect"
        fault = f"{name} is a secret, which no file may hold; write where it is kept: {kept}"
        yield name, f"notifier {cls.name}: {fault}"
    try:
        cls.model_validate(dict(parameters))
    except ValidationError as error:
        for one in error.errors(include_url=False, include_context=False):
            name = str(one["loc"][0]) if one["loc"] else ""
            if name not in plain and not is_reference(parameters.get(name)):
                yield name, f"notifier {cls.name}: {_said(cls, name, one['type'], one['msg'])}"


def _said(cls: type[Notifier], name: str, kind: str, message: str) -> str:
    """Say what is wrong with a parameter."""
    known = list(cls.model_fields)
    if kind == "missing":
        return f"needs {name}"
    if kind == "extra_forbidden":
        hint = did_you_mean(name, known, f"there are {', '.join(known)}.")
        return f"has no parameter {name}; {hint}"
    said = message.removeprefix("Value error, ")
    return f"{name}: {said[:1].lower()}{said[1:]}" if name else said


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who is told, as the file has it.

    Attributes:
        spec: What the file says.
        root: The project's folder.
    """

    spec: NotifierSpec
    root: Path

    def send(self, message: Message) -> str | None:
        """Send a message; return what went wrong, without secrets, or None."""
        from adversity_flows.redaction import without_secrets

        kept: tuple[str, ...] = ()
        try:
            cls = discover().notifiers()[0].get(self.spec.uses)
            if cls is None:
                raise InputError(f"unknown notifier {self.spec.uses!r}")
            values, kept = resolved(self.spec.parameters, self.root)
            cls.model_validate(values).send(message)
        except ValidationError as error:
            names = [".".join(map(str, one["loc"])) or one["type"] for one in error.errors()]
            return f"{self.spec.uses}: {', '.join(names)}: not what it takes"
        except Exception as error:  # noqa: BLE001  (a notifier may raise anything; it costs no run)
            said = next(iter(str(error).splitlines()), "") or type(error).__name__
            for secret in kept:
                said = said.replace(secret, _HIDDEN)
            return f"{self.spec.uses}: {without_secrets(said)}"
        return None
