"""The direct door in trouble: inputs edited meanwhile, failures, full disks, killed processes."""

from __future__ import annotations

import errno

import pytest

from adversity.errors import (
    AdversityError,
    PluginError,
    RunError,
    StaleInputsError,
    StorageError,
)
from adversity_flows.steps.run_steps import conduct


@pytest.mark.usefixtures("conducted")
def test_an_input_edited_while_a_step_runs_is_refused(conductor, project, locked):
    """The message names what changed, nothing is recorded, and the old artifact stays."""
    old = (project / "artifacts/tiny/predictions/table.json").read_bytes(), locked()

    def meddle(run, shard):
        (project / "data/photos/1.txt").write_text("meddled")

    with pytest.raises(StaleInputsError, match=r"step predictions: inputs changed .*data/photos"):
        conduct(conductor(meddle, force=("predictions",)))
    assert (project / "artifacts/tiny/predictions/table.json").read_bytes() == old[0]
    assert locked() == old[1]
    assert [path.name for path in (project / "artifacts/tiny").glob("predictions*")] == [
        "predictions"
    ]


def test_an_input_edited_after_the_last_check_is_not_recorded(
    conductor, project, monkeypatch, locked
):
    """The hashes that are written are the ones compared: no gap is left before the record."""
    made = conductor()
    record = made.memory.record

    def late_edit(stage, expected):
        (project / "data/photos/1.txt").write_text("late")
        return record(stage, expected)

    monkeypatch.setattr(made.memory, "record", late_edit)
    with pytest.raises(StaleInputsError, match="data/photos changed"):
        conduct(made)
    assert locked() == {}
    assert not list((project / ".dvc/cache").rglob("runs/*"))


def test_a_pipeline_edited_during_the_run_does_not_speak_for_it(conductor, project, locked):
    """A later step whose parameter was edited meanwhile is refused, not computed with the old."""

    def meddle(run, shard):
        path = project / "pipelines/tiny.yaml"
        path.write_text(path.read_text().replace("4/255", "2/255"))

    with pytest.raises(StaleInputsError, match="eps 4/255 -> 2/255"):
        conduct(conductor(meddle))
    assert list(locked()) == ["tiny-predictions"]


def test_a_failing_shard_is_named_and_the_others_are_kept(conductor, reasons):
    """The error has step and shard, keeps its class, and a rerun does only what is missing."""

    def fail(run, shard):
        if (run.stage.step, shard.index) == ("predictions", 1):
            raise PluginError("the plugin broke")

    made = conductor(fail)
    with pytest.raises(PluginError, match=r"^step predictions, 2/3: the plugin broke$"):
        conduct(made, workers=1)
    assert reasons(made.outcomes) == {"predictions": ("failed", "never ran")}
    seen = []
    conduct(conductor(lambda run, shard: seen.append((run.stage.step, shard.index))))
    assert ("predictions", 0) not in seen
    assert ("predictions", 1) in seen


def test_steps_before_a_failure_are_recorded_and_none_after_it_runs(conductor, locked):
    """The loop stops at the first failure; what ran before it stays."""

    def fail(run, shard):
        if run.stage.step == "attacked":
            raise ValueError("surprise")

    made = conductor(fail)
    with pytest.raises(RunError, match="step attacked: ValueError: surprise"):
        conduct(made)
    assert [outcome.state for outcome in made.outcomes] == ["ran", "failed"]
    assert list(locked()) == ["tiny-predictions"]


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (OSError(errno.EIO, "Input/output error"), 3),
        (ConnectionError("reset"), 3),
        (OSError(errno.ENOSPC, "No space left on device"), 1),
        (PluginError("broken promise"), 1),
    ],
)
def test_only_failures_of_the_system_are_tried_again(conductor, monkeypatch, error, attempts, edit):
    """Errors that may pass are retried `run.retries` times; others fail at once."""
    monkeypatch.setattr("adversity_flows.steps.shards._FIRST_PAUSE", 0.0)
    edit("seed: 3", "seed: 3\nrun: {retries: 2}")
    tried = []

    def fail(run, shard):
        if shard.index == 0:
            tried.append(shard.index)
            raise error

    with pytest.raises(AdversityError):
        conduct(conductor(fail), workers=1)
    assert len(tried) == attempts


@pytest.mark.usefixtures("conducted")
def test_a_full_disk_is_said_so_and_leaves_the_old_artifact(
    conductor, project, monkeypatch, fake, locked
):
    """Running out of space while finishing names the step and what to do, and records nothing."""
    lock = locked()

    def full(self, out, metrics):
        out.mkdir()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(fake.FakeRun, "finish", full)
    with pytest.raises(StorageError, match=r"step attacked: the disk is full.*make room"):
        conduct(conductor(force=("attacked",)))
    assert locked() == lock
    assert [path.name for path in (project / "artifacts/tiny").glob("attacked*")] == ["attacked"]


@pytest.mark.usefixtures("conducted")
def test_leftovers_of_a_killed_process_are_put_right(conductor, project, dead_pid, reasons):
    """An artifact caught between two renames comes back whole; half-written ones go."""
    out = project / "artifacts/tiny/attacked"
    right = (out / "table.json").read_bytes()
    out.rename(out.with_name(f"attacked.old-{dead_pid}"))
    out.with_name(f"attacked.tmp-{dead_pid}").mkdir()
    outcomes = reasons(conduct(conductor()))
    assert outcomes["attacked"] == ("cached", "unchanged")
    assert (out / "table.json").read_bytes() == right
    assert [path.name for path in out.parent.glob("attacked*")] == ["attacked"]
