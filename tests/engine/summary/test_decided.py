"""Sizes of sets by class and hardness, and estimates with their claims, from finished tables."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from adversity.data.stored import TABLE
from adversity.engine.summary.ends_of_steps import ends_of_steps
from adversity.engine.summary.estimates import LEVEL, estimates
from adversity.engine.summary.set_sizes import set_sizes
from adversity.metrics import covered
from adversity.pipeline.plan.model import Cell

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 400


def toolbox_with(folder: Path, rows: dict[str, Any], *, classes: tuple[str, ...] = ()) -> Any:
    """A finished run of three cells of a step, all with these rows, and of a step without a table."""
    (folder / "sets").mkdir()
    (folder / "sets" / TABLE).touch()
    cells = tuple(Cell((("severity", str(level)),)) for level in (1, 2, 3))
    planned = SimpleNamespace(cells=cells, variables=("severity",))
    plan = SimpleNamespace(
        stages=(SimpleNamespace(step="sets"), SimpleNamespace(step="net")),
        spec=SimpleNamespace(steps={"net": None, "sets": None, "view": None}),
        steps={"sets": planned},
    )
    table = SimpleNamespace(cell=lambda key: rows, classes={cell.key: classes for cell in cells})
    return SimpleNamespace(plan=plan, artifact=lambda step: folder / step, table=lambda step: table)


@pytest.fixture
def rows() -> dict[str, Any]:
    """Five classes; the set of each image holds the classes up to the true one by their rank."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(COUNT, 5))
    target = rng.integers(0, 5, COUNT)
    target[:10] = -1
    rank = (logits >= logits[np.arange(COUNT), target][:, None]).sum(1)
    sets = np.argsort(np.argsort(-logits, 1), 1) < rank[:, None]
    return {"id": np.arange(COUNT), "target": target, "logits": logits, "sets": sets,
            "set_size": sets.sum(1)}  # fmt: skip


def test_sets_are_as_large_as_images_are_hard(tmp_path: Path, rows: dict[str, Any]) -> None:
    """Where a set reaches down to the true class, its size is the rank, exactly."""
    first, last = set_sizes(toolbox_with(tmp_path, rows, classes=tuple("abcde")))
    assert (dict(first.cell), dict(last.cell)) == ({"severity": "1"}, {"severity": "3"})
    assert first.counts == tuple(np.bincount(rows["set_size"], minlength=6).tolist())
    assert list(first.by_rank) == ["1", "2", "3", "4 to 5"]
    assert [first.by_rank[rank].value for rank in ("1", "2", "3")] == [1.0, 2.0, 3.0]
    assert 4.0 < first.by_rank["4 to 5"].value < 5.0
    known = rows["target"] >= 0
    assert sum(mean.n for mean in first.by_rank.values()) == known.sum() == COUNT - 10
    of_b = rows["set_size"][rows["target"] == 1]
    assert list(first.by_class) == list("abcde")
    assert first.by_class["b"].value == pytest.approx(of_b.mean())
    low, high = first.by_class["b"].low, first.by_class["b"].high
    assert low is not None
    assert high is not None
    assert low < of_b.mean() < high


def test_sets_without_labels_have_sizes_alone(tmp_path: Path, rows: dict[str, Any]) -> None:
    """Nothing by class and by rank, where nobody knows what is right."""
    unlabelled = {name: rows[name] for name in ("id", "logits", "sets", "set_size")}
    (first, _) = set_sizes(toolbox_with(tmp_path, unlabelled))
    assert sum(first.counts) == COUNT
    assert not first.by_class
    assert not first.by_rank


def numbers() -> dict[str, Any]:
    """Errors that are Gaussian with the standard deviation that is claimed, and one unknown."""
    rng = np.random.default_rng(1)
    spread = rng.uniform(0.5, 4.0, 20 * COUNT)
    mean = rng.uniform(-30, 30, len(spread))
    target = mean + spread * rng.normal(size=len(spread))
    target[0] = np.nan
    return {"id": np.arange(len(spread)), "target": target, "mean": mean, "variance": spread**2}


def test_an_honest_claim_is_the_error_in_each_bin(tmp_path: Path) -> None:
    """Ten bins of a planted truth: each claim lies in the interval of its error, or close by."""
    (first, _) = estimates(toolbox_with(tmp_path, numbers(), classes=("angle_deg",)))
    assert (first.number, first.n, len(first.bins)) == ("angle_deg", 20 * COUNT - 1, 10)
    claims = [part.claimed for part in first.bins]
    assert claims == sorted(claims)
    for part in first.bins:
        # 800 Gaussian errors: the RMSE is known to 1 / sqrt(2 * 800) = 2.5 %; four of these.
        assert part.rmse.value == pytest.approx(part.claimed, rel=0.1)


def test_the_intervals_shown_are_those_that_are_counted(tmp_path: Path) -> None:
    """Half-widths are those of `covered`, whose share the metric states."""
    rows = {name: values[1:] for name, values in numbers().items()}
    (first, _) = estimates(toolbox_with(tmp_path, rows))
    held = dict(
        zip(
            rows["target"].tolist(),
            covered(rows["mean"], rows["variance"], rows["target"], level=LEVEL)[:, 0].tolist(),
            strict=True,
        )
    )
    shown = first.shown
    assert [one.true for one in shown] == sorted(one.true for one in shown)
    for one in shown:
        assert one.low is not None
        assert one.high is not None
        assert (one.low <= one.true <= one.high) == held[one.true]
    again = estimates(toolbox_with(tmp_path / "sets", rows))
    assert again[0].shown == shown, "the same samples in every report"


def test_numbers_without_a_variance_have_no_interval(tmp_path: Path) -> None:
    """Of a vector each number stands for itself."""
    rows = numbers()
    both = {name: np.stack([rows[name], rows[name]], 1) for name in ("target", "mean")}
    found = estimates(toolbox_with(tmp_path, {"id": rows["id"], **both}, classes=("x", "y")))
    assert [one.number for one in found] == ["x", "y", "x", "y"]
    assert all(one.low is None for one in found[0].shown)
    assert not found[0].bins


def test_a_table_without_the_column_is_not_asked(tmp_path: Path, rows: dict[str, Any]) -> None:
    """And neither is a step without a table."""
    toolbox = toolbox_with(tmp_path, rows)
    assert ends_of_steps(toolbox, "mean") == []
    assert [name for name, _ in ends_of_steps(toolbox, "sets")] == ["sets", "sets"]
