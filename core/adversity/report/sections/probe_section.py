"""What probes found: attacks tried again with everything allowed and with twice the effort."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.report.values.blocks import Table
from adversity.report.words.reading import grouped, is_number, titles
from adversity.report.words.wording import NOTHING, cell_text, interval_text, value_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity.report.values.model import CellResult, StepSummary

__all__ = ["probe_table"]


def probe_table(attacks: Sequence[StepSummary]) -> Table | None:
    """Tabulate what the probes of the attacks found; None where none was probed."""
    names = grouped(attacks, "probe")
    cells = [
        (step, cell)
        for step in attacks
        for cell in step.cells
        if any(name in cell.measures for name in names)
    ]
    if not cells:
        return None
    rows = tuple(
        (
            step.id,
            cell_text(cell.cell) or NOTHING,
            *(_shown(cell, name) for name in names),
            _chance(cell),
            f"{max(cell.measures[name].n for name in names if name in cell.measures):,}",
        )
        for step, cell in cells
    )
    heads = (*titles(attacks, names).values(), "a guess", "n")
    return Table(
        "attack-probes",
        "Can the attacks be believed? The first images were attacked again. With the whole space "
        "of images as budget hardly one can stay right, a guess at most, and no decision can withstand: "
        "what does withstood the attack's weakness and no attacker. Twice the effort should find next to nothing that the "
        "attack did not. A guess: one class in K, and always the commonest. n: images that were "
        "probed, those that could be attacked, for most those right at first. None of this counts as the attack's cost.",
        ("attack", "cell", *heads),
        rows,
        numeric=frozenset(heads),
    )


def _shown(cell: CellResult, name: str) -> str:
    measure = cell.measures.get(name)
    return NOTHING if measure is None else f"{value_text(measure)} {interval_text(measure)}"


def _chance(cell: CellResult) -> str:
    for measure in cell.measures.values():
        guesses = [measure.details.get(name) for name in ("chance", "majority")]
        if measure.info.group == "probe" and all(map(is_number, guesses)):
            return ", ".join(f"{share:.3f}" for share in guesses)
    return NOTHING
