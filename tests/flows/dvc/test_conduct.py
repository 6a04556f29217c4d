"""The direct door: what runs and why, what is recorded, what a failure leaves."""

from __future__ import annotations

import errno
import json
import shutil
import threading

import pytest
import yaml

from adversity.errors import (
    AdversityError,
    InputError,
    PluginError,
    RunError,
    StaleInputsError,
    StorageError,
)
from adversity_flows.conduct import conduct
from adversity_flows.ledger import Ledger
from adversity_flows.watch import Silent


def reasons(outcomes):
    return {outcome.step: (outcome.state, outcome.reason) for outcome in outcomes}


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def locked(project):
    path = project / "dvc.lock"
    return yaml.safe_load(path.read_text())["stages"] if path.exists() else {}


def test_a_first_run_runs_everything_and_a_second_nothing(conductor, project):
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


def test_a_changed_parameter_reruns_its_step_and_what_reads_it(conductor, project):
    """Another eps reruns attack and report, says so, and leaves the predictions alone."""
    conduct(conductor())
    edit(project / "pipelines/tiny.yaml", "4/255", "2/255")
    outcomes = reasons(conduct(conductor()))
    assert outcomes["predictions"] == ("cached", "unchanged")
    assert outcomes["attacked"] == ("ran", "steps.attacked.with.eps 4/255 -> 2/255")
    assert outcomes["report"] == ("ran", "artifacts/tiny/attacked changed")


def test_a_parameter_put_back_is_restored_and_not_computed(conductor, project):
    """Going back to an eps that ran before gives its bytes from the run cache, without a shard."""
    conduct(conductor())
    table = project / "artifacts/tiny/attacked/table.json"
    old, lock = table.read_bytes(), locked(project)
    edit(project / "pipelines/tiny.yaml", "4/255", "2/255")
    conduct(conductor())
    assert table.read_bytes() != old
    edit(project / "pipelines/tiny.yaml", "2/255", "4/255")

    def nothing_may_run(run, shard):
        raise PluginError(f"{run.stage.step} ran")

    outcomes = reasons(conduct(conductor(nothing_may_run)))
    assert outcomes["attacked"] == (
        "cached",
        "restored from an earlier run (steps.attacked.with.eps 2/255 -> 4/255)",
    )
    assert table.read_bytes() == old
    assert locked(project) == lock


@pytest.mark.parametrize("edits", [(), (("4/255", "2/255"), ("2/255", "4/255"))])
def test_unchanged_steps_are_decided_on_one_reading_of_the_project(
    conductor, project, monkeypatch, edits
):
    """A no-op reads DVC's index once; a restored step has it read again and passes as well."""
    from dvc.repo.index import Index

    conduct(conductor())
    lock = locked(project)
    for edited in edits:
        edit(project / "pipelines/tiny.yaml", *edited)
        if edited != edits[-1]:
            conduct(conductor())
    readings = []
    read = Index.from_repo
    monkeypatch.setattr(Index, "from_repo", lambda *given: readings.append(given) or read(*given))
    ledger = Ledger(conductor(), Silent())
    ledger.pass_unchanged()
    assert ledger.left == ()
    assert {outcome.state for outcome in ledger.conductor.outcomes} == {"cached"}
    assert len(readings) == 1 + bool(edits)  # again after the attack; the report is the last
    assert locked(project) == lock


def test_a_restore_never_gives_the_result_of_other_inputs(conductor, project):
    """Data that never ran are computed, though the old result lies in the cache."""
    conduct(conductor())
    (project / "data/photos/0.txt").write_text("four")
    assert reasons(conduct(conductor()))["predictions"] == ("ran", "data/photos changed")
    rows = json.loads((project / "artifacts/tiny/predictions/table.json").read_text())
    assert rows[0] == ["0.txt", 4]


def test_a_plugin_upgrade_reruns_exactly_its_step(conductor):
    """A new version of a step's plugin makes that step stale; equal results stop there."""
    conduct(conductor())
    outcomes = reasons(conduct(conductor(version="1.3")))
    assert outcomes["predictions"] == ("ran", "plugin classifier/length: version 1.2 -> 1.3")
    assert outcomes["attacked"] == ("cached", "unchanged")


def test_a_forced_step_runs_though_nothing_changed(conductor):
    """Force computes the named step anew, finished shards too, and only that step."""
    conduct(conductor())
    seen = []
    made = conductor(lambda run, shard: seen.append(run.stage.step), force=("attacked",))
    outcomes = reasons(conduct(made))
    assert seen == ["attacked"]
    assert outcomes["attacked"] == ("ran", "forced")
    assert outcomes["predictions"][0] == outcomes["report"][0] == "cached"


@pytest.mark.parametrize("path", ["artifacts/tiny/attacked", "metrics/tiny/attacked.json"])
def test_a_lost_output_is_restored(conductor, project, path):
    """A deleted artifact or metrics file comes back from DVC's cache."""
    conduct(conductor())
    target = project / path
    shutil.rmtree(target) if target.is_dir() else target.unlink()
    outcomes = reasons(conduct(conductor()))
    assert outcomes["attacked"] == (
        "cached",
        f"restored from an earlier run (output {path} missing)",
    )
    assert target.exists()


def test_an_output_edited_by_hand_is_replaced(conductor, project):
    """An artifact that is not what was recorded is put back, and the reason says so."""
    conduct(conductor())
    table = project / "artifacts/tiny/attacked/table.json"
    right = table.read_bytes()
    table.write_text("[]")
    assert "was changed by hand" in reasons(conduct(conductor()))["attacked"][1]
    assert table.read_bytes() == right


def test_an_input_edited_while_a_step_runs_is_refused(conductor, project):
    """The message names what changed, nothing is recorded, and the old artifact stays."""
    conduct(conductor())
    old = (project / "artifacts/tiny/predictions/table.json").read_bytes(), locked(project)

    def meddle(run, shard):
        (project / "data/photos/1.txt").write_text("meddled")

    with pytest.raises(StaleInputsError, match=r"step predictions: inputs changed .*data/photos"):
        conduct(conductor(meddle, force=("predictions",)))
    assert (project / "artifacts/tiny/predictions/table.json").read_bytes() == old[0]
    assert locked(project) == old[1]
    assert [path.name for path in (project / "artifacts/tiny").glob("predictions*")] == [
        "predictions"
    ]


def test_an_input_edited_after_the_last_check_is_not_recorded(conductor, project, monkeypatch):
    """The hashes that are written are the ones compared: no gap is left before the record."""
    made = conductor()
    record = made.memory.record

    def late_edit(stage, expected):
        (project / "data/photos/1.txt").write_text("late")
        return record(stage, expected)

    monkeypatch.setattr(made.memory, "record", late_edit)
    with pytest.raises(StaleInputsError, match="data/photos changed"):
        conduct(made)
    assert locked(project) == {}
    assert not list((project / ".dvc/cache").rglob("runs/*"))


def test_a_pipeline_edited_during_the_run_does_not_speak_for_it(conductor, project):
    """A later step whose parameter was edited meanwhile is refused, not computed with the old."""

    def meddle(run, shard):
        path = project / "pipelines/tiny.yaml"
        path.write_text(path.read_text().replace("4/255", "2/255"))

    with pytest.raises(StaleInputsError, match="eps 4/255 -> 2/255"):
        conduct(conductor(meddle))
    assert list(locked(project)) == ["tiny-predictions"]


def test_a_plan_that_is_not_what_the_file_says_is_refused(conductor):
    """Overrides that are not in the file are not recorded as if they were."""
    with pytest.raises(InputError, match="eps 4/255 -> 1/255"):
        conduct(conductor(overrides=("steps.attacked.with.eps=1/255",)))


def test_settings_of_the_run_are_no_part_of_the_plan(conductor):
    """Workers and retries may be overridden: they change no number and no key."""
    conduct(conductor())
    again = conduct(conductor(overrides=("run.workers=7", "run.retries=2")))
    assert {outcome.state for outcome in again} == {"cached"}


def test_a_failing_shard_is_named_and_the_others_are_kept(conductor, project):
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


def test_steps_before_a_failure_are_recorded_and_none_after_it_runs(conductor, project):
    """The loop stops at the first failure; what ran before it stays."""

    def fail(run, shard):
        if run.stage.step == "attacked":
            raise ValueError("surprise")

    made = conductor(fail)
    with pytest.raises(RunError, match="step attacked: ValueError: surprise"):
        conduct(made)
    assert [outcome.state for outcome in made.outcomes] == ["ran", "failed"]
    assert list(locked(project)) == ["tiny-predictions"]


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (OSError(errno.EIO, "Input/output error"), 3),
        (ConnectionError("reset"), 3),
        (OSError(errno.ENOSPC, "No space left on device"), 1),
        (PluginError("broken promise"), 1),
    ],
)
def test_only_failures_of_the_system_are_tried_again(
    conductor, project, monkeypatch, error, attempts
):
    """Errors that may pass are retried `run.retries` times; others fail at once."""
    monkeypatch.setattr("adversity_flows.shards._FIRST_PAUSE", 0.0)
    edit(project / "pipelines/tiny.yaml", "seed: 3", "seed: 3\nrun: {retries: 2}")
    tried = []

    def fail(run, shard):
        if shard.index == 0:
            tried.append(shard.index)
            raise error

    with pytest.raises(AdversityError):
        conduct(conductor(fail), workers=1)
    assert len(tried) == attempts


def test_a_full_disk_is_said_so_and_leaves_the_old_artifact(conductor, project, monkeypatch, fake):
    """Running out of space while finishing names the step and what to do, and records nothing."""
    conduct(conductor())
    lock = locked(project)

    def full(self, out, metrics):
        out.mkdir()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(fake.FakeRun, "finish", full)
    with pytest.raises(StorageError, match=r"step attacked: the disk is full.*make room"):
        conduct(conductor(force=("attacked",)))
    assert locked(project) == lock
    assert [path.name for path in (project / "artifacts/tiny").glob("attacked*")] == ["attacked"]


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
    from adversity_flows.conduct import Conductor

    workspace = fake.Workspace(project, tmp_path / "elsewhere", project / ".adversity/store")
    with pytest.raises(InputError, match=r"adversity\.run"):
        Conductor(fake.fake_plan(project), workspace, memory)


def test_leftovers_of_a_killed_process_are_put_right(conductor, project, dead_pid):
    """An artifact caught between two renames comes back whole; half-written ones go."""
    conduct(conductor())
    out = project / "artifacts/tiny/attacked"
    right = (out / "table.json").read_bytes()
    out.rename(out.with_name(f"attacked.old-{dead_pid}"))
    out.with_name(f"attacked.tmp-{dead_pid}").mkdir()
    outcomes = reasons(conduct(conductor()))
    assert outcomes["attacked"] == ("cached", "unchanged")
    assert (out / "table.json").read_bytes() == right
    assert [path.name for path in out.parent.glob("attacked*")] == ["attacked"]
