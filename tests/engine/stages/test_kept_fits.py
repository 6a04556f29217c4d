"""Fits in the store: what their keys hold, and what of them is computed once."""

from __future__ import annotations

import shutil
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
from PIL import Image

import adversity
from adversity import Fitted, PostHoc, Restoration, State
from adversity.data.arrays import read_arrays
from adversity.engine.public.open_stage import open_stage
from adversity.engine.public.run import compute_stage
from adversity.engine.set_up.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

DATA = """  train: {uses: dataset/folder, with: {path: data/train}}
  held: {uses: dataset/folder, with: {path: data/held}}
  other: {uses: dataset/folder, with: {path: data/other}}"""
CELLS = """
  noisy: {uses: degradation/gaussian_noise, from: held, with: {severity: $severity}}
  net: {uses: classifier/logistic_regression, fit_on: train}
  noisy_answers: {uses: net, from: noisy}
  scaler: {uses: uncertainty/temperature_scaling, fit_on: noisy_answers}
  noisy_others: {uses: degradation/gaussian_noise, from: other, with: {severity: $severity}}
  answers: {uses: net, from: noisy_others}
  sure: {uses: scaler, from: answers}
  alone: {uses: uncertainty/temperature_scaling, from: answers, fit_on: noisy_answers}
matrix: {severity: [1, 5]}
"""


def test_each_cell_has_a_fit_of_its_own(doubles: Path, tmp_path: Path, plan_of: Any) -> None:
    """The rows of all cells stand in one file: what is fitted on one of them is of that cell."""
    plan_of(DATA, CELLS)
    adversity.run(doubles / "pipelines/p.yaml", into=tmp_path, root=doubles)
    states = {
        step: [
            read_arrays(tmp_path / f"artifacts/p/{step}/states/severity={severity}.safetensors")[0]
            for severity in (1, 5)
        ]
        for step in ("scaler", "alone")
    }
    for first, second in states.values():
        assert first["temperature"] != second["temperature"]
    assert states["scaler"] == states["alone"]


class Adapts(Restoration, Fitted):
    """Learn the mean of what it restores."""

    name: ClassVar[str] = "adapts"
    fit_sources: ClassVar[tuple[str, ...]] = ("unlabelled",)

    def fit(self, data: Any, rng: Any) -> State:
        return State({"means": np.concatenate([b.images.mean((1, 2, 3)).numpy() for b in data])})

    def load(self, state: State) -> None:
        pass

    def restore(self, images: Any, **needs: Any) -> Any:
        return images.clone()


class Counts(PostHoc, Fitted):
    """Count how often it was fitted, and learn nothing."""

    name: ClassVar[str] = "counts"
    fits_on: ClassVar[str] = "logits"
    fits: ClassVar[list[int]] = []

    def fit(self, data: Any, rng: Any) -> State:
        self.fits.append(len(data))
        return State({"n": np.array([len(data)])})

    def load(self, state: State) -> None:
        pass

    def calibrate(self, logits: Any) -> Any:
        return logits.softmax(1)


class Resumes(Counts):
    """Add up draws, and be interrupted once after the third."""

    name: ClassVar[str] = "resumes"
    ends_at: ClassVar[list[int]] = [99]

    def fit(self, data: Any, rng: Any) -> State:
        kept = data.watch.resume()
        total = np.zeros(2) if kept is None else kept.arrays["total"]
        for epoch in range(1 + int(total[1]), 6):
            self.fits.append(epoch)
            total = total + np.array([rng.normal(), 1])
            data.watch.row(epoch)
            data.watch.save(partial(State, {"total": total}))
            if epoch == self.ends_at[0]:
                raise KeyboardInterrupt
        return State({"total": total})


LISTED = """  train: {uses: dataset/folder, with: {path: data/train}}
  held: {uses: dataset/folder, with: {path: data/held}}
  listed: {uses: dataset/folder, with: {path: data/listed, labels: labels.csv}}
  free: {uses: dataset/folder, with: {path: data/free}}"""
SHIFTED = """
  adapts: {uses: restoration/adapts, fit_on: listed}
  lit: {uses: adapts, from: free}
  net: {uses: classifier/logistic_regression, fit_on: train}
  lit_answers: {uses: net, from: lit}
  held_answers: {uses: net, from: held}
  listed_answers: {uses: net, from: listed}
  answers: {uses: net, from: free}
  shift: {uses: uncertainty/label_shift, fit_on: {train: held_answers, unlabelled: listed_answers}}
  shifted: {uses: shift, from: answers}
  here: {uses: uncertainty/label_shift, from: listed_answers, fit_on: {train: held_answers, unlabelled: listed_answers}}
"""
FITTED = ("adapts", "shift", "here")


@pytest.fixture
def listed(doubles: Path) -> Any:
    """A function that writes a data set whose labels stand in a file."""
    folder = doubles / "data/listed"

    def write(labels: str = "abababababab", first: int = 500, camera: str = "x") -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        lines = ["file,label,group,camera"]
        for number, label in enumerate(labels):
            pixels = np.random.default_rng(first + number).integers(0, 256, (6, 6), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{number:02d}.png")
            lines.append(f"{number:02d}.png,{label},g{camera}{number},{camera}")
        (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    yield write
    shutil.rmtree(folder, ignore_errors=True)


def ran(plan: Any, root: Path, out: Path) -> dict[str, tuple[str, bytes]]:
    """Run all stages; return the key and the bytes of each fit."""
    workspace = Workspace(root, out, out / "store")
    for stage in plan.stages[:-1]:
        shutil.rmtree(out / stage.out, ignore_errors=True)
        compute_stage(plan, stage.step, workspace, 1)
    found = {}
    for step in FITTED:
        run: Any = open_stage(plan, plan.stage(step), workspace)
        state = out / plan.stage(step).out / "states/all.safetensors"
        found[step] = run.fits.key(plan.steps[step].cells[0]), state.read_bytes()
    return found


def test_labels_of_a_source_without_them_are_in_no_key(
    doubles: Path, tmp_path: Path, plan_of: Any, listed: Any
) -> None:
    """Other labels, groups and attributes: the same keys and bytes; other images: others."""
    listed()
    plan = plan_of(LISTED, SHIFTED, Adapts)
    first = ran(plan, doubles, tmp_path)
    listed("baabbabaabba", camera="y")
    assert ran(plan_of(LISTED, SHIFTED, Adapts), doubles, tmp_path) == first
    listed(first=900)
    other = ran(plan_of(LISTED, SHIFTED, Adapts), doubles, tmp_path)
    for step in FITTED:
        assert first[step][0] != other[step][0]
        assert first[step][1] != other[step][1]


def test_labels_of_another_source_are_in_the_key(
    doubles: Path, tmp_path: Path, plan_of: Any, listed: Any
) -> None:
    """With the sources changed about, each label counts: the fit hangs on it."""
    listed()
    there = "{train: held_answers, unlabelled: listed_answers}"
    turned = "{train: listed_answers, unlabelled: held_answers}"
    steps = SHIFTED[: SHIFTED.index("  here:")].replace(there, turned)

    def key() -> str:
        plan = plan_of(LISTED, steps, Adapts)
        workspace = Workspace(doubles, tmp_path, tmp_path / "store")
        for name in ("net", "held_answers", "listed_answers"):
            shutil.rmtree(tmp_path / plan.stage(name).out, ignore_errors=True)
            compute_stage(plan, name, workspace, 1)
        run: Any = open_stage(plan, plan.stage("shift"), workspace)
        return run.fits.key(plan.steps["shift"].cells[0])  # type: ignore[no-any-return]

    before = key()
    listed("baabbabaabba")
    assert key() != before


def test_a_step_is_fitted_once_and_again_when_forced(
    doubles: Path, tmp_path: Path, plan_of: Any
) -> None:
    """What was fitted for one shard is there for the next, in another process, too."""
    steps = """
  net: {uses: classifier/logistic_regression, fit_on: train}
  held_answers: {uses: net, from: held}
  answers: {uses: net, from: other}
  sure: {uses: uncertainty/counts, from: answers, fit_on: held_answers}
run: {shard_size: 5}"""
    plan, Counts.fits[:] = plan_of(DATA, steps, Counts), []
    workspace = Workspace(doubles, tmp_path, tmp_path / "store")
    for name in ("net", "held_answers", "answers"):
        compute_stage(plan, name, workspace, 1)
    for number in range(4):
        run = open_stage(plan, plan.stage("sure"), workspace)  # as a worker opens it
        run.run_shard(run.shards[number])
    assert Counts.fits == [110]
    open_stage(plan, plan.stage("sure"), workspace).finish(tmp_path / plan.stage("sure").out)
    assert Counts.fits == [110]
    run = open_stage(plan, plan.stage("sure"), workspace)
    for wave in run.waves(force=True):
        for shard in wave:
            run.run_shard(shard)
    assert Counts.fits == [110, 110]


def test_an_interrupted_calibrator_goes_on(doubles: Path, tmp_path: Path, plan_of: Any) -> None:
    """In the step that uses it: no epoch is done twice, and the state is that of an undisturbed fit."""
    steps = """
  net: {uses: classifier/logistic_regression, fit_on: train}
  held_answers: {uses: net, from: held}
  answers: {uses: net, from: other}
  sure: {uses: uncertainty/resumes, from: answers, fit_on: held_answers}
run: {checkpoint_s: 0}"""
    plan, states = plan_of(DATA, steps, Resumes), []
    for folder, ends_at in (("whole", 99), ("cut", 3)):
        out, Resumes.ends_at[:], Counts.fits[:] = tmp_path / folder, [ends_at], []
        workspace = Workspace(doubles, out, out / "store")
        for name in ("net", "held_answers", "answers"):
            compute_stage(plan, name, workspace, 1)
        if ends_at == 3:
            with pytest.raises(KeyboardInterrupt):
                compute_stage(plan, "sure", workspace, 1)
            Resumes.ends_at[:] = [99]
        compute_stage(plan, "sure", workspace, 1)
        assert Counts.fits == [1, 2, 3, 4, 5]
        states.append((out / plan.stage("sure").out / "states/all.safetensors").read_bytes())
        assert not list((out / "store").rglob("checkpoint.safetensors"))
    assert states[0] == states[1]
