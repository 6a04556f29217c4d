"""A step whose attack runs in rounds: waves, a stop in one cell, kills, and gates that change."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from adversity.data.tables import read_table
from adversity.engine.attack.attacking import attack
from adversity.engine.calls.ready import Ready
from adversity.engine.public.open_stage import open_stage
from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.engine.stages.rounds_stage import RoundsRun
from adversity.engine.summary.summarise import summarise
from adversity.errors import StorageError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline
from adversity.registry import discover
from adversity_plugins.attack.gradient.pgd import PGD

if TYPE_CHECKING:
    from pathlib import Path

FILE = "pipelines/rounds.yaml"


def execute(root: Path, out: Path, *overrides: str, workers: int = 1) -> Any:
    """Run the pipeline but for its report; return what the attack's step measured."""
    plan = make_plan(load_pipeline(root / FILE, root=root, overrides=overrides), discover())
    workspace = Workspace(root, out, out / "store")
    steps = [stage.step for stage in plan.stages if stage.step != "report"]
    return {step: compute_stage(plan, step, workspace, workers) for step in steps}["strong"]


def hashes(out: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of the attack's artifact and metrics."""
    files = [*(out / "artifacts/rounds/strong").rglob("*"), out / "metrics/rounds/strong.json"]
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(files)
        if path.is_file()
    }


def rounds_in(out: Path) -> list[str]:
    """Return the rounds that stand in the store, by shard."""
    return sorted(path.stem for path in (out / "store").rglob("round-*.parquet"))


@pytest.fixture(scope="module")
def finished(quarters: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The pipeline, run once: where, and what the attack measured."""
    out = tmp_path_factory.mktemp("finished")
    return out, execute(quarters, out)


def test_a_cell_stops_and_the_other_does_not(finished: tuple[Path, Any]) -> None:
    """The gate is on one cell; the note names it, and its figures are bounds."""
    out, result = finished
    (note,) = (note for note in result.notes if "stopped" in note)
    assert note == (
        "eps=20/255: stopped after round 1 of 5 (pgd): the gate "
        "`strong[eps=20/255].robust_accuracy >= 0.95` (fail) was decided; robust accuracy is an "
        "upper bound"
    )
    stopped, whole = result.measures["eps=20/255"], result.measures["eps=8/255"]
    assert stopped["robust_accuracy"].details["bound"] == "upper"
    assert stopped["attack_success"].details["bound"] == "lower"
    assert stopped["robust_accuracy"].details["stopped_after"] == 1
    assert 0 < stopped["robust_accuracy"].value < 0.5
    assert "bound" not in whole["robust_accuracy"].details
    assert whole["robust_accuracy"].value > 0
    assert rounds_in(out) == sorted(
        [*(f"round-{k}-64-00000" for k in range(1, 6)), "round-1-64-00000"]
    )


def test_what_is_left_after_one_round_is_what_that_attack_leaves(
    quarters: Path, finished: tuple[Path, Any]
) -> None:
    """The stopped cell has what PGD alone does to the same samples, and its costs."""
    out, _ = finished
    stage_run = opened(quarters, out)
    cell = next(cell for cell in stage_run.planned.cells if cell.key == "eps=20/255")
    scene = stage_run.scene(cell, list(range(24)))
    pgd = Ready(PGD(eps=20 / 255, steps=10, early_stop=True), "PGD alone")
    given = (scene.victim, scene.current.images, scene.labels)
    alone = attack(pgd, *given, seed=3, step="strong", stream="pgd")
    table = read_table(out / "artifacts/rounds/strong/table.parquet")
    rows = table["cell"] == cell.key
    mine = {name: values[rows] for name, values in table.items()}
    order = np.argsort(np.array(scene.current.ids))
    assert list(mine["id"]) == [scene.current.ids[i] for i in order]
    np.testing.assert_array_equal(mine["fooled"], alone.success.numpy()[order])
    for name in ("queries", "gradients"):
        np.testing.assert_array_equal(mine[name], getattr(alone, name).numpy()[order])
    np.testing.assert_array_equal(mine["distance"], alone.norms.numpy()[order])
    expected = np.where(mine["fooled"], 1.0, 0.0)
    expected[~mine["start_correct"]] = np.nan
    np.testing.assert_array_equal(mine["parameter_solved_by"], expected)


def test_who_fell_paid_until_then_and_who_stands_paid_for_all(finished: tuple[Path, Any]) -> None:
    """In the cell that ran to its end the costs rise with the round that solved a sample."""
    table = read_table(finished[0] / "artifacts/rounds/strong/table.parquet")
    rows = (table["cell"] == "eps=8/255") & table["start_correct"]
    solved, costs = table["parameter_solved_by"][rows], table["gradients"][rows]
    standing = costs[solved == 0]
    assert len(standing)
    # Ten steps of PGD, then three of APGD, and of APGD and FAB at each of three classes.
    assert set(standing) == {10 + 3 + 9 + 9}
    assert (costs[solved == 1] <= 10).all()
    assert (table["fooled"][rows] == (solved > 0)).all()
    assert {*solved} <= {0, 1, 2, 3, 4, 5}


@pytest.mark.parametrize(
    ("shard", "batch", "workers"), [(5, 64, 1), pytest.param(11, 3, 4, marks=pytest.mark.slow)]
)
def test_the_same_bytes_for_any_shard_size_and_worker_count(
    quarters: Path, finished: tuple[Path, Any], tmp_path: Path, shard: int, batch: int, workers: int
) -> None:
    """One cell stops after its first round, the other never, however the samples are cut."""
    sizes = [f"run.shard_size={shard}", f"run.batch_size={batch}"]
    execute(quarters, tmp_path, *sizes, workers=workers)
    assert hashes(tmp_path) == hashes(finished[0])


@pytest.mark.slow
def test_a_twin_that_decides_from_one_shard_is_found_out(
    quarters: Path, finished: tuple[Path, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above fails where the first shard's counts decide for the whole cell."""
    whole = RoundsRun._joined

    def hasty(self: Any, cell: Any, done: int) -> Any:
        shards = self.shards
        self.shards = [s for s in shards if s.name.endswith("00000.parquet")]
        try:
            return whole(self, cell, done)
        finally:
            self.shards = shards

    monkeypatch.setattr(RoundsRun, "_ends", _with(RoundsRun._ends, hasty))
    execute(quarters, tmp_path, "run.shard_size=5")
    assert hashes(tmp_path) != hashes(finished[0])


def _with(ends: Any, joined: Any) -> Any:
    """Return `_ends` as it would be with another way to count."""

    def twin(self: Any, cell: Any, done: int) -> bool:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(RoundsRun, "_joined", joined)
            return bool(ends(self, cell, done))

    return twin


def opened(root: Path, out: Path, *overrides: str) -> RoundsRun:
    """Open the attack's stage where the steps before it are finished."""
    loaded = load_pipeline(root / FILE, root=root, overrides=overrides)
    plan = make_plan(loaded, discover())
    stage_run = open_stage(plan, plan.stage("strong"), Workspace(root, out, out / "store"))
    assert isinstance(stage_run, RoundsRun)
    return stage_run


@pytest.mark.parametrize(
    "killed_after",
    [pytest.param(1, marks=pytest.mark.slow), 4, pytest.param(5, marks=pytest.mark.slow)],
)
def test_a_run_that_was_killed_goes_on_in_its_round(
    quarters: Path,
    finished: tuple[Path, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    killed_after: int,
) -> None:
    """Killed after some shards, in or between rounds: only what is missing is computed."""
    computed: list[str] = []
    compute = RoundsRun.compute

    def counted(self: Any, shard: Any) -> Any:
        if len(computed) == killed_after:
            raise KeyboardInterrupt
        found = compute(self, shard)
        computed.append(f"{shard.cell.key} {shard.name}")
        return found

    cut = ["run.shard_size=13"]
    with monkeypatch.context() as patch:
        patch.setattr(RoundsRun, "compute", counted)
        with pytest.raises(KeyboardInterrupt):
            execute(quarters, tmp_path, *cut)
    first = list(computed)
    stage_run = opened(quarters, tmp_path, *cut)
    assert not {f"{s.cell.key} {s.name}" for s in stage_run.pending()} & set(first)
    killed_after = -1
    with monkeypatch.context() as patch:
        patch.setattr(RoundsRun, "compute", counted)
        execute(quarters, tmp_path, *cut)
    assert len(computed) == len(set(computed))
    assert opened(quarters, tmp_path, *cut).pending() == ()
    assert hashes(tmp_path) == hashes(finished[0])


def test_other_gates_use_finished_rounds_again(
    quarters: Path,
    finished: tuple[Path, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With another gate the cell goes on from round 2; with the first one again nothing is new."""
    before = finished[1]
    shutil.copytree(finished[0], tmp_path, dirs_exist_ok=True)
    there, expected = rounds_in(tmp_path), hashes(tmp_path)
    computed: list[str] = []
    compute = RoundsRun.compute

    def counted(self: Any, shard: Any) -> Any:
        computed.append(f"{shard.cell.key} {shard.label.split()[-1]}")
        return compute(self, shard)

    monkeypatch.setattr(RoundsRun, "compute", counted)
    after = execute(quarters, tmp_path, "gates.0=strong.zero_gradient_share <= 0.5")
    assert computed[0] == "eps=20/255 apgd-ce"
    assert {name.split()[0] for name in computed} == {"eps=20/255"}
    assert len(rounds_in(tmp_path)) > len(there)
    assert not any("stopped" in note for note in after.notes)
    here, then = (r.measures["eps=20/255"]["robust_accuracy"].value for r in (after, before))
    assert here <= then
    computed.clear()
    execute(quarters, tmp_path)
    assert computed == []
    assert hashes(tmp_path) == expected


def test_what_a_stopped_cell_left_is_no_sign_of_a_weak_attack(
    quarters: Path, finished: tuple[Path, Any]
) -> None:
    """With less eps all rounds ran: that they fooled more is said of no attack that was stopped."""
    loaded = load_pipeline(quarters / FILE, root=quarters)
    plan = make_plan(loaded, discover())
    out = finished[0]
    found = summarise(plan, Workspace(quarters, out, out / "store"))["strong"]
    shares = {cell.cell["eps"]: set(cell.measures) for cell in found.cells}
    assert "fooled_with_less_share" not in shares["20/255"]


def test_a_missing_shard_is_named(
    quarters: Path, finished: tuple[Path, Any], tmp_path: Path
) -> None:
    """An artifact is never written from a part of the rounds."""
    shutil.copytree(finished[0], tmp_path, dirs_exist_ok=True)
    stage_run = opened(quarters, tmp_path)
    lost = next(
        s for s in stage_run.shards if s.cell.key == "eps=8/255" and s.name.startswith("round-3")
    )
    stage_run.store.path(stage_run.cell_key(lost.cell), lost.name).unlink()
    again = opened(quarters, tmp_path)
    assert lost in again.pending()
    with pytest.raises(StorageError, match="missing"):
        again.finish(tmp_path / "again")


def test_what_is_looked_at_once_stands_in_every_row(quarters: Path, tmp_path: Path) -> None:
    """A probe is of the whole attack: the rows of later rounds keep what it said in the first."""
    execute(quarters, tmp_path, "steps.strong.probe=6")
    rows = read_table(tmp_path / "artifacts/rounds/strong/table.parquet")
    asked = ~np.isnan(rows["full_budget_correct"])
    assert 0 < int(asked.sum()) <= 2 * 6
    # With the whole space as budget an attack on a linear model leaves nothing standing.
    assert not rows["full_budget_correct"][asked].any()
    later = rows["parameter_solved_by"] != 1
    assert bool((asked & later & rows["start_correct"]).any())
