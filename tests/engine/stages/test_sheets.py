"""One image through everything: which samples, which cells, the exact images, and what became of them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from adversity.data.tables import read_table
from adversity.engine.set_up.toolbox import Toolbox
from adversity.engine.summary import sheets as module
from adversity.engine.summary.example_images import image_rows
from adversity.engine.summary.sheets import sheets
from adversity.engine.summary.shown_views import ShownViews
from adversity.engine.summary.summarise import build_report

if TYPE_CHECKING:
    from adversity.report.values.sheets import SheetRow

STEPS = """
  net: {uses: classifier/bright}
  plain: {uses: net, from: photos}
  darker: {uses: degradation/darker, from: photos}
  dark_answers: {uses: net, from: darker}
  kept: {uses: restoration/keep, from: darker}
  larger: {uses: restoration/repeat, from: darker}
  kept_answers: {uses: net, from: kept}
  larger_answers: {uses: net, from: larger}
  noise: {uses: attack/random_noise, from: darker, against: dark_answers, with: {eps: $eps}}
  nudge: {uses: attack/fgsm, from: darker, against: kept_answers, with: {eps: $eps}}
matrix:
  eps: [1/255, 2/255, 4/255]
"""


@pytest.fixture
def ran(run_pairs: Any) -> Any:
    """Two restorations, an attack and its control, on ten squares."""
    return run_pairs("images: clean", STEPS)


def first_ids(count: int) -> list[str]:
    return sorted((f"s{i}" for i in range(10)), key=lambda i: hashlib.sha256(i.encode()).digest())[
        :count
    ]


def row(rows: tuple[SheetRow, ...], step: str) -> SheetRow:
    return next(item for item in rows if item.step == step)


def test_the_smallest_hashes_go_through_every_step_in_its_cells(ran: Any) -> None:
    """Data, degradation, both restorations, attack and control; an attack in its three cells."""
    plan, workspace, _ = ran
    shown = sheets(ShownViews(Toolbox(plan, workspace)))
    assert [sheet.id for sheet in shown] == first_ids(module.SAMPLES)
    for sheet in shown:
        assert [item.step for item in sheet.rows] == [
            *("photos", "darker", "kept", "larger", "noise", "nudge")
        ]
        assert sheet.label == "ab"[int(sheet.id[1:]) % 2]
        cells = [seen.cell for seen in row(sheet.rows, "nudge").seen]
        assert cells == [{"eps": "1/255"}, {"eps": "2/255"}, {"eps": "4/255"}]
        assert all(item.left_out == 0 for item in sheet.rows)


def test_images_are_exact_and_answers_those_of_the_tables(ran: Any) -> None:
    """0.05 darker, as large again, at most eps away; class and state as each table has them."""
    plan, workspace, _ = ran
    for sheet in sheets(ShownViews(Toolbox(plan, workspace))):
        start = sheet.rows[0].seen[0].image
        dark = row(sheet.rows, "darker").seen[0].image
        np.testing.assert_allclose(dark, start - 0.05, atol=1e-7)
        large = row(sheet.rows, "larger").seen[0].image
        np.testing.assert_array_equal(large, np.kron(dark, np.ones((2, 2, 1), np.float32)))
        open_to = row(sheet.rows, "kept").seen[0].right  # what is wrong before is not attacked
        for seen, eps in zip(row(sheet.rows, "nudge").seen, (1, 2, 4), strict=True):
            moved = eps / 255 if open_to else 0.0
            assert abs(seen.image - dark).max() == pytest.approx(moved, abs=1e-6)
        for place, table in (("darker", "dark_answers"), ("nudge", "nudge"), ("photos", "plain")):
            rows = read_table(workspace.outputs / "artifacts/p" / table / "table.parquet")
            said = [
                "ab"[rows["prediction"][at]]
                for at in np.flatnonzero(np.asarray(rows["id"]) == sheet.id)
            ]
            assert [seen.prediction for seen in row(sheet.rows, place).seen] == said
            right = [answer == sheet.label for answer in said]
            assert [seen.right for seen in row(sheet.rows, place).seen] == right


def test_states_tell_what_became_of_an_image(ran: Any) -> None:
    """Against the images it was made from: right then and wrong now is flipped, and so on."""
    plan, workspace, _ = ran
    words = {
        (True, True): "right",
        (False, False): "wrong",
        (True, False): "flipped",
        (False, True): "recovered",
    }
    for sheet in sheets(ShownViews(Toolbox(plan, workspace))):
        clean, dark = (row(sheet.rows, name).seen[0] for name in ("photos", "darker"))
        assert dark.state == words[bool(clean.right), bool(dark.right)]
        for seen in row(sheet.rows, "nudge").seen:
            assert seen.state == words[bool(dark.right), bool(seen.right)]


def test_several_answers_to_one_image_are_counted(run_pairs: Any) -> None:
    """With the level as a variable of the classifier alone, an image has two answers."""
    steps = """
  net: {uses: classifier/bright, with: {level: $level}}
  darker: {uses: degradation/darker, from: photos}
  answers: {uses: net, from: darker}
matrix:
  level: [0.0, 1.0]
"""
    plan, workspace, _ = run_pairs("images: clean", steps)
    (seen,) = sheets(ShownViews(Toolbox(plan, workspace)))[0].rows[1].seen
    assert (seen.right, seen.answers) == (1, 2), "always b, and always a"
    assert (seen.state, seen.confidence) == (None, None)


def test_of_many_cells_the_ends_and_some_between_are_shown(
    ran: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three cells with room for two: the first and the last, and that one is left out."""
    plan, workspace, _ = ran
    monkeypatch.setattr(module, "CELLS", 2)
    shown = row(sheets(ShownViews(Toolbox(plan, workspace)))[0].rows, "nudge")
    assert [seen.cell["eps"] for seen in shown.seen] == ["1/255", "4/255"]
    assert shown.left_out == 1
    monkeypatch.setattr(module, "IMAGES", 16)
    assert len(sheets(ShownViews(Toolbox(plan, workspace)))) == 2, "8 images each"
    monkeypatch.setattr(module, "IMAGES", 1)
    assert len(sheets(ShownViews(Toolbox(plan, workspace)))) == 1, "one always is"


def test_each_attack_and_each_other_restoration_has_rows(ran: Any) -> None:
    """`nudge` goes through `kept`, so `larger` alone has rows of its own; the control has none."""
    plan, workspace, _ = ran
    rows, population = image_rows(ShownViews(Toolbox(plan, workspace)))
    strata = {item.stratum.partition(" (")[2].rstrip(")") for item in rows}
    assert strata == {"nudge", "larger"}
    assert len(rows) == 12 + 10, "half of 24, and all ten squares that there are"
    assert sum(n for name, n in population.items() if "larger" in name) == 10
    assert sum(n for name, n in population.items() if "nudge" in name) == 30
    again, _ = image_rows(ShownViews(Toolbox(plan, workspace)))
    assert [(item.id, item.cell) for item in again] == [(item.id, item.cell) for item in rows]


def test_no_images_are_shown_where_none_are_asked_for(run_pairs: Any) -> None:
    """`run.images: 0` leaves sheets and rows out, and the tracked copy has none anyway."""
    plan, workspace, _ = run_pairs("images: clean", STEPS + "run: {images: 0}\n")
    report = build_report(plan, workspace)
    assert (report.sheets, report.rows) == ((), ())
    plan, workspace, _ = run_pairs("images: clean", STEPS)
    assert build_report(plan, workspace, tracked=True).sheets == ()
    assert build_report(plan, workspace).sheets
