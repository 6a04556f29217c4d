"""Three doors, one result: the direct loop, `dvc repro`, and the step command by hand."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import yaml

from adversity_flows.steps.run_steps import conduct


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def tracked_results(project):
    return {part: files(project / part) for part in ("artifacts", "metrics")}


def start(fake, project, step, **environment):
    """Start the fake product in a child process."""
    return subprocess.Popen(
        [sys.executable, str(fake.SCRIPT), "pipelines/tiny.yaml", step],
        cwd=project,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(path, child, seconds=60):
    until = time.monotonic() + seconds
    while not path.exists():
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.fixture
def synced(project, fake):
    """The project with its dvc.yaml written."""
    from adversity_flows.dvc.sync import sync

    sync(project, [fake.fake_plan(project)])
    return project


def forget(project):
    """Take away all that a run left, DVC's memory included."""
    import shutil

    for name in ("artifacts", "metrics", ".adversity", ".dvc/cache"):
        shutil.rmtree(project / name, ignore_errors=True)
    (project / "dvc.lock").unlink()


@pytest.mark.slow
def test_the_direct_loop_and_dvc_repro_leave_the_same_bytes(synced, conductor, fake, dvc):
    """Outputs and dvc.lock are equal byte for byte, and `dvc status` is clean after each."""
    conduct(conductor(), workers=2)
    direct = tracked_results(synced), (synced / "dvc.lock").read_bytes()
    assert "up to date" in dvc("status").stdout
    assert "didn't change, skipping" in dvc("repro").stdout
    forget(synced)
    dvc("repro")
    by_dvc = tracked_results(synced), (synced / "dvc.lock").read_bytes()
    assert by_dvc == direct
    assert "up to date" in dvc("status").stdout
    assert {outcome.state for outcome in conduct(conductor())} == {"cached"}


@pytest.mark.slow
def test_branches_stand_in_the_lock_in_the_order_of_dvc(project, fake, dvc, conductor):
    """Where the order is free, DVC runs the graph its own way; dvc.lock is equal all the same."""
    from adversity_flows.dvc.sync import sync

    sync(project, [fake.fake_plan(project, extra=3)])
    conduct(conductor(extra=3))
    direct = (project / "dvc.lock").read_bytes()
    forget(project)
    dvc("repro", FAKE_EXTRA="3")
    assert (project / "dvc.lock").read_bytes() == direct


@pytest.mark.slow
def test_dvc_restores_from_the_run_cache_what_the_direct_loop_recorded(synced, conductor, dvc):
    """The direct loop also writes DVC's run cache, so that `dvc repro` does not run again."""
    conduct(conductor())
    before = tracked_results(synced)
    (synced / "dvc.lock").unlink()
    done = dvc("repro")
    assert done.stdout.count("is cached - skipping run") == 3
    assert tracked_results(synced) == before


@pytest.mark.slow
def test_dvc_repro_fails_when_an_input_changes_while_the_step_runs(synced, dvc):
    """The step's command exits non-zero and says what changed; dvc.lock gets no entry."""
    done = dvc("repro", "tiny-predictions", check=False, FAKE_EDIT_AT="predictions")
    assert done.returncode != 0
    assert "step predictions: inputs changed while it ran: data/photos changed" in done.stderr
    assert not (synced / "dvc.lock").exists()
    assert not (synced / "artifacts/tiny/predictions").exists()


@pytest.mark.slow
def test_dvc_repro_refuses_when_a_plugin_is_not_the_resolved_one(synced, dvc):
    """Resolved plugins that differ stop the command, with the way out."""
    path = synced / "pipelines/.resolved/tiny.yaml"
    path.write_text(path.read_text().replace("'1.2'", "'1.1'"))
    done = dvc("repro", "tiny-predictions", check=False)
    assert done.returncode != 0
    assert "plugin classifier/length: version 1.1 -> 1.2" in done.stderr
    assert "run `adversity sync`" in done.stderr


@pytest.mark.slow
def test_the_step_command_by_hand_records_one_step(synced, fake, dvc):
    """Without DVC around it, the command decides and records like a run of one step."""
    child = start(fake, synced, "predictions")
    assert child.wait(60) == 0, child.communicate()
    child.communicate()
    assert list(yaml.safe_load((synced / "dvc.lock").read_text())["stages"]) == ["tiny-predictions"]
    status = dvc("status", "tiny-predictions").stdout
    assert "up to date" in status


@pytest.mark.slow
def test_a_run_killed_in_a_step_leaves_the_old_result_and_goes_on(synced, conductor, fake, project):
    """After kill -9 in a shard: old artifact and lock whole, finished shards kept, run resumes."""
    conduct(conductor())
    old = tracked_results(synced), (synced / "dvc.lock").read_bytes()
    for index in range(3):
        path = project / f"data/photos/{index}.txt"
        path.write_text(path.read_text() + "!")
    child = start(fake, project, "run", FAKE_SLEEP_AT="predictions:2")
    wait_for(project / ".adversity/reached", child)
    child.send_signal(signal.SIGKILL)
    child.wait(60)
    child.communicate()
    assert (tracked_results(synced), (synced / "dvc.lock").read_bytes()) == old
    seen = []
    outcomes = conduct(
        conductor(hook=lambda run, shard: seen.append((run.stage.step, shard.index)))
    )
    assert seen[0] == ("predictions", 2)
    assert [step for step, _ in seen] == ["predictions", "attacked", "report"]
    assert [outcome.state for outcome in outcomes] == ["ran"] * 3


@pytest.mark.slow
def test_ctrl_c_leaves_finished_shards_and_nothing_half_written(synced, fake, project):
    """An interrupted run keeps its finished shards and records nothing of the step."""
    child = start(fake, project, "run", FAKE_SLEEP_AT="predictions:2", FAKE_SLEEP="2")
    wait_for(project / ".adversity/reached", child)
    child.send_signal(signal.SIGINT)
    child.wait(60)
    assert "KeyboardInterrupt" in child.communicate()[1]
    assert len(list((project / ".adversity/store").glob("predictions-*.json"))) >= 2
    assert not (project / "dvc.lock").exists()
    assert not list(project.glob("artifacts/tiny/*"))


@pytest.mark.slow
def test_another_process_at_the_same_step_is_named(synced, conductor, fake, project, dvc):
    """While one process runs a step, another run and `dvc repro` of it are refused with its PID."""
    from adversity.errors import RunError

    child = start(fake, project, "run", FAKE_SLEEP_AT="predictions:0")
    try:
        wait_for(project / ".adversity/reached", child)
        with pytest.raises(RunError, match=f"process {child.pid} "):
            conduct(conductor())
        assert f"(PID {child.pid})" in dvc("repro", "tiny-predictions", check=False).stderr
    finally:
        child.kill()
        child.wait(60)
        child.communicate()
    assert {outcome.state for outcome in conduct(conductor())} == {"ran"}


@pytest.mark.slow
def test_an_experiment_changes_a_parameter_and_reruns_only_what_depends_on_it(
    synced, conductor, project, dvc
):
    """`dvc exp run -S` on eps reruns attack and report; metrics show and diff see the numbers."""
    conduct(conductor())
    for arguments in (["add", "."], ["commit", "--quiet", "-m", "run"]):
        subprocess.run(["git", *arguments], cwd=project, check=True)
    done = dvc("exp", "run", "-S", "pipelines/tiny.yaml:steps.attacked.with.eps=2/255")
    assert "Stage 'tiny-predictions' didn't change" in done.stdout
    assert "Running stage 'tiny-attacked'" in done.stdout
    total = yaml.safe_load((project / "metrics/tiny/attacked.json").read_text())["total"]
    assert total == pytest.approx(6 + 3 * 2 / 255)
    shown = dvc("metrics", "show", "--json").stdout
    assert str(total) in shown
    difference = json.loads(dvc("metrics", "diff", "HEAD", "--json").stdout)
    change = difference["metrics/tiny/attacked.json"]["total"]
    assert change["diff"] == pytest.approx(-3 * 2 / 255)
    dvc("plots", "show", "--out", "drawn")
    assert "a curve of ours" in (project / "drawn/index.html").read_text()
    assert "# A comment that must survive." in (project / "pipelines/tiny.yaml").read_text()


@pytest.mark.slow
def test_a_corrupt_remote_object_is_not_checked_out(synced, conductor, project, dvc, tmp_path):
    """With `remote.verify`, `dvc pull` of a damaged object fails instead of giving wrong data."""
    conduct(conductor())
    dvc("remote", "add", "-d", "store", str(tmp_path / "remote"))
    dvc("config", "remote.store.verify", "true")
    dvc("push")
    right = (project / "metrics/tiny/attacked.json").read_bytes()
    md5 = next(
        out["md5"]
        for out in yaml.safe_load((project / "dvc.lock").read_text())["stages"]["tiny-attacked"][
            "outs"
        ]
        if out["path"].endswith(".json")
    )
    stored = tmp_path / "remote/files/md5" / md5[:2] / md5[2:]
    stored.chmod(0o644)
    stored.write_bytes(b"x" * len(right))
    for name in ("artifacts", "metrics", ".dvc/cache"):
        subprocess.run(["rm", "-rf", name], cwd=project, check=True)
    done = dvc("pull", check=False)
    assert done.returncode != 0
    assert not (project / "metrics/tiny/attacked.json").exists()
