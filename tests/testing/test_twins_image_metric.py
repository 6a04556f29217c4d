"""For each check of metrics of images, one that fails exactly that one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import pytest

from adversity import ImageMetric, MeasureInfo, NoReferenceMetric
from adversity.testing import check_plugin
from adversity.testing.kinds.metric.image_metric import ImageMetricBench, NoReferenceBench


class Gap(ImageMetric):
    """Mean absolute difference."""

    name: ClassVar[str] = "gap"
    produces: ClassVar[Mapping[str, MeasureInfo]] = {"gap": MeasureInfo(better="lower")}

    def measure(self, images: Any, reference: Any) -> Any:
        return (images - reference).abs().double().mean(dim=(1, 2, 3))

    def convention(self) -> dict[str, object]:
        return {"symmetric": True}


class Likeness(Gap):
    """One minus the same: higher is better; it does not say whether it is symmetric."""

    produces: ClassVar[Mapping[str, MeasureInfo]] = {"gap": MeasureInfo(better="higher")}

    def measure(self, images: Any, reference: Any) -> Any:
        return 1 - super().measure(images, reference)

    def convention(self) -> dict[str, object]:
        return {}


class NoText(Gap):
    """Its convention is no JSON."""

    def convention(self) -> dict[str, object]:
        return {"window": object()}


class NoSuchDirection(Gap):
    """Says that the least is best, in a word that nobody reads."""

    produces: ClassVar[Mapping[str, MeasureInfo]] = {"gap": MeasureInfo(better="min")}  # type: ignore[arg-type]


class LargerThanItSays(Gap):
    """Declares a range that strong noise leaves."""

    produces: ClassVar[Mapping[str, MeasureInfo]] = {"gap": MeasureInfo(0.0, 0.1, better="lower")}


class DislikesTwins(Gap):
    """Gives identical images a bad value."""

    def measure(self, images: Any, reference: Any) -> Any:
        found = super().measure(images, reference)
        return found.where(found > 0, 2.0)


class YesOrNo(Gap):
    """Says only whether there is a difference."""

    def measure(self, images: Any, reference: Any) -> Any:
        return (super().measure(images, reference) > 0).double()


class Lopsided(Gap):
    """Weighs by the reference and says that it is symmetric."""

    def measure(self, images: Any, reference: Any) -> Any:
        return ((images - reference).abs() * (0.5 + reference)).double().mean(dim=(1, 2, 3))


class NotThatSmall(Gap):
    """Cannot measure what is smaller than it says."""

    def measure(self, images: Any, reference: Any) -> Any:
        from torch.nn.functional import unfold

        return unfold((images - reference).abs(), 3).double().mean(dim=(1, 2))


class SmallerThanItSays(Gap):
    """Leaves a parameter out of the smallest side."""

    border: int = 3

    def smallest_side(self) -> int:
        return 3

    def measure(self, images: Any, reference: Any) -> Any:
        inside = slice(self.border, -self.border)
        cut = images[..., inside, inside], reference[..., inside, inside]
        if not cut[0].numel():
            raise ValueError("nothing is left")
        return super().measure(*cut)


class Roughness(NoReferenceMetric):
    """Mean step from one pixel to the next, of an image alone."""

    name: ClassVar[str] = "roughness"
    smallest: ClassVar[int] = 2
    produces: ClassVar[Mapping[str, MeasureInfo]] = {"roughness": MeasureInfo(better="lower")}

    def measure(self, images: Any) -> Any:
        return images.diff(dim=3).abs().double().mean(dim=(1, 2, 3))

    def convention(self) -> dict[str, object]:
        return {"direction": "along rows"}


class NoTextAlone(Roughness):
    """Its convention is no JSON."""

    def convention(self) -> dict[str, object]:
        return {"window": object()}


class LargerThanItSaysAlone(Roughness):
    """Declares a range that strong noise leaves."""

    produces: ClassVar[Mapping[str, MeasureInfo]] = {
        "roughness": MeasureInfo(0.0, 0.1, better="lower")
    }


class WrongWayAlone(Roughness):
    """Says that more of it is better."""

    produces: ClassVar[Mapping[str, MeasureInfo]] = {"roughness": MeasureInfo(better="higher")}


class NotThatSmallAlone(Roughness):
    """Cannot measure what is smaller than it says: NaN for one column."""

    smallest: ClassVar[int] = 1


class NothingToDivideBy(Roughness):
    """Holds the steps against the largest one, which a flat image has not."""

    def measure(self, images: Any) -> Any:
        return super().measure(images) / (images.diff(dim=3).abs().amax(dim=(1, 2, 3)) > 0).double()


NO_REFERENCE_TWINS = {
    "describes_itself": NoTextAlone,
    "in_range": LargerThanItSaysAlone,
    "stronger_is_worse": WrongWayAlone,
    "smallest_size": NotThatSmallAlone,
}
IMAGE_TWINS = {
    "describes_itself": NoText,
    "in_range": LargerThanItSays,
    "identical_is_best": DislikesTwins,
    "stronger_is_worse": YesOrNo,
    "symmetric_if_told": Lopsided,
    "smallest_size": NotThatSmall,
}


@pytest.mark.parametrize("plugin", [Gap, Likeness, Roughness])
def test_sound_metric_passes(plugin: Any) -> None:
    """A metric that keeps its promises fails nothing."""
    assert check_plugin(plugin).passed


@pytest.mark.parametrize("name", IMAGE_TWINS)
def test_twin_fails_exactly_one_check(name: str, failed: Callable[..., dict[str, str]]) -> None:
    """Breaking one promise fails the check of that promise and no other."""
    assert failed(IMAGE_TWINS[name]).keys() == {name}


@pytest.mark.parametrize("name", NO_REFERENCE_TWINS)
def test_twin_of_no_reference_fails_exactly_one_check(
    name: str, failed: Callable[..., dict[str, str]]
) -> None:
    """The same of metrics that see an image alone."""
    assert failed(NO_REFERENCE_TWINS[name]).keys() == {name}


def test_a_flat_image_without_noise_is_tried(failed: Callable[..., dict[str, str]]) -> None:
    """A metric that divides by what such an image lacks gives NaN for it alone."""
    found = failed(NothingToDivideBy)
    assert found.keys() == {"answers"}
    assert "without noise" in found["answers"]


def test_the_smallest_side_counts_parameters(failed: Callable[..., dict[str, str]]) -> None:
    """A metric whose `smallest_side` forgets a parameter fails that check and no other."""
    assert failed(SmallerThanItSays).keys() == {"smallest_size"}


def test_no_check_lacks_a_twin() -> None:
    """Each check of metrics of images has a twin that fails it."""
    assert {check.name for check in ImageMetricBench.checks} == set(IMAGE_TWINS)
    assert {check.name for check in NoReferenceBench.checks} == set(NO_REFERENCE_TWINS)


def test_a_direction_that_is_no_direction_fails(failed: Callable[..., dict[str, str]]) -> None:
    """Gates would treat it as having none, and let a worse value pass."""
    assert "got 'min'" in failed(NoSuchDirection)["describes_itself"]
