"""Whether a number that was computed once more is the number that was reported, in a sentence."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from adversity.report.words.wording import value_text
from adversity_flows.proof.check import faults
from adversity_flows.proof.compared import CLOSE, rows_words, same_number

if TYPE_CHECKING:
    from adversity_flows.proof.explain import Explained

__all__ = ["explained_json", "holds", "sentence"]

SCHEMA = "adversity-explain/1"


def holds(found: Explained) -> bool:
    """Say whether the number can still be produced from what it was made of."""
    return not faults(found.checks) and (_is_equal(found) or _is_close(found))


def sentence(found: Explained) -> str:
    """Say in a sentence what became of a number, and what changed, if anything."""
    wrong, again = faults(found.checks), found.again
    named = "; ".join(check.sentence for check in wrong)
    if again.of_chain is None:
        why = named or again.error or "the step measures it no longer"
        return f"this number cannot be computed again: {why}"
    if _is_equal(found):
        if wrong:
            return f"the number is the same to the last bit, though not all is as it was: {named}"
        return "equal to the last bit: this number can still be produced, from the bytes on"
    now = f"it is now {value_text(again.of_chain.known_as(found.figure.measure.info))}"
    if found.elsewhere:
        within = f"within {CLOSE:g}" if _is_close(found) else f"by more than {CLOSE:g}"
        words = f"other hardware ({found.elsewhere}): {now}, {rows_words(again.rows)}, {within}"
        return f"{words}; {named}" if named else words
    if wrong:
        return f"{now} instead of {value_text(found.figure.measure)}: {named}"
    if again.of_table is not None and not same_number(found.figure.measure, again.of_table):
        return f"{now}, and the stored table does not give the reported number either"
    return (
        f"{now}, and nothing that was recorded changed ({rows_words(again.rows)}): it rests on "
        "something that nobody declared, such as a file, the clock or a global random state"
    )


def explained_json(found: Explained) -> dict[str, Any]:
    """Return JSON values of everything."""
    rows, again, figure = found.again.rows, found.again, found.figure
    return {
        "schema": SCHEMA,
        "run": found.run,
        "figure": str(figure),
        "step": figure.step,
        "measure": figure.name,
        "cell": dict(figure.cell),
        "reported": figure.measure.as_json(),
        "from_table": again.of_table and again.of_table.as_json(),
        "from_data": again.of_chain and again.of_chain.as_json(),
        "rows": rows
        and {
            "count": rows.count,
            "differ": list(rows.differ),
            "columns": list(rows.columns),
            "largest": rows.largest if math.isfinite(rows.largest) else None,
            "flipped": list(rows.flipped),
            "only": list(rows.only),
        },
        "wrong": None if found.wrong is None else list(found.wrong),
        "links": [link.as_json() for link in found.links],
        "taken": list(found.taken),
        "checks": [check.as_json() for check in found.checks],
        "elsewhere": found.elsewhere,
        "error": again.error,
        "holds": holds(found),
        "sentence": sentence(found),
    }


def _is_equal(found: Explained) -> bool:
    """Say whether number and rows are equal to the last bit, computed either way."""
    again, then = found.again, found.figure.measure
    of_table = again.of_table is None or same_number(then, again.of_table)
    rows = again.rows is None or again.rows.equal
    return of_table and rows and same_number(then, again.of_chain)


def _is_close(found: Explained) -> bool:
    """Say whether other hardware kept what is promised there."""
    again, then = found.again, found.figure.measure.value
    if not found.elsewhere or again.of_chain is None:
        return False
    if again.rows is not None:
        return again.rows.close
    return abs(again.of_chain.value - then) <= CLOSE * max(1.0, abs(then))
