"""The direct door: what runs and why, and what is recorded."""

from __future__ import annotations

import json
import shutil
import threading

import pytest

from adversity.errors import InputError, PluginError, StorageError
from adversity_flows.steps.remaining_steps import Agenda
from adversity_flows.steps.run_steps import conduct
from adversity_flows.steps.watch import Silent


def test_a_first_run_runs_everything_and_a_second_nothing(conductor, project, reasons):
    """The first run computes each step because it never ran; the second finds all unchanged."""
    first = conduct(conductor(), workers=2)
    assert reasons(first) == dict.fromkeys(
        ["predictions", "attacked", "report"], ("ran", "never ran")
    )
    rows = json.loads((project / "artifacts/tiny/attacked/table.json").read_text())
    assert rows == [["0.txt", 1 + 4 / 255], ["1.txt", 2 + 4 / 255], ["2.txt", 3 + 4 / 255]]
    second = conduct(conductor())
    assert {outcome.reason for outcome in second} == {"unchanged"}
    assert {outcome.state for outcome in second} == {"cached"}


@pytest.mark.usefixtures("conducted")
def test_a_changed_parameter_reruns_its_step_and_what_reads_it(conductor, reasons, edit):
    """Another eps reruns attack and report, says so, and leaves the predictions alone."""
    edit("4/255", "2/255")
    outcomes = reasons(conduct(conductor()))
    assert outcomes["predictions"] == ("cached", "unchanged")
    assert outcomes["attacked"] == ("ran", "steps.attacked.with.eps 4/255 -> 2/255")
    assert outcomes["report"] == ("ran", "artifacts/tiny/attacked changed")


@pytest.mark.usefixtures("conducted")
def test_a_parameter_put_back_is_restored_and_not_computed(
    conductor, project, reasons, edit, locked
):
    """Going back to an eps that ran before gives its bytes from the run cache, without a shard."""
    table = project / "artifacts/tiny/attacked/table.json"
    old, lock = table.read_bytes(), locked()
    edit("4/255", "2/255")
    conduct(conductor())
    assert table.read_bytes() != old
    edit("2/255", "4/255")

    def nothing_may_run(run, shard):
        raise PluginError(f"{run.stage.step} ran")

    outcomes = reasons(conduct(conductor(nothing_may_run)))
    assert outcomes["attacked"] == (
        "cached",
        "restored from an earlier run (steps.attacked.with.eps 2/255 -> 4/255)",
    )
    assert table.read_bytes() == old
    assert locked() == lock


@pytest.mark.usefixtures("conducted")
def test_an_unchanged_artifact_that_cannot_be_proved_is_made_again(
    conductor, project, reasons, monkeypatch
):
    """A table whose bytes changed under DVC's eyes is computed again, and the run says why."""
    table = project / "artifacts/tiny/attacked/table.json"
    good = table.read_bytes()
    again = conductor()
    read = again._reader

    def reader(plan, stage, workspace):
        if stage.step == "attacked" and damaged:
            raise StorageError(f"{damaged.pop()} is damaged: expected a, got b; delete it")
        return read(plan, stage, workspace)

    damaged = [table]
    monkeypatch.setattr(again, "_reader", reader)
    outcomes = reasons(conduct(again))
    why = f"it is made again: {table} is damaged: expected a, got b"
    assert outcomes["attacked"] == ("ran", why)
    assert outcomes["predictions"] == outcomes["report"] == ("cached", "unchanged")
    assert table.read_bytes() == good


@pytest.mark.parametrize("door", ["direct", "agenda"])
def test_what_was_damaged_in_the_store_is_said_when_the_step_starts(conductor, monkeypatch, door):
    """Both doors add to the reason how many files were taken out of the store."""
    given_reasons = []

    class Told(Silent):
        def stage_started(self, stage, total, pending, reason):
            given_reasons.append(reason)

    one = conductor()
    opened = one.open

    def damaged(stage):
        stage_run = opened(stage)
        stage_run.damaged = ("00000.parquet", "00001.parquet")
        return stage_run

    monkeypatch.setattr(one, "open", damaged)
    if door == "direct":
        conduct(one, Told())
    else:
        Agenda(one, Told()).begin(one.plan.stages[0])
        one.abandon(one.plan.stages[0])
    assert (
        given_reasons[0] == "never ran; 2 files in the store damaged, taken out and computed again"
    )


@pytest.mark.parametrize(
    "edits", [(), pytest.param((("4/255", "2/255"), ("2/255", "4/255")), marks=pytest.mark.slow)]
)
def test_unchanged_steps_are_decided_on_one_reading_of_the_project(
    conductor, monkeypatch, edits, edit, locked
):
    """A no-op reads DVC's index once; a restored step has it read again and passes as well."""
    from dvc.repo.index import Index

    conduct(conductor())
    lock = locked()
    for edited in edits:
        edit(*edited)
        if edited != edits[-1]:
            conduct(conductor())
    readings = []
    read = Index.from_repo
    monkeypatch.setattr(Index, "from_repo", lambda *given: readings.append(given) or read(*given))
    agenda = Agenda(conductor(), Silent())
    agenda.pass_unchanged()
    assert agenda.left == ()
    assert {outcome.state for outcome in agenda.conductor.outcomes} == {"cached"}
    assert len(readings) == 1 + bool(edits)  # again after the attack; the report is the last
    assert locked() == lock


@pytest.mark.usefixtures("conducted")
def test_a_restore_never_gives_the_result_of_other_inputs(conductor, project, reasons):
    """Data that never ran are computed, though the old result lies in the cache."""
    (project / "data/photos/0.txt").write_text("four")
    assert reasons(conduct(conductor()))["predictions"] == ("ran", "data/photos changed")
    rows = json.loads((project / "artifacts/tiny/predictions/table.json").read_text())
    assert rows[0] == ["0.txt", 4]


@pytest.mark.usefixtures("conducted")
def test_a_plugin_upgrade_reruns_exactly_its_step(conductor, reasons):
    """A new version of a step's plugin makes that step stale; equal results stop there."""
    outcomes = reasons(conduct(conductor(version="1.3")))
    assert outcomes["predictions"] == ("ran", "plugin classifier/length: version 1.2 -> 1.3")
    assert outcomes["attacked"] == ("cached", "unchanged")


@pytest.mark.usefixtures("conducted")
def test_a_forced_step_runs_though_nothing_changed(conductor, reasons):
    """Force computes the named step anew, finished shards too, and only that step."""
    seen = []
    made = conductor(lambda run, shard: seen.append(run.stage.step), force=("attacked",))
    outcomes = reasons(conduct(made))
    assert seen == ["attacked"]
    assert outcomes["attacked"] == ("ran", "forced")
    assert outcomes["predictions"][0] == outcomes["report"][0] == "cached"


@pytest.mark.parametrize("path", ["artifacts/tiny/attacked", "metrics/tiny/attacked.json"])
@pytest.mark.usefixtures("conducted")
def test_a_lost_output_is_restored(conductor, project, path, reasons):
    """A deleted artifact or metrics file comes back from DVC's cache."""
    target = project / path
    shutil.rmtree(target) if target.is_dir() else target.unlink()
    outcomes = reasons(conduct(conductor()))
    assert outcomes["attacked"] == (
        "cached",
        f"restored from an earlier run (output {path} missing)",
    )
    assert target.exists()


@pytest.mark.usefixtures("conducted")
def test_an_output_edited_by_hand_is_replaced(conductor, project, reasons):
    """An artifact that is not what was recorded is put back, and the reason says so."""
    table = project / "artifacts/tiny/attacked/table.json"
    right = table.read_bytes()
    table.write_text("[]")
    assert "was changed by hand" in reasons(conduct(conductor()))["attacked"][1]
    assert table.read_bytes() == right


def test_a_plan_that_is_not_what_the_file_says_is_refused(conductor):
    """Overrides that are not in the file are not recorded as if they were."""
    with pytest.raises(InputError, match="eps 4/255 -> 1/255"):
        conduct(conductor(overrides=("steps.attacked.with.eps=1/255",)))


@pytest.mark.usefixtures("conducted")
def test_settings_of_the_run_are_no_part_of_the_plan(conductor):
    """Workers and retries may be overridden: they change no number and no key."""
    again = conduct(conductor(overrides=("run.workers=7", "run.retries=2")))
    assert {outcome.state for outcome in again} == {"cached"}


def test_shards_run_at_the_same_time(conductor):
    """With two workers two shards are at work together."""
    together = threading.Barrier(2, timeout=10)

    def meet(run, shard):
        if run.stage.step == "predictions" and shard.index < 2:
            together.wait()

    conduct(conductor(meet), workers=2)


def test_the_watcher_hears_everything_in_order(conductor):
    """A start with total, pending and reason, each shard, an end; only the end when cached."""
    heard = []

    class Listener:
        def stage_started(self, stage, total, pending, reason):
            heard.append(("start", stage.step, total, pending, reason))

        def shard_went_on(self, stage, shard, progress):
            heard.append(("went on", stage.step, shard.index))

        def shard_finished(self, stage, shard):
            heard.append(("shard", stage.step, shard.index))

        def stage_finished(self, stage, outcome, result):
            heard.append(("end", stage.step, outcome.state, result.rows))

    conduct(conductor(), Listener(), workers=1)
    assert heard[:5] == [
        ("start", "predictions", 3, 3, "never ran"),
        *[("shard", "predictions", index) for index in range(3)],
        ("end", "predictions", "ran", 3),
    ]
    heard.clear()
    conduct(conductor(), Listener())
    assert [event[0] for event in heard] == ["end"] * 3


def test_outputs_outside_the_project_are_refused(project, memory, fake, tmp_path):
    """DVC cannot record what lies elsewhere; the message names the call that does not record."""
    from adversity_flows.steps.run_steps import StepRecorder

    workspace = fake.Workspace(project, tmp_path / "elsewhere", project / ".adversity/store")
    with pytest.raises(InputError, match=r"adversity\.run"):
        StepRecorder(fake.fake_plan(project), workspace, memory)
