"""The kit tries a plugin on the channels it claims, and on no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from kit_subjects import Fade

from adversity.registry.claims import claim_faults
from adversity.shapes import channels_fault
from adversity.testing import check_plugin
from adversity.testing.inputs.images import image_cases

if TYPE_CHECKING:
    from collections.abc import Callable

    from adversity import Degradation


class AnyFade(Fade):
    """Takes contrast away, in any number of channels: sound."""

    image_channels: ClassVar[tuple[int, ...] | None] = None


class SevenFade(Fade):
    """The same, for seven bands alone: sound."""

    image_channels: ClassVar[tuple[int, ...] | None] = (7,)


class OnlyColours(Fade):
    """Claims any number, and keeps three of them."""

    image_channels: ClassVar[tuple[int, ...] | None] = None

    def degrade(self, images: Any, rng: Any) -> Any:
        return super().degrade(images[:, :3], rng)


def channels_tried(plugin: type[Degradation]) -> set[int]:
    return {case.rows["images"].shape[1] for case in image_cases(plugin.image_channels)}


@pytest.mark.parametrize(
    ("plugin", "tried"), [(Fade, {1, 3}), (AnyFade, {1, 3, 5}), (SevenFade, {7})]
)
def test_sound_plugins_pass_on_what_they_claim(plugin: Any, tried: set[int]) -> None:
    """Grey and colour unless they say otherwise; five channels for any number; else the claimed."""
    assert check_plugin(plugin).passed
    assert channels_tried(plugin) == tried


class GreyIfToned(Fade):
    """Takes colour, but grey alone where a parameter asks for it."""

    toned: bool = True

    def takes_channels(self) -> tuple[int, ...] | None:
        return (1,) if self.toned else self.image_channels

    def degrade(self, images: Any, rng: Any) -> Any:
        if self.toned and images.shape[1] != 1:
            raise ValueError("expected grey images")
        return super().degrade(images, rng)


def test_a_plugin_is_tried_on_what_its_parameters_take() -> None:
    """The engine asks `takes_channels()`, and so does the kit."""
    assert check_plugin(GreyIfToned).passed


def test_a_claim_that_does_not_hold_is_found(failed: Callable[..., dict[str, str]]) -> None:
    """Of any number of channels, five are tried: three of them come back."""
    faults = failed(OnlyColours)
    assert "images of 5 channels" in faults["answers"]
    assert faults.keys() == {"answers"}


@pytest.mark.parametrize(("claim", "words"), [((), "numbers of 1 or more"), ((0, 3), "1 or more")])
def test_claims_that_mean_nothing_are_refused(claim: tuple[int, ...], words: str) -> None:
    """No number at all, and no channel."""
    cls = type("Odd", (Fade,), {"__doc__": "Odd.", "image_channels": claim})
    assert any(words in fault for fault in claim_faults(cls))


def test_the_cases_of_grey_and_colour_are_what_they_were() -> None:
    """For plugins that claim nothing of their own nothing moves: names, order, sizes."""
    shapes = [tuple(case.rows["images"].shape) for case in image_cases()]
    assert shapes == [(5, 3, 40, 32), (3, 1, 33, 47), (2, 3, 64, 64), (3, 3, 32, 32)]
    assert channels_fault((3,), 1) == "takes images of 3 channels, got 1"
