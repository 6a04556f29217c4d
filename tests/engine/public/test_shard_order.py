"""A shard as a value: it computes what the run would, and nothing with other code or another file."""

from __future__ import annotations

import errno
import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from adversity.engine.public.open_stage import open_stage
from adversity.engine.public.shard_order import (
    ShardAnswer,
    ShardOrder,
    plan_order,
    run_mark,
    worker_name,
)
from adversity.engine.public.shard_worker import compute
from adversity.engine.set_up.workspace import Workspace
from adversity.errors import InputError, PipelineError, RunError, StaleInputsError, StorageError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline
from adversity.registry import discover

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


@pytest.fixture
def tiny(tmp_path):
    """Return plan and workspace of a pipeline over five photographs."""
    from PIL import Image

    (tmp_path / "photos" / "grey").mkdir(parents=True)
    for number in range(5):
        Image.new("RGB", (20, 20), (number, 50, 99)).save(tmp_path / f"photos/grey/{number}.png")
    (tmp_path / "pipelines").mkdir()
    (tmp_path / FILE).write_text(PIPELINE)
    plan = make_plan(load_pipeline(Path(FILE), root=tmp_path), discover())
    mark = run_mark(tmp_path, "run")
    mark.parent.mkdir(parents=True)
    mark.write_text("run")
    return plan, Workspace.of(tmp_path)


@pytest.fixture
def order(tiny):
    """Return the order of the second shard of its step."""
    stage_run = open_stage(tiny[0], tiny[0].stage("quality"), tiny[1])
    shard = stage_run.shards[1]
    return ShardOrder(plan_order(*tiny, "run"), "quality", 1, shard.name, shard.cell.key)


def test_an_order_that_travelled_puts_the_shard_into_the_run_s_store(tiny, order):
    """After its copy is computed, that shard alone is no longer pending."""
    answer = compute(pickle.loads(pickle.dumps(order)))
    answer.raise_any()
    assert answer.worker == worker_name()
    stage_run = open_stage(tiny[0], tiny[0].stage("quality"), tiny[1])
    assert [shard.index for shard in stage_run.pending()] == [0, 2]


def test_other_code_computes_nothing(tiny, order):
    """A worker whose torch or plugin is not the run's says which, with both versions."""
    code = [(name, "0.0.1" if name == "torch" else value) for name, value in order.plan.code]
    with pytest.raises(InputError, match=r"torch is \S+ there and 0.0.1 here.*restart it"):
        compute(replace(order, plan=replace(order.plan, code=tuple(code)))).raise_any()
    code = [(name, "x" if name == "steps.dark" else value) for name, value in order.plan.code]
    with pytest.raises(InputError, match=r"steps.dark is adversity \S+ source \w+ there and x"):
        compute(replace(order, plan=replace(order.plan, code=tuple(code)))).raise_any()
    assert not tiny[1].store.exists()


def test_another_file_or_other_data_compute_nothing(tiny, order):
    """A file edited since, and a shard that is not there, are told apart from a fault of the code."""
    with pytest.raises(StaleInputsError, match="finds other data than the run"):
        compute(replace(order, index=9)).raise_any()
    path = tiny[0].root / FILE
    path.write_text(PIPELINE.replace("severity: 3", "severity: 4"))
    with pytest.raises(StaleInputsError, match=r"tiny.yaml was edited since the run began"):
        compute(replace(order, plan=replace(order.plan, device="cpu:0"))).raise_any()


def test_errors_arrive_as_they_were_with_what_caused_them():
    """Class, message and causes survive the way back: retries ask whether the system failed."""
    cause = OSError(errno.EIO, "a bad sector")
    error = StorageError("a shard cannot be written")
    answer = pickle.loads(pickle.dumps(ShardAnswer("w", 0.1, (error, cause))))
    with pytest.raises(StorageError, match="cannot be written") as caught:
        answer.raise_any()
    assert caught.value.__cause__.errno == errno.EIO
    with pytest.raises(PipelineError) as caught:
        pickle.loads(pickle.dumps(ShardAnswer("w", 0.1, (PipelineError(["a", "b"]),)))).raise_any()
    assert caught.value.findings == ("a", "b")


class StrangeError(Exception):
    """One that nobody else can import."""


def test_an_error_of_a_class_of_its_own_arrives_as_words(order, monkeypatch):
    """The run need not know the class that a plugin raised in a worker."""

    def fail(*_):
        raise StrangeError("of its own")

    monkeypatch.setattr("adversity.engine.public.shard_worker._desk.find", fail)
    with pytest.raises(RunError, match="StrangeError: of its own"):
        compute(order).raise_any()
