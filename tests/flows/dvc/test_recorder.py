"""The contract with DVC: each call we make of its unofficial API does what we rely on."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading

import pytest
import yaml

from adversity.errors import DataError, InputError, RunError
from adversity_flows.dvc.recorder import DvcRecorder
from adversity_flows.dvc.sync import sync
from adversity_flows.steps.run_steps import conduct

# `dvc add` goes through a call that its library has deprecated; we do not make that call.
pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")


def add(project, path):
    """Do `dvc add` in-process."""
    from dvc.repo import Repo

    with Repo(str(project)) as repo:
        repo.add(str(project / path))


@pytest.fixture
def plan(project, fake):
    """The tiny plan, written to dvc.yaml."""
    plan = fake.fake_plan(project)
    sync(project, [plan])
    return plan


def test_a_stage_that_dvc_yaml_lacks_is_refused(project, memory, fake):
    """Without `adversity sync` there is nothing to decide on."""
    stage = fake.fake_plan(project).stages[0]
    with pytest.raises(InputError, match=r"tiny-predictions.*adversity sync"):
        memory.state(stage)


def test_a_missing_untracked_input_is_refused(project, memory, plan):
    """A dependency that nobody makes and that is not there is the user's to fix."""
    shutil.rmtree(project / "data/photos")
    with pytest.raises(InputError, match="data/photos"):
        memory.state(plan.stages[0])


@pytest.mark.parametrize(
    "how", ["edited", *(pytest.param(how, marks=pytest.mark.slow) for how in ("added", "deleted"))]
)
def test_tracked_data_that_changed_on_disk_are_refused(project, memory, conductor, plan, how):
    """After `dvc add`, a changed data set is refused with how to accept it, and never re-added."""
    add(project, "data/photos")
    conduct(conductor())
    version = (project / "data/photos.dvc").read_bytes()
    path = project / "data/photos/1.txt"
    if how == "edited":
        path.write_text("changed")
    elif how == "added":
        path.with_name("9.txt").write_text("new")
    else:
        path.unlink()
    with pytest.raises(DataError, match=r"dvc add data/photos.*dvc checkout data/photos.dvc"):
        conduct(conductor())
    assert (project / "data/photos.dvc").read_bytes() == version
    add(project, "data/photos")
    assert conduct(conductor())[0].reason == "data/photos changed"


def test_tracked_data_that_are_not_there_are_refused(project, memory, plan):
    """A data set that was never pulled is named with the command that gets it."""
    add(project, "data/photos")
    shutil.rmtree(project / "data/photos")
    with pytest.raises(DataError, match=r"dvc pull data/photos\.dvc"):
        memory.state(plan.stages[0])


def test_a_folder_around_tracked_data_is_guarded_too(project, memory, plan):
    """Tracking the parent folder protects a data set inside it."""
    add(project, "data")
    (project / "data/photos/1.txt").write_text("changed")
    with pytest.raises(DataError, match=r"data set data: .*dvc add data"):
        memory.state(plan.stages[0])


def test_hashes_see_files_and_parameters(project, memory, plan):
    """Two readings are equal until a file or a parameter changes; the change is named."""
    stage = plan.stages[0]
    before = memory.hashes(stage)
    assert before.changes(memory.hashes(stage)) == []
    (project / "data/photos/0.txt").write_text("x")
    path = project / "pipelines/tiny.yaml"
    path.write_text(path.read_text().replace("seed: 3", "seed: 4"))
    assert before.changes(memory.hashes(stage)) == ["data/photos changed", "seed 3 -> 4"]


def test_records_of_many_threads_all_land(project, memory, fake, tmp_path):
    """Eight threads record at once and every record stands in dvc.lock (DVC alone loses some)."""
    plan = fake.fake_plan(project, extra=8)
    sync(project, [plan])
    predictions = project / "artifacts/tiny/predictions"
    predictions.mkdir(parents=True)
    (predictions / "table.json").write_text("[]")
    others = [stage for stage in plan.stages if stage.step.startswith("other_")]
    for stage in others:
        (project / stage.out).mkdir(parents=True)
        (project / stage.out / "table.json").write_text("[]")
        (project / stage.metrics).parent.mkdir(parents=True, exist_ok=True)
        (project / stage.metrics).write_text("{}")
    threads = [
        threading.Thread(target=lambda s=stage: memory.record(s, memory.hashes(s)))
        for stage in others
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(yaml.safe_load((project / "dvc.lock").read_text())["stages"]) == {
        stage.name for stage in others
    }
    assert not any(memory.state(stage).stale for stage in others)


def test_the_current_folder_does_not_matter(project, conductor, monkeypatch, tmp_path):
    """Deciding, restoring and recording work from any folder, also one that disappears."""
    monkeypatch.chdir(tmp_path)
    conduct(conductor())
    (project / "dvc.lock").unlink()
    assert "restored" in conduct(conductor())[0].reason


def test_a_held_lock_names_the_process(project, memory, plan):
    """Another process that holds DVC's lock is named by its PID once patience is over."""
    code = (
        "import sys, time; from dvc.repo import Repo; repo = Repo(sys.argv[1])\n"
        "with repo.lock:\n    print('held', flush=True); sys.stdin.read()"
    )
    import sys

    child = subprocess.Popen(
        [sys.executable, "-c", code, str(project)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        with pytest.raises(RunError, match=f"process {child.pid} "):
            memory.state(plan.stages[0])
    finally:
        child.communicate("")
    assert memory.state(plan.stages[0]).stale


def test_a_reservation_of_a_killed_process_does_not_block(project, memory, plan, dead_pid):
    """An entry that a killed process left in DVC's rwlock is cleaned."""
    import json

    path = project / ".dvc/tmp/rwlock"
    entry = {"pid": dead_pid, "cmd": "adversity run"}
    path.write_text(json.dumps({"write": {str(project / plan.stages[0].out): entry}, "read": {}}))
    memory.reserve(plan.stages[0])
    memory.release(plan.stages[0].name)
    assert (
        json.loads(path.read_text()) == {"write": {}, "read": {}} or "write" not in path.read_text()
    )


@pytest.mark.usefixtures("conducted")
def test_recorded_gives_the_hashes_of_the_lock(project, memory, conductor, plan):
    """What provenance needs: path to hash, as dvc.lock says."""
    found = memory.recorded(plan.stages)
    stages = yaml.safe_load((project / "dvc.lock").read_text())["stages"].values()
    items = [item for stage in stages for item in [*stage["deps"], *stage["outs"]]]
    assert found == {item["path"]: item["md5"] for item in items}


@pytest.mark.usefixtures("conducted")
def test_artifacts_that_git_tracks_are_refused_with_the_way_out(project, conductor):
    """DVC cannot own what git owns; the run says so and does not end in a traceback."""
    subprocess.run(["git", "add", "--force", "artifacts/tiny/attacked"], cwd=project, check=True)
    with pytest.raises(InputError, match=r"files that git does not keep.*git rm -r --cached"):
        conduct(conductor(force=("attacked",)))


@pytest.mark.usefixtures("conducted")
def test_nothing_that_is_tracked_holds_this_machine(project, conductor):
    """dvc.lock, dvc.yaml and the resolved file hold no absolute path, host or PID."""
    names = ["dvc.lock", "pipelines/.resolved/tiny.yaml"]
    text = "".join((project / name).read_text() for name in names)
    text = "\n".join(line for line in text.splitlines() if "cmd:" not in line)
    assert str(project) not in text
    assert os.uname().nodename not in text


def test_data_that_a_stage_by_hand_makes_are_guarded(project, memory, fake, monkeypatch):
    """What a hand-written stage made is refused when it changed, with `dvc commit`."""
    from dvc.repo import Repo

    monkeypatch.chdir(project)
    text = "stages:\n  fetch:\n    cmd: mkdir -p data/photos && echo a > data/photos/a.txt\n"
    (project / "dvc.yaml").write_text(text + "    outs: [data/photos]\n")
    with Repo(str(project)) as repo:
        repo.reproduce("fetch")
    plan = fake.fake_plan(project)
    sync(project, [plan])
    assert memory.state(plan.stages[0]).stale
    (project / "data/photos/a.txt").write_text("changed")
    with pytest.raises(DataError, match=r"dvc commit fetch.*dvc checkout fetch"):
        memory.state(plan.stages[0])


def test_a_pipeline_named_data_has_steps_and_no_data_sets(project, memory, fake, conductor):
    """Its stage `data-attacked` is a step: an artifact changed by hand is made again."""
    path = project / "pipelines/data.yaml"
    path.write_text(fake.PIPELINE.replace("name: tiny", "name: data"))
    conduct(conductor(name="data"))
    (project / "artifacts/data/attacked/table.json").write_text("[]")
    assert {outcome.state for outcome in conduct(conductor(name="data"))} == {"cached"}


@pytest.mark.usefixtures("conducted")
def test_verify_hashes_what_size_and_time_hide(project, plan, conductor, fake):
    """An overwritten file with its old size and time is unchanged to DVC, and not to `verify`."""
    stage = next(stage for stage in plan.stages if "data/photos" in stage.deps)
    with DvcRecorder.open(project) as memory:
        assert not memory.state(stage).stale
    photo = project / "data/photos/1.txt"
    was = photo.stat()
    with photo.open("r+") as file:  # in place: the inode stays, too
        file.write("xx")
    os.utime(photo, ns=(was.st_atime_ns, was.st_mtime_ns))
    with DvcRecorder.open(project) as memory:
        assert not memory.state(stage).stale
    with DvcRecorder.open(project, verify=True) as memory:
        decision = memory.state(stage)
        assert (decision.stale, decision.reason) == (True, "data/photos changed")
    with DvcRecorder.open(project) as memory:  # what was found is known from now on
        assert memory.state(stage).stale
