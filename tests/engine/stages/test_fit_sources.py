"""Fits on several sources, run: what a plugin gets, which images must differ, what a key holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from adversity import Classifier, Fitted, PostHoc, State
from adversity.data.arrays import read_arrays
from adversity.engine.public.open_stage import open_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

DATA = "".join(
    f"  {name}: {{uses: dataset/folder, with: {{path: data/{name}}}}}\n"
    for name in ("train", "test", "other", "held", "free")
).rstrip()


class Notes(Fitted, Classifier):
    """Write down the labels and brightness of every source."""

    name: ClassVar[str] = "notes"
    may_take: ClassVar[tuple[str, ...]] = ("validate", "more")

    def fit(self, data: Any, rng: Any) -> State:
        assert data.sources["train"] is data
        arrays = {}
        for name, source in data.sources.items():
            blocks = list(source)
            assert sum(len(block.ids) for block in blocks) == len(source)
            assert source.class_names == data.class_names
            arrays[f"{name}.targets"] = np.concatenate([b.targets.numpy() for b in blocks])
            means = [b.images.mean((1, 2, 3)).numpy() for b in blocks]
            arrays[f"{name}.means"] = np.concatenate(means)
        return State(arrays, {"names": list(data.class_names)})

    def load(self, state: State) -> None:
        pass

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b")

    def logits(self, images: Any) -> Any:
        return images.flatten(1)[:, :2]


class Sum(Fitted, PostHoc):
    """Learn how many rows each source of answers has."""

    name: ClassVar[str] = "sum"
    fits_on: ClassVar[str] = "logits"
    may_take: ClassVar[tuple[str, ...]] = ("validate",)

    def fit(self, data: Any, rng: Any) -> State:
        return State(
            {
                name: np.array([sum(len(block.logits) for block in rows), len(rows)])
                for name, rows in data.sources.items()
            }
        )

    def load(self, state: State) -> None:
        pass

    def calibrate(self, logits: Any) -> Any:
        return logits.softmax(1)


def opened(plan: Any, root: Path, out: Path, step: str) -> Any:
    return open_stage(plan, plan.stage(step), Workspace(root, out, out / "store"))


def fitted(plan: Any, root: Path, out: Path, *steps: str) -> dict[str, np.ndarray]:
    """Run steps; return the arrays that the last one found."""
    for step in steps:
        run = opened(plan, root, out, step)
        for shard in run.pending():
            run.run_shard(shard)
        run.finish(out / plan.stage(step).out)
    return read_arrays(next((out / plan.stage(steps[-1]).out / "states").iterdir()))[0]


def test_each_source_is_what_its_path_makes_of_it(
    doubles: Path, tmp_path: Path, plan_of: Any
) -> None:
    """A view counts for its own source alone: the root brightens uniform noise from 1/2 to 2/3."""
    steps = """
  dim: {uses: restoration/gamma_correction, from: other, with: {gamma: 0.5}}
  net: {uses: classifier/notes, fit_on: {validate: dim, train: train, more: held}}
  clean: {uses: net, from: free}"""
    arrays = fitted(plan_of(DATA, steps, Notes), doubles, tmp_path, "net")
    means = {name: arrays[f"{name}.means"] for name in ("train", "validate", "more")}
    assert {name: len(value) for name, value in means.items()} == {
        "train": 40,
        "validate": 20,
        "more": 110,
    }
    # 720 uniform pixels: three standard errors are 0.034.
    assert means["train"].mean() == pytest.approx(1 / 2, abs=0.034)
    assert means["validate"].mean() == pytest.approx(2 / 3, abs=0.034)
    assert means["more"].mean() == pytest.approx(1 / 2, abs=0.034)


def noise(folder: Path, seeds: range) -> None:
    """Write images of noise into a folder."""
    folder.mkdir(parents=True)
    for seed in seeds:
        pixels = np.random.default_rng(seed).integers(0, 256, (6, 6), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"n{seed}.png")


def test_classes_of_a_source_are_found_by_name(doubles: Path, tmp_path: Path, plan_of: Any) -> None:
    """A source with fewer classes is indexed as the first one; an unknown class is refused."""
    noise(doubles / "data/only_b/b", range(700, 705))
    noise(doubles / "data/odd/c", range(710, 715))
    steps = """
  net: {uses: classifier/notes, fit_on: {train: train, validate: only_b}}
  clean: {uses: net, from: free}"""
    data = DATA + "\n  only_b: {uses: dataset/folder, with: {path: data/only_b}}"
    arrays = fitted(plan_of(data, steps, Notes), doubles, tmp_path / "one", "net")
    assert arrays["validate.targets"].tolist() == [1] * 5
    odd = data.replace("path: data/only_b", "path: data/odd")
    with pytest.raises(DataError, match="fit_on: only_b: expected the classes of the first source"):
        fitted(plan_of(odd, steps, Notes), doubles, tmp_path / "two", "net")
    (doubles / "map.csv").write_text("from,to\nc,b\n", encoding="utf-8")
    mapped = odd.replace("path: data/odd}", "path: data/odd}, labels: map.csv")
    arrays = fitted(plan_of(mapped, steps, Notes), doubles, tmp_path / "three", "net")
    assert arrays["validate.targets"].tolist() == [1] * 5


SHARED = {
    "a source that trains": (
        "{train: held, more: train}",
        "clean would be judged on images that fitted net: 8 of",
    ),
    "a source that judges the fit": (
        "{train: held, validate: train}",
        "clean would be judged on images that fitted net: 8 of",
    ),
}


@pytest.mark.parametrize("case", SHARED)
def test_no_source_holds_what_is_judged(plan_of: Any, refusal: Any, case: str) -> None:
    """`test` holds 8 images of `train` under other names."""
    fit_on, expected = SHARED[case]
    steps = (
        f"\n  net: {{uses: classifier/notes, fit_on: {fit_on}}}\n  clean: {{uses: net, from: test}}"
    )
    assert expected in refusal(plan_of(DATA, steps, Notes))
    assert refusal(plan_of(DATA.replace("data/test", "data/free"), steps, Notes)) == ""


def test_what_validates_shares_nothing_with_what_trains(plan_of: Any, refusal: Any) -> None:
    """Validation accuracy on images that were learnt would flatter; two that train may overlap."""
    steps = """
  net: {uses: classifier/notes, fit_on: {train: train, KIND: test}}
  clean: {uses: net, from: free}"""
    said = refusal(plan_of(DATA, steps.replace("KIND", "validate"), Notes))
    assert "net would be judged on images that fitted net: 8 of the" in said
    assert refusal(plan_of(DATA, steps.replace("KIND", "more"), Notes)) == ""


def test_what_fitted_on_the_way_to_validation_counts(plan_of: Any, refusal: Any) -> None:
    """A network through which the validation images went may not have learnt from them."""
    steps = """
  eyes: {uses: classifier/notes, fit_on: {train: train}}
  seen: {uses: eyes, from: test}
  early: {uses: eyes, from: held}
  sure: {uses: uncertainty/sum, fit_on: {train: early, validate: seen}}
  clean: {uses: eyes, from: free}
  calm: {uses: sure, from: clean}"""
    said = refusal(plan_of(DATA, steps, Notes, Sum))
    assert "would be judged on images that fitted eyes: 8 of" in said


def test_answers_come_in_several_sources_too(doubles: Path, tmp_path: Path, plan_of: Any) -> None:
    """What is fitted on stored answers gets every table, of one network only."""
    steps = """
  net: {uses: classifier/notes, fit_on: train}
  rows: {uses: net, from: held}
  more: {uses: net, from: other}
  clean: {uses: net, from: free}
  sure: {uses: uncertainty/sum, fit_on: {train: rows, validate: more}}
  calm: {uses: sure, from: clean}"""
    plan = plan_of(DATA, steps, Notes, Sum)
    arrays = fitted(plan, doubles, tmp_path, "net", "rows", "more", "sure")
    assert {name: value.tolist() for name, value in arrays.items()} == {
        "train": [110, 110],
        "validate": [20, 20],
    }


def test_the_key_of_a_fit_holds_every_source(doubles: Path, tmp_path: Path, plan_of: Any) -> None:
    """Text and one named source are one key; another second source is another."""
    keys = []
    for fit_on in (
        "train",
        "{train: train}",
        "{train: train, more: other}",
        "{train: train, more: held}",
    ):
        steps = f"\n  net: {{uses: classifier/notes, fit_on: {fit_on}}}\n  clean: {{uses: net, from: free}}"
        run = opened(plan_of(DATA, steps, Notes), doubles, tmp_path, "net")
        keys.append(run.fits.key(run.shards[0].cell))
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
