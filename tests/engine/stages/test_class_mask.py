"""`classes:`: an answer of some of a network's classes, beside that of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pytest
import torch
from scipy.special import softmax
from toy_labels import run_all

from adversity import Classifier, Dataset, Sample
from adversity.data.tables import read_table
from adversity.engine.stages.stored_images import StoredImages
from adversity.engine.summary.summarise import summarise
from adversity.errors import DataError, InputError, PipelineError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.plan.model import Cell
from adversity.pipeline.read.load import load_pipeline

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("ant", "bee", "cat", "dog", "elk", "fox")


class Spots(Dataset):
    """Noise images with a bright column for their class; of three classes, or of all."""

    name: ClassVar[str] = "spots"
    classes: int = 3
    seed: int = 0

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("fox", "bee", "dog", "ant", "cat", "elk")[: self.classes]

    def __len__(self) -> int:
        return 24

    def item(self, index: int) -> Sample:
        target = index % self.classes
        image = np.random.default_rng([index, self.seed]).uniform(0.2, 0.8, (6, 6))
        image[:, NAMES.index(self.class_names[target])] += 0.1
        return Sample(image.clip(0, 1).astype(np.float32), target, f"s{index:02d}")


class Columns(Classifier):
    """Says the class of the brightest column."""

    name: ClassVar[str] = "columns"
    differentiable: ClassVar[bool] = True
    steep: float = 8.0

    @property
    def class_names(self) -> tuple[str, ...]:
        return NAMES

    @property
    def synsets(self) -> tuple[str, ...]:
        return tuple(f"n0000000{i}" for i in range(6))

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        return self.steep * images.mean((1, 2))


class Likely(Columns):
    """The same as probabilities; ant, bee and cat never."""

    name: ClassVar[str] = "likely"
    gives: ClassVar[Literal["logits", "probs", "labels"]] = "probs"
    steep: float = 8.0

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        low = torch.tensor([0.0] * 3 + [1.0] * 3)
        probs = images.mean((1, 2)).softmax(1) * low
        return probs / probs.sum(1, keepdim=True)


TOYS: tuple[Any, ...] = (Spots, Columns, Likely)
MASK = "classes: [fox, n00000001, dog]"
INDEX = [1, 3, 5]
"""In the order of the network, whatever that of the mask."""
STEPS = f"""
  net: {{uses: classifier/columns}}
  whole: {{uses: net, from: photos}}
  left: {{uses: net, from: photos, {MASK}}}
  other: {{uses: net, from: more, {MASK}}}
  sure: {{uses: uncertainty/temperature_scaling, from: left, fit_on: other}}
  doubt: {{uses: uncertainty/entropy, from: left}}
  few: {{uses: attack/pgd, from: photos, against: left, with: {{eps: 0.02, steps: 5}}}}
  behind: {{uses: attack/fgsm, from: photos, against: sure, with: {{eps: 0.02}}}}
"""


def planned(root: Path, registry: Any, steps: str, photos: str = "") -> Any:
    """Return the plan of a file."""
    file = root / "pipelines/p.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    data = f"photos: {{uses: dataset/spots{photos}}}\n  more: {{uses: dataset/spots, with: {{seed: 1}}}}"
    file.write_text(f"name: p\ndata:\n  {data}\nsteps:{steps}", encoding="utf-8")
    return make_plan(load_pipeline(file, root=root), registry)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: Any, registry_with: Any) -> Any:
    """Predictions with and without a mask, and what stands behind them."""
    root = tmp_path_factory.mktemp("mask")
    plan = planned(root, registry_with(*TOYS), STEPS)
    return plan, *run_all(root, plan)


def test_the_answer_is_that_of_the_classes_that_are_left(finished: Any) -> None:
    """To the bit, by hand from the step without a mask; indices are those of the mask."""
    _, folder, results, _ = finished
    left, whole = (read_table(folder / step / "table.parquet") for step in ("left", "whole"))
    assert np.array_equal(left["logits"], whole["logits"][:, INDEX])
    assert np.array_equal(left["prediction"], left["logits"].argmax(1))
    names = [("bee", "dog", "fox")[at] for at in left["target"]]
    assert names == [NAMES[at] for at in whole["target"]]
    sure = softmax(left["logits"].astype(np.float64), 1).max(1)
    np.testing.assert_allclose(left["confidence"], sure, rtol=1e-12)  # the sum of a softmax
    assert any("left answers with 3 of 6 classes" in note for note in results["left"].notes)


def test_both_readings_are_stored_and_measured(finished: Any) -> None:
    """What the network says of all classes is what the step without a mask says."""
    _, folder, results, _ = finished
    left, whole = (read_table(folder / step / "table.parquet") for step in ("left", "whole"))
    for name in ("prediction", "correct", "confidence"):
        assert np.array_equal(left[f"{name}_of_all"], whole[name])
    of_all, own = (results["left"].measures[""][name] for name in ("accuracy_of_all", "accuracy"))
    assert of_all.value == results["whole"].measures[""]["accuracy"].value
    assert own.value > of_all.value  # fewer classes to be mistaken for
    assert "accuracy_of_all" not in results["whole"].measures[""]


def test_an_attack_is_judged_by_the_masked_answer(finished: Any) -> None:
    """Brute force: the network on the stored images, cut to the classes that are left."""
    _, folder, results, _ = finished
    for step in ("few", "behind"):
        rows = read_table(folder / step / "table.parquet")
        ids = rows["id"].tolist()
        images = StoredImages(folder / step, Cell()).read(ids)
        logits = Columns().logits(images).numpy()[:, INDEX]
        assert np.array_equal(rows["prediction"], logits.argmax(1))
        assert np.array_equal(
            rows["start_correct"], read_table(folder / "left/table.parquet")["correct"]
        )
        assert rows["fooled"].any()
    assert read_table(folder / "few/table.parquet")["logits"].shape[1] == 3
    assert (
        results["few"].measures[""]["robust_accuracy"].value
        < results["left"].measures[""]["accuracy"].value
    )


def test_what_stands_behind_it_reads_the_mask(finished: Any) -> None:
    """A score and a calibrator of three classes; the report has it all."""
    plan, folder, _, workspace = finished
    left, doubt = (read_table(folder / step / "table.parquet") for step in ("left", "doubt"))
    probs = softmax(left["logits"].astype(np.float64), 1)
    np.testing.assert_allclose(doubt["entropy"], -(probs * np.log(probs)).sum(1), rtol=1e-9)
    assert read_table(folder / "sure/table.parquet")["probs"].shape == (24, 3)
    assert summarise(plan, workspace)["left"].cells[0].measures["accuracy_of_all"].n == 24


def test_another_mask_is_another_step(finished: Any, tmp_path: Path, registry_with: Any) -> None:
    """It stands in the key of the step and of the attack on it, and in no other."""
    plan, *_ = finished
    wider = planned(tmp_path, registry_with(*TOYS), STEPS.replace("dog]", "dog, elk]"))
    for step, same in (("whole", True), ("left", False), ("few", False), ("behind", False)):
        of = [
            next(s for s in p.stages if s.step == step).params["pipelines/p.yaml"]
            for p in (plan, wider)
        ]
        assert of[0] == of[1]
        assert (plan.spec.steps[step].classes == wider.spec.steps[step].classes) is (
            same or step in ("few", "behind")
        )
        if step in ("few", "behind"):
            assert "steps.left" in of[0]


def test_probabilities_are_divided_by_their_sum(tmp_path: Path, registry_with: Any) -> None:
    """Of a classifier that gives probabilities; where they are all 0 nothing can be said."""
    steps = "\n  left: {uses: classifier/likely, from: photos, classes: [bee, dog, fox]}\n"
    folder, *_ = run_all(tmp_path, planned(tmp_path, registry_with(*TOYS), steps))
    probs = read_table(folder / "left/table.parquet")["probs"]
    np.testing.assert_allclose(probs.sum(1), 1, rtol=1e-6)  # float32
    assert (probs[:, 0] == 0).all()
    other = tmp_path / "other"
    steps = "\n  left: {uses: classifier/likely, from: photos, classes: [ant, bee]}\n"
    data = ", unknown: keep"
    with pytest.raises(InputError, match="the probability 0 for some image"):
        run_all(other, planned(other, registry_with(*TOYS), steps, data))


REFUSED = {
    "none": (
        "[fox, bee, dgo]",
        "",
        r"expected classes of .*columns.*which has 6, got 'dgo' \(did you mean dog\?\)",
    ),
    "twice": ("[fox, bee, n00000001, dog]", "", "'n00000001' is named twice|'bee' is named twice"),
    "lacking": (
        "[fox, bee]",
        "",
        "'dog'.*which classes: leaves of 6: name these classes there as well",
    ),
}


@pytest.mark.parametrize(("mask", "data", "words"), REFUSED.values(), ids=list(REFUSED))
def test_a_mask_that_does_not_fit_is_refused_first(
    tmp_path: Path, registry_with: Any, mask: str, data: str, words: str
) -> None:
    """Of the network or of the data, before any image is looked at; unknown classes may be kept."""
    steps = f"\n  left: {{uses: classifier/columns, from: photos, classes: {mask}}}\n"
    plan = planned(tmp_path, registry_with(*TOYS), steps, data)
    with pytest.raises(DataError, match=words):
        run_all(tmp_path, plan)
    assert not list((tmp_path / "store").rglob("*.parquet"))
    if "lacking" in str(tmp_path):
        kept = planned(tmp_path / "kept", registry_with(*TOYS), steps, ", unknown: keep")
        folder, results, _ = run_all(tmp_path / "kept", kept)
        rows = read_table(folder / "left/table.parquet")
        assert results["left"].measures[""]["accuracy"].n == 16
        assert (rows["target"] == -1).sum() == 8
        assert rows["correct_of_all"][rows["target"] == -1].any()


PLANS = {
    "defined": ("net: {uses: classifier/columns, classes: [fox, dog]}", "classes: needs from:"),
    "no classifier": (
        "x: {uses: degradation/gaussian_blur, from: photos, with: {severity: 1}, classes: [a, b]}",
        "classes: is for classifiers",
    ),
    "one": (
        "x: {uses: classifier/columns, from: photos, classes: [fox]}",
        "expected two classes or more",
    ),
    "calibrator": (
        "net: {uses: classifier/columns}\n  a: {uses: net, from: photos, classes: [fox, bee, dog]}\n  b: {uses: net, from: more}\n  c: {uses: uncertainty/temperature_scaling, from: a, fit_on: b}",
        "is fitted on the answers of b, and used on others",
    ),
}


@pytest.mark.parametrize(("steps", "words"), PLANS.values(), ids=list(PLANS))
def test_a_mask_is_refused_where_it_means_nothing(
    tmp_path: Path, registry_with: Any, steps: str, words: str
) -> None:
    """While planning, with the line."""
    with pytest.raises(PipelineError, match=words):
        planned(tmp_path, registry_with(*TOYS), f"\n  {steps}\n")
