"""What is random on the way of a fit, drawn anew in each epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

import adversity
from adversity.data.arrays import read_arrays
from adversity.engine.public.open_stage import open_stage
from adversity.engine.set_up.toolbox import toolbox_of
from adversity.engine.set_up.workspace import Workspace
from adversity.engine.stages.streamed_images import StreamedImages
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.plan.model import Cell
from adversity.pipeline.read.load import load_pipeline
from adversity.registry import discover
from adversity.seeding import SampleRng
from adversity_plugins.degradation.noise.gaussian_noise import GaussianNoise

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.pipeline.plan.model import Plan

STEPS = """name: p
data:
  train: {{uses: dataset/folder, with: {{path: data/train}}}}
  free: {{uses: dataset/folder, with: {{path: data/free}}}}
steps:
  soft: {{uses: degradation/gaussian_blur, from: train, with: {{severity: 2}}}}
  noisy: {{uses: degradation/gaussian_noise, from: train, with: {{severity: 3}}}}
  net: {{uses: classifier/small_cnn, fit_on: {on}, with: {{epochs: 2, width: 2, redraw: {redraw}}}}}
  clean: {{uses: net, from: free}}
"""


def planned(root: Path, on: str = "noisy", redraw: str = "true") -> Plan:
    file = root / "pipelines/p.yaml"
    file.write_text(STEPS.format(on=on, redraw=redraw), encoding="utf-8")
    return make_plan(load_pipeline(file, root=root), discover())


def streamed(plan: Plan, root: Path, out: Path, on: str = "noisy") -> StreamedImages:
    toolbox = toolbox_of(plan, Workspace(root, out, out / "store"))
    return StreamedImages(toolbox, plan.steps["net"], Cell(), on, None)


def images(blocks: Any) -> torch.Tensor:
    return torch.cat([block.images for block in blocks])


def test_an_epoch_draws_by_its_number_and_the_sample(doubles: Path, tmp_path: Path) -> None:
    """As the degradation alone gives them, an image at a time; 0 is what everybody else sees."""
    stream = streamed(planned(doubles), doubles, tmp_path)
    ids = [name for block in stream for name in block.ids]
    clean = torch.cat([block.references for block in stream if block.references is not None])
    noise = GaussianNoise(severity=3)
    noise.setup("cpu")
    for epoch in (0, 1, 7):
        blocks = list(stream.epoch(epoch))
        assert [name for block in blocks for name in block.ids] == ids
        for row, name in enumerate(ids):
            rng = SampleRng(seed=0, step="noisy", ids=[name])
            drawn = rng.child(("epoch", epoch)) if epoch else rng
            alone = noise.degrade(clean[row : row + 1], drawn)
            assert torch.equal(images(blocks)[row], alone.images[0])
    assert torch.equal(images(stream), images(stream.epoch(0)))


def test_epochs_have_nothing_in_common(doubles: Path, tmp_path: Path) -> None:
    """The noise of two epochs is as correlated as chance has it: five standard errors at most."""
    stream = streamed(planned(doubles), doubles, tmp_path)
    clean = torch.cat([block.references for block in stream if block.references is not None])
    inside = (clean > 0.35) & (clean < 0.65)  # where hardly anything is clipped
    first, second = ((images(stream.epoch(e)) - clean)[inside].numpy() for e in (1, 2))
    assert first.std() > 0.05
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / np.sqrt(first.size)


def test_what_draws_nothing_is_the_same_in_all_epochs(doubles: Path, tmp_path: Path) -> None:
    """A step without chance, and images that go through none."""
    plan = planned(doubles)
    for on in ("soft", "train"):
        stream = streamed(plan, doubles, tmp_path, on)
        assert torch.equal(images(stream), images(stream.epoch(3)))


def weights(root: Path, out: Path, on: str, redraw: str) -> dict[str, bytes]:
    plan = planned(root, on, redraw)
    run = open_stage(plan, plan.stage("net"), Workspace(root, out, out / "store"))
    (shard,) = run.pending()
    run.run_shard(shard)
    run.finish(out / "net")
    arrays, info = read_arrays(out / "net/states/all.safetensors")
    return {name: value.tobytes() for name, value in arrays.items()} | {"": repr(info).encode()}


@pytest.mark.parametrize(("on", "same"), [("noisy", False), ("soft", True)])
def test_the_network_learns_from_other_draws(
    doubles: Path, tmp_path: Path, on: str, same: bool
) -> None:
    """Where there is something to draw; else every byte is as without, though computed again."""
    with_draws = weights(doubles, tmp_path / "with", on, "true")
    without = weights(doubles, tmp_path / "without", on, "false")
    assert (with_draws == without) is same


def test_from_python_rows_are_as_given() -> None:
    """Tensors are drawn by nobody: redrawn or not, the network is the same."""
    rows = torch.rand(24, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    labels = [0, 1] * 12
    nets = [
        adversity.create("classifier", "small_cnn", epochs=2, width=2, redraw=redraw).fit(
            rows, labels
        )
        for redraw in (False, True)
    ]
    assert torch.equal(*(net(rows) for net in nets))
