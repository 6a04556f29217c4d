"""A worker that does not see the run's files gets them by content, and sends its shards back."""

from __future__ import annotations

import errno
import json
import os
import pickle
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from adversity.engine.public import mirror, shard_worker
from adversity.engine.public.open_stage import open_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.errors import InputError, RunError, StaleInputsError, StorageError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline
from adversity.registry import discover
from adversity_flows.dvc.remote_source import OpenSource, RemoteSource, remote_source
from adversity_flows.runners import worker
from adversity_flows.runners.orders import OrderRunner
from adversity_flows.runners.worker import fetch_and_compute

FILE = "pipelines/tiny.yaml"
PIPELINE = """\
name: tiny
data:
  photos: {uses: dataset/folder, with: {path: photos}}
steps:
  dark: {uses: degradation/gaussian_noise, from: photos, with: {severity: 3}}
  quality: {uses: metric/psnr, from: dark}
run: {shard_size: 2}
"""


class Apart(OrderRunner):
    """One worker, in this process; everything goes through bytes both ways."""

    def __init__(self):
        super().__init__()
        self.asked, self.given, self.left_out, self.warnings = 0, [], [], []

    def warn(self, text):
        self.warnings.append(text)

    def ask(self, order, *, at=None):
        self.asked += 1
        answer = self.compute(pickle.loads(pickle.dumps(order)))
        return pickle.loads(pickle.dumps(answer))

    compute = staticmethod(fetch_and_compute)

    def give(self, worker, blobs):
        self.given.append(len(blobs))
        mirror.keep_blobs(blobs)

    def exclude(self, worker, why):
        self.left_out.append(why)
        raise RunError("nobody is left")


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """A pipeline over five photographs; workers have a cache of their own and see nothing else."""
    from PIL import Image

    root = tmp_path / "project"
    (root / "photos" / "grey").mkdir(parents=True)
    for number in range(5):
        Image.new("RGB", (20, 20), (number, 50, 99)).save(root / f"photos/grey/{number}.png")
    (root / "pipelines").mkdir()
    (root / FILE).write_text(PIPELINE)
    monkeypatch.setattr(mirror, "user_cache", lambda: tmp_path / "cache")
    monkeypatch.setattr(shard_worker, "_sees", lambda order: False)
    monkeypatch.setattr(worker, "_refused", {})
    monkeypatch.setattr(shard_worker, "_desk", shard_worker._Desk())
    yield make_plan(load_pipeline(Path(FILE), root=root), discover())
    if shard_worker._desk._mirror:
        shard_worker._desk._mirror.remove()


def opened(plan, store="store"):
    """Return the measuring step, with a store of its own."""
    return open_stage(
        plan, plan.stage("quality"), Workspace(plan.root, plan.root, plan.root / store)
    )


def test_shards_from_afar_are_those_of_here(plan):
    """Where, what, files, the shard: four askings for the first, one for each that follows."""
    far, near = opened(plan), opened(plan, "beside")
    with Apart() as runner:
        for shard in far.shards:
            assert runner.run_shard(far, shard)
            near.run_shard(shard)
        assert runner.asked == 3 + len(far.shards)
        assert runner.given == [1, 6]  # the list; then five photographs and the file
    assert not far.pending()
    for shard in far.shards:
        key = far.cell_key(shard.cell)
        assert (
            far.store.path(key, shard.name).read_bytes()
            == near.store.path(key, shard.name).read_bytes()
        )


def test_what_is_damaged_in_a_worker_s_cache_is_sent_again(plan, tmp_path):
    """A blob that is not what its name says is never used."""
    far = opened(plan)
    with Apart() as runner:
        runner.run_shard(far, far.shards[0])
    for blob in (tmp_path / "cache" / "worker" / "blobs").rglob("*"):
        if blob.is_file():
            blob.unlink()
            blob.write_bytes(b"damaged")
    with Apart() as another:
        another.run_shard(far, far.shards[1])
        assert another.given == [1, 6]


def test_a_file_that_changes_while_it_is_sent_ends_the_run(plan):
    """What is sent is what was listed, or nothing."""
    far = opened(plan)
    (plan.root / "photos/grey/0.png").touch()
    with Apart() as runner:
        inputs = runner._described(far.plan, far.workspace)[1]
        inputs.listing("quality")
        (plan.root / "photos/grey/0.png").write_bytes(b"other")
        with pytest.raises(StaleInputsError, match="was changed while the run went on"):
            runner.run_shard(far, far.shards[0])


def test_a_listed_path_that_leads_out_of_the_project_is_refused(plan, tmp_path):
    """A list is from the network: it may not write elsewhere."""
    import hashlib
    import json

    shard_worker._desk._mirror = place = mirror.Mirror("abc")
    content = b"x"
    listing = json.dumps([["../../../out", hashlib.sha256(content).hexdigest(), 1, ""]]).encode()
    mirror.keep_blobs([content, listing])
    with pytest.raises(InputError, match="a path inside the project"):
        place.bring(hashlib.sha256(listing).hexdigest())


def test_a_worker_of_another_processor_is_left_out(plan):
    """Its last bits may differ: it computes nothing, and it is said which processor it has."""
    far = opened(plan)
    with Apart() as runner:
        runner.types = ("a processor that nobody has",)
        with pytest.raises(RunError, match="nobody is left"):
            runner.run_shard(far, far.shards[0])
        assert "and the run began with a processor that nobody has" in runner.left_out[0]
    shard_worker._desk._mirror = mirror.Mirror("abc")


@pytest.fixture
def remote(plan, tmp_path):
    """The project's photographs are tracked by DVC and pushed to a folder; returns that."""
    folder = tmp_path / "remote"
    commands = [
        ["git", "init", "--quiet"],
        ["dvc", "init", "--quiet"],
        ["dvc", "remote", "add", "--quiet", "--default", "store", str(folder)],
        ["dvc", "add", "--quiet", "photos"],
        ["dvc", "push", "--quiet"],
    ]
    for command in commands:
        subprocess.run(command, cwd=plan.root, check=True)
    return folder


def test_what_dvc_s_remote_has_is_not_sent_by_the_run(plan, remote):
    """Five photographs come from the remote; the run sends the list and the pipeline file."""
    far, near = opened(plan), opened(plan, "beside")
    with Apart() as runner:
        for shard in far.shards:
            runner.run_shard(far, shard)
            near.run_shard(shard)
        assert runner.given[0] == 1
        assert sum(runner.given) == 1 + len(rows(plan)) - 5
    for shard in far.shards:
        place = far.cell_key(shard.cell), shard.name
        assert far.store.path(*place).read_bytes() == near.store.path(*place).read_bytes()


def rows(plan):
    """Return what the list of the measuring step names."""
    with Apart() as runner:
        inputs = runner._described(plan, Workspace(plan.root, plan.root, plan.root / "store"))[1]
        return json.loads(inputs.read([inputs.listing("quality")])[0])


@pytest.mark.parametrize("how", ["damaged", "gone", "closed"])
def test_what_the_remote_does_not_give_whole_is_sent_by_the_run(plan, remote, how, monkeypatch):
    """Other bytes than the hash names are not used; a remote that is not there is asked once."""
    (lost, *_) = [file for file in remote.rglob("*") if file.is_file() and file.suffix != ".dir"]
    if how == "damaged":
        lost.chmod(0o644)
        lost.write_bytes(b"damaged")
    elif how == "gone":
        lost.unlink()
    else:
        asked = []
        monkeypatch.setattr(OpenSource, "read", lambda _, md5: asked.append(md5) or 1 / 0)
    far = opened(plan)
    with Apart() as runner:
        runner.run_shard(far, far.shards[0])
        lacking = len(rows(plan)) - (0 if how == "closed" else 4)
        assert sum(runner.given) == 1 + lacking
        assert [("ZeroDivisionError" in text) for text in runner.warnings] == [True] * (
            how == "closed"
        )
    if how == "closed":
        assert len(asked) <= 6  # five photographs and the file, once


def from_the_remote_alone(plan):
    """Return the plan as `run: {data_from: remote}` makes it."""
    run = plan.spec.run.model_copy(update={"data_from": "remote"})
    return replace(plan, spec=plan.spec.model_copy(update={"run": run}))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("gone", r"DVC's remote has not photos/grey/\d\.png as they are here; `dvc push`"),
        (
            "closed",
            r"DVC's remote gave it no data \(PermissionError: it is https://...@there\); give",
        ),
    ],
)
def test_data_that_are_to_come_from_the_remote_alone_are_not_sent(
    plan, remote, how, said, monkeypatch
):
    """The run ends with the worker and the reason, without a password; it has sent no data."""

    def closed(*_):
        raise PermissionError("it is https://me:hidden@there.\nand more")

    if how == "gone":
        next(
            file for file in remote.rglob("*") if file.is_file() and file.suffix != ".dir"
        ).unlink()
    else:
        monkeypatch.setattr(OpenSource, "read", closed)
    far = opened(from_the_remote_alone(plan))
    with Apart() as runner:
        with pytest.raises(RunError, match=said):
            runner.run_shard(far, far.shards[0])
        assert runner.given == [1]  # the list of files


def test_data_from_a_remote_want_one(plan):
    """Without a remote it is one message that says how to add one."""
    far = opened(from_the_remote_alone(plan))
    with Apart() as runner, pytest.raises(InputError, match="dvc remote add --default NAME"):
        runner.run_shard(far, far.shards[0])


def test_a_remote_with_a_secret_in_its_address_is_not_told(plan, remote):
    """A worker is told where, and brings its own secret; other options go along."""

    def modify(*words):
        subprocess.run(["dvc", "remote", "modify", "store", *words], cwd=plan.root, check=True)

    modify("url", "s3://bucket/there")
    modify("endpointurl", "http://127.0.0.1:9000")
    modify("--local", "secret_access_key", "hidden")
    found = remote_source(plan.root)
    assert found.url == "s3://bucket/there"
    assert found.options["endpointurl"] == "http://127.0.0.1:9000"
    assert "hidden" not in found.json
    assert RemoteSource.from_json(found.json) == found
    (plan.root / ".dvc" / "config.local").unlink()
    url = "https://me:hidden@example.org/there"
    subprocess.run(["dvc", "remote", "add", "-f", "-d", "store", url], cwd=plan.root, check=True)
    assert remote_source(plan.root) is None


def test_a_full_disk_of_a_worker_is_one_message_and_nothing_is_left(plan, monkeypatch, tmp_path):
    """The worker is named; no half file stays in its cache."""
    replace = Path.replace

    def full(self, target):
        if (tmp_path / "cache") not in self.parents:
            return replace(self, target)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    far = opened(plan)
    with Apart() as runner:
        with pytest.raises(StorageError, match=r"worker \S+: cannot write .*the disk is full"):
            runner.run_shard(far, far.shards[0])
        monkeypatch.undo()
        assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
