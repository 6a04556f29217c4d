"""`classes: data`: the classes of the data set are left, one or several of the network's each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pytest
from toy_labels import run_all

from adversity import Classifier, Dataset, Sample
from adversity.data.reading import Source
from adversity.data.tables import read_table
from adversity.errors import DataError, PipelineError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch

NAMES = ("ant", "bee", "cat", "dog", "elk", "fox")


class Shades(Dataset):
    """Six columns of random brightness; of three classes, of two of several members, or strange."""

    name: ClassVar[str] = "shades"
    image_channels: ClassVar[tuple[int, ...] | None] = (1,)
    masked_when_published: ClassVar[bool] = True
    sort: Literal["some", "coarse", "strange", "typo"] = "some"

    @property
    def class_names(self) -> tuple[str, ...]:
        return {
            "some": ("fox", "bee", "dog"),
            "coarse": ("mammal", "insect"),
            "strange": ("fox", "bee", "newt"),
            "typo": ("mammal", "insect"),
        }[self.sort]

    @property
    def class_members(self) -> Mapping[str, tuple[str, ...]]:
        if self.sort == "coarse":
            return {"mammal": ("fox", "n00000003", "cat"), "insect": ("ant", "bee")}
        return {"mammal": ("foks",), "insect": ("ant",)} if self.sort == "typo" else {}

    def __len__(self) -> int:
        return 30

    def item(self, index: int) -> Sample:
        index = range(30)[index]
        image = np.random.default_rng(index).uniform(0.2, 0.8, (6, 6)).astype(np.float32)
        return Sample(image, index % len(self.class_names), f"s{index:02d}")


class Columns(Classifier):
    """Says the class of the brightest column."""

    name: ClassVar[str] = "columns"

    @property
    def class_names(self) -> tuple[str, ...]:
        return NAMES

    @property
    def synsets(self) -> tuple[str, ...]:
        return tuple(f"n0000000{i}" for i in range(6))

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        return 8 * images.mean((1, 2))


class Likely(Columns):
    """The same as probabilities."""

    name: ClassVar[str] = "likely"
    gives: ClassVar[Literal["logits", "probs", "labels"]] = "probs"

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        return (8 * images.mean((1, 2))).softmax(1)


STEPS = "whole: {uses: classifier/columns, from: photos}"
MASKED = "left: {uses: classifier/columns, from: photos, classes: data}"


def planned(root: Path, registry: Any, data: str, *steps: str) -> Any:
    """Return the plan of a file."""
    file = root / "pipelines/p.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = "\n  ".join(steps)
    file.write_text(
        f"name: p\ndata:\n  photos: {{uses: dataset/shades, with: {{sort: {data}}}}}\n"
        f"  more: {{uses: dataset/shades, with: {{sort: some}}}}\nsteps:\n  {lines}\n",
        encoding="utf-8",
    )
    return make_plan(load_pipeline(file, root=root), registry)


@pytest.fixture
def registry(registry_with: Any) -> Any:
    return registry_with(Shades, Columns, Likely)


def test_it_is_the_mask_that_names_the_classes(tmp_path: Path, registry: Any) -> None:
    """To the bit that of a list of them; and both accuracies are there."""
    named = "named: {uses: classifier/columns, from: photos, classes: [fox, bee, dog]}"
    folder, results, _ = run_all(tmp_path, planned(tmp_path, registry, "some", MASKED, named))
    left, other = (read_table(folder / step / "table.parquet") for step in ("left", "named"))
    assert left.keys() == other.keys()
    for name in left:
        np.testing.assert_array_equal(left[name], other[name])
    measures = results["left"].measures[""]
    assert measures["accuracy"].value > measures["accuracy_of_all"].value


def test_without_it_the_report_says_so(tmp_path: Path, registry: Any) -> None:
    """For data whose published results are masked, and a network of more classes."""
    _, results, _ = run_all(tmp_path, planned(tmp_path, registry, "some", STEPS, MASKED))
    words = "whole answers with 6 classes, and photos has 3: published results for it are over"
    assert any(words in note for note in results["whole"].notes)
    assert not any("published results" in note for note in results["left"].notes)


@pytest.mark.parametrize("network", ["columns", "likely"])
def test_any_member_counts(tmp_path: Path, registry: Any, network: str) -> None:
    """Brute force over six columns: right if the brightest of the five members is of the class.

    Over all classes an answer outside both classes, an elk, is wrong as well.
    """
    step = f"left: {{uses: classifier/{network}, from: photos, classes: data}}"
    attack = "few: {uses: attack/fgsm, from: photos, against: left, with: {eps: 0.1}}"
    folder, results, _ = run_all(tmp_path, planned(tmp_path, registry, "coarse", step, attack))
    rows = read_table(folder / "left/table.parquet")
    data = Shades(sort="coarse")
    means = np.stack([data.item(index).image.mean(0) for index in range(30)])
    coarse = np.array([1, 1, 0, 0, -1, 0])  # elk is none
    allowed = np.where(coarse >= 0, means, -1)
    target = np.arange(30) % 2
    np.testing.assert_array_equal(rows["target"], target)
    np.testing.assert_array_equal(rows["correct"], coarse[allowed.argmax(1)] == target)
    np.testing.assert_array_equal(rows["correct_of_all"], coarse[means.argmax(1)] == target)
    assert (rows["correct"] != rows["correct_of_all"]).any()
    assert any("with 2 made of 5 of 6 classes" in note for note in results["left"].notes)
    attacked = read_table(folder / "few/table.parquet")
    assert (attacked["start_correct"] == rows["correct"]).all()
    assert attacked["fooled"].any()
    if network == "likely":
        np.testing.assert_allclose(rows["probs"].sum(1), 1, rtol=1e-6)  # float32
    else:
        of = [np.exp(8 * means[:, coarse == at].max(1)) for at in (0, 1)]
        expected = np.maximum(*of) / sum(of)  # the softmax comes after the mask
        np.testing.assert_allclose(rows["confidence"], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("strange", r"expected classes of .*columns.*which has 6, got 'newt'"),
        ("typo", r"expected classes of .*columns.*which has 6, got 'foks'"),
    ],
)
def test_classes_that_the_network_lacks_are_refused(
    tmp_path: Path, registry: Any, data: str, words: str
) -> None:
    """Before any image is looked at."""
    with pytest.raises(DataError, match=words):
        run_all(tmp_path, planned(tmp_path, registry, data, MASKED))


def test_coarse_classes_need_it(tmp_path: Path, registry: Any) -> None:
    """Without it they are names that the network does not have, and the message says what helps."""
    with pytest.raises(DataError, match="`classes: data`"):
        run_all(tmp_path, planned(tmp_path, registry, "coarse", STEPS))


def test_masks_of_two_data_sets_are_two_masks(tmp_path: Path, registry: Any) -> None:
    """A calibrator that was fitted on answers of one is refused on those of the other."""
    steps = (
        "net: {uses: classifier/columns}",
        "a: {uses: net, from: photos, classes: data}",
        "b: {uses: net, from: more, classes: data}",
        "c: {uses: uncertainty/temperature_scaling, from: a, fit_on: b}",
    )
    with pytest.raises(PipelineError, match="is fitted on the answers of b, and used on others"):
        planned(tmp_path, registry, "coarse", *steps)


def test_other_members_are_other_data() -> None:
    """An edited mapping makes steps stale: it stands in the hash of the data, with labels or not."""
    one, other = (Source(Shades(sort=sort)) for sort in ("coarse", "typo"))
    assert one.class_names == other.class_names
    assert [row.content for row in one._rows] == [row.content for row in other._rows]
    assert one.content != other.content
    assert one.unlabelled_content != other.unlabelled_content
