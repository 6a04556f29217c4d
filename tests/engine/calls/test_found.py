"""What a restoration finds: with its images, named after its step, read by later ones, traced."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from adversity import Degradation, Plugin, Restoration, Restored, SampleRng
from adversity.engine.calls.set_up import set_up
from adversity.engine.public.create import DegradationCall, RestorationCall
from adversity.errors import PluginError

IMAGES = torch.rand((3, 3, 6, 8), generator=torch.Generator().manual_seed(0))


def rng(step: str, count: int = 3) -> SampleRng:
    return SampleRng(seed=0, step=step, ids=tuple("abc"[:count]))


class Stretches(Restoration):
    """Divide by the largest value of each image, and give back what it was, with a kernel."""

    name: ClassVar[str] = "stretches"
    differentiable: ClassVar[bool] = True

    def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> Restored:
        top = images.detach().amax(dim=(1, 2, 3))
        size = 3 if float(images.detach().mean()) > float(IMAGES.mean()) else 5
        kernel = torch.full((len(images), 1, size, size), 1 / size**2)
        return Restored(images / top.reshape(-1, 1, 1, 1), {"gain": top, "kernel": kernel})


class Blind(Stretches):
    """The same, without a gradient."""

    name: ClassVar[str] = "blind"
    differentiable: ClassVar[bool] = False


class Undoes(Restoration):
    """Multiply by the gain that somebody found."""

    name: ClassVar[str] = "undoes"
    differentiable: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("gain",)
    gain: float | None = None

    def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> torch.Tensor:
        return images * needs["gain"].reshape(-1, 1, 1, 1)


class Guesses(Undoes):
    """Estimate the gain itself, as 1."""

    name: ClassVar[str] = "guesses"

    def estimate(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"gain": torch.ones(len(images))}


class Doubles(Restoration):
    """Twice as high and wide."""

    name: ClassVar[str] = "doubles"
    scale: ClassVar[int] = 2

    def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> torch.Tensor:
        return images.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)


class Around(Degradation):
    """Divide what another restoration gives by what it found."""

    name: ClassVar[str] = "around"
    part: Plugin[Restoration]

    def degrade(self, images: torch.Tensor, rng: SampleRng) -> torch.Tensor:
        restored = self.part.with_found(images)
        return restored.images * restored.found["gain"].reshape(-1, 1, 1, 1)


@pytest.mark.parametrize("plugin", [Stretches, Blind])
@pytest.mark.parametrize("run", ["passed", "traced"])
def test_what_was_found_is_filed_under_the_step(
    make_ready: Any, plugin: type[Restoration], run: str
) -> None:
    """NumPy's maxima, as side information `first.gain`; kernels of two sizes are padded."""
    passed = getattr(make_ready(plugin()).call, run)(IMAGES, {}, rng("first"))
    top = IMAGES.numpy().max(axis=(1, 2, 3))
    np.testing.assert_array_equal(passed.side["first.gain"].numpy(), top)
    assert passed.side["first.kernel"].shape == (3, 1, 5, 5)
    np.testing.assert_allclose(passed.side["first.kernel"].sum(dim=(1, 2, 3)), np.ones(3), 1e-6)
    expected = IMAGES.numpy() / top.reshape(-1, 1, 1, 1)
    np.testing.assert_allclose(passed.images.numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize("run", ["passed", "traced"])
def test_a_later_restoration_reads_what_the_nearest_one_found(make_ready: Any, run: str) -> None:
    """Stretching and undoing it gives the images back; the table would say whose gain it was."""
    side: Any = {"far.gain": torch.full((3,), 0.5)}
    first = getattr(make_ready(Stretches()).call, run)(IMAGES, side, rng("near"))
    second = getattr(make_ready(Undoes()).call, run)(first.images, first.side, rng("undone"))
    torch.testing.assert_close(second.images, IMAGES)
    again = make_ready(Undoes()).call.passed(first.images, first.side, rng("undone"))
    assert again.origin == {"gain": "near.gain"}


def test_what_is_known_otherwise_goes_before_what_was_found(make_ready: Any) -> None:
    """Parameter, degradation and own estimate as before: what was found moves none of them."""
    found = {"first.gain": torch.full((3,), 0.25)}
    cases: list[tuple[Restoration, dict[str, torch.Tensor], float, str]] = [
        (Undoes(gain=0.5), found, 0.5, "parameter"),
        (Undoes(), {"gain": torch.full((3,), 0.75), **found}, 0.75, "side"),
        (Guesses(), found, 1.0, "estimate"),
        (Undoes(), found, 0.25, "first.gain"),
    ]
    for plugin, side, factor, origin in cases:
        passed = make_ready(plugin).call.passed(IMAGES, side, rng("x"))
        assert torch.equal(passed.images, IMAGES * factor)
        assert passed.origin == {"gain": origin}


def test_gradients_flow_through_the_images_and_not_through_what_was_found(make_ready: Any) -> None:
    """Behind the stretch and its undoing the derivative is 1: the gain is a constant."""
    images = IMAGES.clone().requires_grad_()
    first = make_ready(Stretches()).call.traced(images, {}, rng("first"))
    assert not any(value.requires_grad for value in first.side.values())
    second = make_ready(Undoes()).call.traced(first.images, first.side, rng("second"))
    (gradient,) = torch.autograd.grad(second.images.sum(), images)
    torch.testing.assert_close(gradient, torch.ones_like(gradient))


def test_a_kernel_that_was_found_does_not_outlast_another_size(make_ready: Any) -> None:
    """As if a degradation had said it: the gain stays, the kernel in old pixels goes."""
    first = make_ready(Stretches()).call.passed(IMAGES, {}, rng("first"))
    larger = make_ready(Doubles()).call.passed(first.images, first.side, rng("large"))
    assert set(larger.side) == {"first.gain"}


class Brighter(Degradation):
    """A little brighter, and says nothing of it."""

    name: ClassVar[str] = "brighter"
    differentiable: ClassVar[bool] = True

    def degrade(self, images: torch.Tensor, rng: SampleRng) -> torch.Tensor:
        return (images + 0.01).clamp(0, 1)


@pytest.mark.parametrize("run", ["passed", "traced"])
def test_what_was_found_does_not_outlast_a_later_degradation(make_ready: Any, run: str) -> None:
    """It is about images that came before it; what a degradation said stays, and and so does a column."""
    side: Any = {"sigma": torch.full((3,), 0.1)}
    first = getattr(make_ready(Stretches()).call, run)(IMAGES, side, rng("first"))
    worse = getattr(make_ready(Brighter()).call, run)(first.images, first.side, rng("worse"))
    assert set(worse.side) == {"sigma"}
    with pytest.raises(PluginError, match="found by a restoration since the last degradation"):
        getattr(make_ready(Undoes()).call, run)(worse.images, worse.side, rng("undone"))


def test_python_has_it_on_the_call(make_ready: Any) -> None:
    """`.found` after the call, as `.side` of a degradation; a plugin in a parameter gives both."""
    call = RestorationCall(make_ready(Stretches()))
    call(IMAGES)
    assert set(call.found) == {"gain", "kernel"}
    again = RestorationCall(make_ready(Undoes()))(call(IMAGES), gain=call.found["gain"])
    torch.testing.assert_close(again, IMAGES)
    around = DegradationCall(set_up(Around(part=call), "around", "cpu"))
    torch.testing.assert_close(around(IMAGES), IMAGES)


WRONG: dict[str, tuple[Any, str]] = {
    "rows": ({"gain": torch.ones(2)}, r"what it found 'gain' with 1 rows"),
    "nan": ({"gain": torch.tensor([torch.nan])}, "finite what it found 'gain'"),
    "shape": ({"kernel": torch.ones(1, 3, 3)}, r"'kernel' of shape \[N, 1, k, k\]"),
    "name": ({"my.gain": torch.ones(1)}, "names of letters, digits and _ .* got 'my.gain'"),
    "no tensor": ({"gain": 0.5}, "'gain' as a tensor, got float"),
    "integers": (
        {"count": torch.ones(1, dtype=torch.int64)},
        "'count' as float32, got torch.int64",
    ),
    "nothing": (None, "what it found as tensors by name, got NoneType"),
}


@pytest.mark.parametrize("run", ["passed", "traced"])
@pytest.mark.parametrize("how", WRONG)
def test_what_was_found_has_the_shape_of_its_name(make_ready: Any, how: str, run: str) -> None:
    """Another shape, NaN, a name with a dot: the plugin's fault, with the sample."""
    found, words = WRONG[how]

    class Wrong(Restoration):
        """Find it wrongly."""

        name: ClassVar[str] = "wrong"
        differentiable: ClassVar[bool] = True

        def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> Restored:
            return Restored(images.clone(), found)

    with pytest.raises(PluginError, match=words):
        getattr(make_ready(Wrong()).call, run)(IMAGES, {}, rng("x"))


def test_a_name_that_comes_and_goes_is_refused(make_ready: Any) -> None:
    """Each block finds the same things: a table has one set of columns."""

    class Sometimes(Restoration):
        """Find something in bright images alone."""

        name: ClassVar[str] = "sometimes"

        def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> Restored:
            bright = float(images.mean()) > 0.5
            return Restored(images.clone(), {"gain": images.amax(dim=(1, 2, 3))} if bright else {})

    images = torch.stack([torch.full((3, 6, 8), value) for value in (0.9, 0.1)])
    with pytest.raises(PluginError, match=r"expected \['gain'\] to be found as before, got \[\]"):
        make_ready(Sometimes()).call.passed(images, {}, rng("x", 2))
