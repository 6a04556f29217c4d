"""Every error the product raises on purpose, and the exit code each one means.

    AdversityError                      (exit code 3)
    ├── InputError          ValueError  (exit code 2)  the user can fix it
    │   ├── PipelineError               one or more findings in a pipeline file
    │   ├── UnknownPluginError LookupError
    │   ├── ParameterError              a plugin's parameter is wrong
    │   ├── DataError                   a data set, image or label is wrong
    │   ├── WeightsError                a weight file is missing, wrong or unsafe
    │   └── NotFittedError              a fitted plugin was used before `fit`
    ├── PluginError         RuntimeError (exit code 3)  a plugin broke its promise
    └── RunError            RuntimeError (exit code 3)  the run could not go on
        ├── StaleInputsError            inputs changed while a step ran
        └── StorageError                disk full, not writable, damaged artifact

A message has three parts: what was expected, what came, what to do.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "AdversityError",
    "DataError",
    "InputError",
    "NotFittedError",
    "ParameterError",
    "PipelineError",
    "PluginError",
    "RunError",
    "StaleInputsError",
    "StorageError",
    "UnknownPluginError",
    "WeightsError",
]


_LONG_WORD = re.compile(r"\S{401,}")
_KEPT = 200
"""Characters that are kept of a word without an end: names, paths and keys are shorter."""


def _cut(text: str) -> str:
    """Cut words that nobody can read, which a message repeats of what it was given."""

    def short(match: re.Match[str]) -> str:
        word = match.group()
        return f"{word[:_KEPT]}… ({len(word):,} characters)"

    return _LONG_WORD.sub(short, text)


class AdversityError(Exception):
    """The root of every error the product raises on purpose."""

    exit_code = 3

    def __init__(self, *args: object) -> None:
        """Keep the message, words of more than 400 characters cut."""
        super().__init__(*(_cut(arg) if isinstance(arg, str) else arg for arg in args))


class InputError(AdversityError, ValueError):
    """What the user gave is wrong; nothing was computed."""

    exit_code = 2


class PipelineError(InputError):
    """One or more findings in a pipeline file, each `file:line: message`.

    Attributes:
        findings: Those that are said.
        more: Whether there are others, which are not.
    """

    def __init__(self, findings: Sequence[str] | str, *, more: bool = False) -> None:
        """Keep the findings apart, so that all of them are reported at once."""
        texts = (findings,) if isinstance(findings, str) else findings
        self.findings, self.more = tuple(map(_cut, texts)), more
        note = ["there is more; these were found first"] if more else []
        super().__init__("\n".join([*self.findings, *note]))

    def __reduce__(self) -> tuple[partial[PipelineError], tuple[tuple[str, ...]]]:
        """Rebuild from the findings (workers send errors between processes)."""
        return partial(type(self), more=self.more), (self.findings,)


class UnknownPluginError(InputError, LookupError):
    """No usable plugin has this kind and name."""


class ParameterError(InputError):
    """A parameter of a plugin is missing, unknown or out of range."""


class DataError(InputError):
    """A data set, an image or a label is missing or wrong."""


class WeightsError(InputError):
    """A weight file is missing, does not fit, or is unsafe to load."""


class NotFittedError(InputError):
    """A plugin that must be fitted was used before it was."""


class PluginError(AdversityError, RuntimeError):
    """A plugin broke a promise of its contract."""


class RunError(AdversityError, RuntimeError):
    """A run could not go on; finished shards are kept."""


class StaleInputsError(RunError):
    """Inputs changed while a step ran, so nothing was recorded."""


class StorageError(RunError):
    """An artifact could not be written or read back."""
