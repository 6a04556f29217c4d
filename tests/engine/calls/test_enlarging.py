"""A restoration that enlarges by a parameter: held to the factor that its instance gives."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch

from adversity import Classifier, Restoration
from adversity.engine.chain.links import Link
from adversity.engine.chain.target import ChainTarget
from adversity.errors import PluginError
from adversity.testing import check_plugin

IMAGES = torch.rand((2, 3, 6, 8), generator=torch.Generator().manual_seed(0))


class Repeats(Restoration):
    """Repeat every pixel."""

    name: ClassVar[str] = "repeats"
    differentiable: ClassVar[bool] = True
    factor: int = 3

    def enlarges(self) -> int:
        return self.factor

    def restore(self, images: Any, **needs: Any) -> Any:
        return images.repeat_interleave(self.factor, 2).repeat_interleave(self.factor, 3)


class Forgets(Repeats):
    """Say one factor and enlarge by another."""

    def enlarges(self) -> int:
        return 2


class Halves(Repeats):
    """Say that it enlarges by a half."""

    def enlarges(self) -> Any:
        return 1.5


class Raises(Repeats):
    """Fail when it is asked."""

    def enlarges(self) -> Any:
        raise ZeroDivisionError("no factor")


@pytest.mark.parametrize("factor", [1, 2, 5])
def test_one_class_enlarges_by_what_its_parameter_says(make_ready: Any, factor: int) -> None:
    """The core takes the instance's factor, not the class's `scale`."""
    call = make_ready(Repeats(factor=factor)).call
    larger = call(IMAGES)
    assert larger.shape == (2, 3, 6 * factor, 8 * factor)
    assert torch.equal(torch.nn.functional.avg_pool2d(larger.double(), factor), IMAGES.double())


def test_another_size_than_it_says_is_refused(make_ready: Any) -> None:
    """With the size that was expected; the same for what is no factor at all."""
    with pytest.raises(PluginError, match=r"expected shape \[1, 3, 12, 16\], got \[1, 3, 18, 24\]"):
        make_ready(Forgets()).call(IMAGES)
    with pytest.raises(PluginError, match=r"`enlarges` to give a whole number >= 1, got 1.5"):
        make_ready(Halves()).call(IMAGES)
    with pytest.raises(PluginError, match="raised ZeroDivisionError: no factor"):
        make_ready(Raises()).call(IMAGES)


def test_the_kit_holds_it_to_its_factor() -> None:
    """The sound one passes; who says another factor than it enlarges by answers no case."""
    assert check_plugin(Repeats, parameters={"factor": 4}).passed
    failures = check_plugin(Forgets, raises=False).failures
    assert [outcome.check for outcome in failures] == ["answers"]


def test_a_victim_takes_as_many_images_at_once_as_reach_its_classifier(make_ready: Any) -> None:
    """70 images of 6 x 8, 66 x 88 behind it: 16 at once, not the 64 of small images."""
    seen: list[int] = []

    class Counts(Repeats):
        """Write down how many come with a gradient."""

        block_rows: ClassVar[int] = 100

        def restore(self, images: Any, **needs: Any) -> Any:
            seen.append(len(images.unique(dim=0)))
            return super().restore(images)

    class Mean(Classifier):
        """Say how bright an image is."""

        name: ClassVar[str] = "mean"
        differentiable: ClassVar[bool] = True

        @property
        def class_names(self) -> tuple[str, ...]:
            return ("dark", "bright")

        def logits(self, images: Any) -> Any:
            mean = images.mean((1, 2, 3))
            return torch.stack([1 - mean, mean], 1)

    links = [Link("large", make_ready(Counts(factor=11))), Link("mean", make_ready(Mean()))]
    ids = tuple(map(str, range(70)))
    images = torch.rand((70, 3, 6, 8), generator=torch.Generator().manual_seed(0))
    ChainTarget(links, ids=ids).logits(images.requires_grad_())
    assert seen == [16, 16, 16, 16, 6]
