"""One thing that numbers rest on, and whether it is what the run recorded."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from adversity.report.words.wording import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Check", "State", "compared", "faults", "rests_words"]

State = Literal["holds", "changed", "missing", "not recorded"]

_PLURALS = {"data": "data sets", "library": "libraries", "ledger": "attacks on record"}
_CALLED = {"data": "data set", "ledger": "attack on record"}
_NAMED = ("data", "file", "asset", "plugin", "library", "artifact", "table", "ledger")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that numbers rest on.

    Attributes:
        what: Its kind: `data`, `file`, `asset`, `plugin`, `engine`, `library`, `device`,
            `pipeline`, `artifact`, `images`, `table`, `ledger`, `numbers`, `page`; `computed`, the
            numbers of a step.
        name: Which one.
        state: What became of it.
        words: What changed, or what there is to say of it.
        recorded: Its hash or version in the run; None where that recorded none.
        found: The same now; None where it is not there.
    """

    what: str
    name: str
    state: State
    words: str = ""
    recorded: str | None = None
    found: str | None = None

    @property
    def sentence(self) -> str:
        """What became of it, in words that stand by themselves."""
        return f"{self.what} {self.name}: {self.words or self.state}"

    def as_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)


def compared(what: str, name: str, recorded: str | None, found: str | None) -> Check:
    """Return the check of something whose hash is all that is known of it."""
    if recorded is None:
        return Check(what, name, "not recorded", "the run recorded no hash of it", None, found)
    if found is None:
        return Check(what, name, "missing", "it is not here", recorded)
    state: State = "holds" if recorded == found else "changed"
    return Check(what, name, state, "", recorded, found)


def faults(checks: Iterable[Check]) -> list[Check]:
    """Return what does not hold; that something was not recorded is no fault."""
    return [check for check in checks if check.state in ("changed", "missing")]


def rests_words(checks: Sequence[Check]) -> str:
    """Say what numbers rest on: `1 data set, 4 plugins and 2 artifacts`."""
    counts = Counter(check.what for check in checks if check.state == "holds")
    words = [
        plural(count, _CALLED.get(what, what), _PLURALS.get(what))
        for what, count in counts.items()
        if what in _NAMED
    ]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
