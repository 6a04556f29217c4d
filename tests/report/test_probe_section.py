"""The table of probes shows what each attack was tried for, beside what a guess gets right."""

from __future__ import annotations

from adversity.metrics import share
from adversity.pipeline.plan.engine_measures import OF_ATTACKS
from adversity.report.sections.probe_section import probe_table
from adversity.report.values.model import CellResult, StepSummary
from adversity.report.words.reading import with_words
from adversity.report.words.wording import NOTHING


def _step(name: str, *cells: CellResult) -> StepSummary:
    made = StepSummary(name, "attack/pgd", "attack", "adversarial", cells=cells)
    return with_words([made], OF_ATTACKS)[0]


def test_each_probed_cell_has_a_row() -> None:
    """A column for what any was tried for, a dash where one was not; no probe, no table."""
    whole = share(3, 20, details={"chance": 0.1, "majority": 0.15})
    one = _step(
        "one",
        CellResult({"eps": "0.1"}, 90, {"full_budget_accuracy": whole}),
        CellResult({"eps": "0.2"}, 90, {"more_steps_gain_share": share(1, 25)}),
    )
    none = _step("none", CellResult({}, 90, {"robust_accuracy": share(5, 90)}))
    assert probe_table([none]) is None
    table = probe_table([one, none])
    assert table is not None
    assert table.columns == (
        "attack",
        "cell",
        "accuracy when anything is allowed",
        "share that fell to twice the steps",
        "a guess",
        "n",
    )
    assert table.rows[0] == (
        "one",
        "eps = 0.1",
        f"0.150 [{whole.low:.3f}, {whole.high:.3f}]",
        NOTHING,
        "0.100, 0.150",
        "20",
    )
    assert table.rows[1][2] == NOTHING
    assert table.rows[1][3].startswith("0.040 [")
    assert table.rows[1][4:] == (NOTHING, "25")
    assert len(table.rows) == 2
