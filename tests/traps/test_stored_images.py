"""What is reported is what the stored images do, in any shards, after any interruption."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from adversity.contracts import Measure
from adversity.data.arrays import write_arrays
from adversity.engine.stages import attack_stage
from adversity.engine.stages.attack_stage import AttackRun
from adversity.engine.stages.stored_images import StoredImages
from adversity.engine.stages.table_stage import TableRun
from adversity.errors import PluginError

LEVELS = 15
"""Of the project's images: rounded to that many levels, an eps of 8/255 is gone."""


def _lossy(rounding: Any) -> Any:
    """Return a store that puts the images on a grid first, as an image file does."""

    def write(path: Any, arrays: Any, info: Any = None) -> None:
        changed = {name: rounding(array).astype(np.float32) for name, array in arrays.items()}
        write_arrays(path, changed, info)

    return write


def _to_levels(images: Any) -> Any:
    return np.rint(images.astype(np.float64) * LEVELS) / LEVELS


def _down_to_bytes(images: Any) -> Any:
    return np.floor(images.astype(np.float64) * 255) / 255


def _stored_answers(project: Any) -> tuple[list[int], list[int]]:
    """Return the predictions that the table reports, and those of the images on disk."""
    table, stage = project.table, project.stage("attacked")
    (cell,) = {shard.cell for shard in stage.shards}
    images = StoredImages(project.artifact, cell).read(list(table["id"]))
    classifier = stage.toolbox.ready("predictions", cell).plugin
    return table["prediction"].tolist(), classifier.logits(images).argmax(1).tolist()


def test_3_12_the_verdict_is_that_of_the_stored_images(project: Any, monkeypatch: Any) -> None:
    """Where storing undoes the attack nobody counts as fooled; a stage judged before storing lies."""
    kept = project.run()
    reported, found = _stored_answers(project)
    assert reported == found
    assert int(kept["fooled"].sum()) > 0
    monkeypatch.setattr(attack_stage, "write_arrays", _lossy(_to_levels))
    project.edit("steps: 3", "steps: 4")
    lost = project.run()
    reported, found = _stored_answers(project)
    assert reported == found
    assert int(lost["fooled"].sum()) == 0

    judged = AttackRun._judged
    monkeypatch.setattr(
        AttackRun,
        "_judged",
        lambda self, part, images: judged(self, part, part.result.images.numpy()[: len(images)]),
    )
    project.edit("steps: 4", "steps: 5")
    assert int(project.run()["fooled"].sum()) > 0
    reported, found = _stored_answers(project)
    assert reported != found


def test_3_6_the_budget_is_that_of_the_stored_images(project: Any, monkeypatch: Any) -> None:
    """A store that rounds down moves by 1/255 where half of that is allowed: the run fails."""
    project.edit("eps: 8/255", "eps: 0.5/255")
    kept = project.run()
    assert float(kept["distance"].max()) <= 0.5 / 255 * (1 + 1e-6)
    monkeypatch.setattr(attack_stage, "write_arrays", _lossy(_down_to_bytes))
    project.edit("steps: 3", "steps: 4")
    with pytest.raises(PluginError, match=r"overstepped its budget: expected linf <= 0\.00196"):
        project.run()


def _measures(project: Any, *overrides: str) -> Any:
    project.run(*overrides)
    found = (project.artifact / "measures.json").read_bytes()
    for path in sorted(project.out.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    return found


@pytest.mark.slow
def test_3_16_measures_do_not_depend_on_shards(project: Any, monkeypatch: Any) -> None:
    """24 images at once or 7 by 7 give one file; a twin that averages over shards gives two."""
    shards = ("run.shard_size=24", "run.shard_size=7")
    assert len({_measures(project, size) for size in shards}) == 1

    measured = TableRun.measured

    def averaged(self: Any, rows: Any, names: Any, cell: Any) -> dict[str, Measure]:
        size = self.plan.spec.run.shard_size
        cuts = range(0, len(rows["id"]), size)
        parts = [
            measured(self, {key: rows[key][k : k + size] for key in rows}, names, cell)
            for k in cuts
        ]
        return {
            name: Measure(float(np.mean([part[name].value for part in parts])), len(rows["id"]))
            for name in parts[0]
            if all(name in part for part in parts)
        }

    monkeypatch.setattr(TableRun, "measured", averaged)
    assert len({_measures(project, size) for size in shards}) == 2


def _resumed(project: Any, name: str) -> tuple[bytes, list[Any]]:
    """Lose the second of four shards, compute what is pending, and finish once more."""
    stage = project.stage("attacked")
    lost = stage.shards[1]
    key = stage.cell_key(lost.cell)
    stage.store.path(key, lost.name).unlink()
    again = project.stage("attacked")
    pending = again.pending()
    for shard in pending:
        again.run_shard(shard)
    again.finish(project.out / name)
    return (project.out / name / "table.parquet").read_bytes(), list(pending)


def test_3_17_a_resumed_attack_is_the_whole_attack(ran: Any, monkeypatch: Any) -> None:
    """The table has all rows again, byte for byte; a twin that keeps this run's rows has seven."""
    whole = (ran.artifact / "table.parquet").read_bytes()
    resumed, pending = _resumed(ran, "again")
    assert resumed == whole
    assert [shard.rows for shard in pending] == [7]

    def only_of_this_run(self: Any, cell: Any) -> Any:
        return [shard for shard in self.shards if shard.name == pending[0].name]

    monkeypatch.setattr(AttackRun, "shards_of", only_of_this_run)
    assert _resumed(ran, "once-more")[0] != whole
