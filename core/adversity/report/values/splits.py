"""Which split each figure is of, what fitted it, and what proves that the two share no image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from adversity.report.values.blocks import Table
from adversity.report.words.wording import NOTHING, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from adversity.report.values.model import Report

__all__ = ["FittedBy", "Proof", "Split", "split_text", "splits_table"]

Proof = Literal["proved by content", "unlabelled", "out of fold", "not provable"]
"""Why a figure does not flatter, or that nobody here can tell.

`proved by content`: no image that judges is among those that fitted. `unlabelled`: some are, seen
without their labels. `out of fold`: each is answered by a network that was fitted without it. `not
provable`: what fitted the network is not here, as for weights out of a package.
"""


@dataclass(frozen=True, slots=True)
class FittedBy:
    """What one fit that a figure rests on had, beside what judges the figure.

    Attributes:
        step: The step that was fitted.
        proof: How the two are apart.
        data: The data set that fitted; None where that is not here.
        n: Its images.
        n_shared: How many images of the judging set it saw without their labels.
    """

    step: str
    proof: Proof
    data: str | None = None
    n: int | None = None
    n_shared: int = 0


@dataclass(frozen=True, slots=True)
class Split:
    """The images that judge the figures of a step, and what fitted all that these rest on.

    Attributes:
        step: The step.
        judging: The data set it is judged on.
        n_judging: Its images.
        fitted_by: In the order of the steps that were fitted; empty where nothing learnt.
    """

    step: str
    judging: str
    n_judging: int
    fitted_by: tuple[FittedBy, ...] = ()


def split_text(report: Report, steps: Iterable[str]) -> str:
    """Say of the figures of some steps which split they are of; begins with a space, or is empty.

    Args:
        report: The report.
        steps: Ids of the steps that a chart shows.
    """
    shown = set(steps)
    splits = [split for split in report.splits if split.step in shown]
    if not splits:
        return ""
    judging = list(dict.fromkeys((split.judging, split.n_judging) for split in splits))
    names = ", ".join(f"{plain(name)} (n = {n:,})" for name, n in judging)
    parts = list(_by_proof(item for split in splits for item in split.fitted_by))
    return f" Split: judged on {names}; " + ("; ".join(parts) or "nothing was fitted") + "."


def _by_proof(items: Iterable[FittedBy]) -> Iterator[str]:
    """Yield a part for each proof: what fitted, and the word."""
    by_proof: dict[Proof, dict[str, None]] = {}
    for item in items:
        fitting = plain(item.step) if item.data is None else _data_text(item)
        by_proof.setdefault(item.proof, {})[fitting] = None
    for proof, names in by_proof.items():
        listed = ", ".join(names)
        if proof == "proved by content":
            yield f"fitted on {listed}, disjoint: {proof}"
        elif proof == "not provable":
            yield f"{listed} fitted elsewhere, disjoint: {proof}"
        else:
            yield f"fitted on {listed}: {proof}"


def _data_text(item: FittedBy) -> str:
    shared = f", {item.n_shared:,} of them judged" if item.n_shared else ""
    return f"{plain(item.data or '')} ({item.n:,}{shared})"


def splits_table(report: Report, kind: str) -> Table | None:
    """Tabulate what fits and what judges each step of a kind; None where nothing of it learnt.

    Args:
        report: The report.
        kind: Of the steps: `uncertainty`.
    """
    uses = {step.id: step.uses for step in report.steps if step.kind == kind}
    rows = [
        (
            plain(split.step),
            plain(uses[split.step]),
            f"{plain(split.judging)} ({split.n_judging:,})",
            plain(item.step),
            NOTHING if item.data is None else _data_text(item),
            item.proof,
        )
        for split in report.splits
        if split.step in uses
        for item in split.fitted_by
    ]
    if not rows:
        return None
    return Table(
        f"splits-{kind}",
        "What fits and what judges: each step, the images that judge it, each fit that its figures "
        "rest on, and whether the two share an image. Proved by content: none of the images is in "
        "both. Unlabelled: some are, seen without their labels. Out of fold: each is answered by a "
        "network fitted without it. Not provable: fitted elsewhere, on images that are not here.",
        ("step", "method", "judged on (n)", "rests on the fit of", "fitted on (n)", "disjoint"),
        tuple(rows),
        sortable=True,
    )
