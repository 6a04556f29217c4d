"""The worst case over all attacks, as the report says it."""

from __future__ import annotations

from typing import Any

from adversity.metrics import worst_case_robust_accuracy
from adversity.pipeline.plan.engine_measures import OF_ATTACKS
from adversity.report.sections.worst_case import threat_words, worst_cases
from adversity.report.values.blocks import Table
from adversity.report.values.model import CellResult, StepSummary

NAME = "worst_case_robust_accuracy"


def attack(step: str, eps: float = 8 / 255, **more: Any) -> StepSummary:
    """Return an attack whose four images two attacks were tried on."""
    right = [True, True, True, False]
    found = {
        "strong": (right, [True, True, False, False]),
        "weekly: scores": (right, [True, False, False, False]),
    }
    measure = worst_case_robust_accuracy(found)
    facts = {"victim": "v", "data": "d", "threat": {"norm": "linf", "eps": eps}, "earlier": 1}
    measure.details.update(facts | more)  # type: ignore[attr-defined]
    cell = CellResult({}, 4, {NAME: measure.known_as(OF_ATTACKS[NAME])})
    return StepSummary(step, "attack/pgd", "attack", "adversarial", against="clean", cells=(cell,))


def test_each_budget_on_a_victim_is_one_row_however_many_attacks_share_it() -> None:
    """Two attacks of one budget say the same; another budget, or another victim, is another row.

    The smallest budget comes first, victim by victim.
    """
    steps = [attack("a"), attack("b"), attack("c", 2 / 255), attack("d", victim="w")]
    _, table = worst_cases(steps)
    assert isinstance(table, Table)
    assert [row[0] for row in table.rows] == ["L∞ 2/255", "L∞ 8/255", "L∞ 8/255"]


def test_a_row_says_how_many_attacks_and_who_found_what_no_other_did() -> None:
    """Of four images one was wrong, two fell to one attack and one of those to another as well."""
    _, table = worst_cases([attack("a")])
    assert isinstance(table, Table)
    (row,) = table.rows
    said = dict(zip(table.columns, row, strict=True))
    assert said["worst case"].startswith("0.250 [")
    assert (said["attacks"], said["from earlier runs"]) == ("2", "1")
    assert said["found most"] == "strong: 2 images"
    assert said["found alone"] == "strong: 1"


def test_without_a_ledger_the_report_does_not_speak_of_it() -> None:
    """The copy that DVC tracks has no such measure."""
    assert worst_cases([StepSummary("a", "attack/pgd", "attack", "adversarial")]) == []


def test_a_budget_of_parameters_names_them() -> None:
    """A rotation is told by its bounds, under the plugin that searched."""
    threat = {"plugin": "attack/spatial", "bounds": {"angle_deg": [-30.0, 30.0]}}
    assert threat_words(threat) == "spatial (angle_deg -30 to 30)"
