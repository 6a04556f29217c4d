"""Side information has one shape for each name, whoever gives it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import torch

from adversity import Degradation, Degraded, Restoration, SampleRng
from adversity.errors import DataError, ParameterError, PluginError
from adversity.testing.inputs.side import side_value

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGES = torch.rand((3, 3, 8, 10), generator=torch.Generator().manual_seed(0))
IDS = ("a", "b", "c")
FLAT = torch.full((1, 1, 3, 3), 1 / 9)
TELLS: dict[str, tuple[Callable[[torch.Tensor], Any], str]] = {
    "no channel": (lambda x: {"kernel": FLAT[0].repeat(len(x), 1, 1)}, r"\[N, 1, k, k\]"),
    "even": (lambda x: {"kernel": torch.full((len(x), 1, 2, 2), 0.25)}, "with odd k"),
    "not square": (lambda x: {"kernel": torch.full((len(x), 1, 1, 3), 1 / 3)}, r"\[N, 1, k, k\]"),
    "not 1": (lambda x: {"kernel": 2 * FLAT.repeat(len(x), 1, 1, 1)}, "sum to 1, got 2"),
    "size": (
        lambda x: {"mask": torch.ones(len(x), 1, 8, 9)},
        r"\[N, 1, H, W\] for images of 8 x 10",
    ),
    "column": (lambda x: {"sigma": torch.ones(len(x), 1)}, r"'sigma' of shape \[N\]"),
    "no tensor": (lambda x: {"sigma": 0.1}, "as a tensor, got float"),
    "rows": (lambda x: {"gain": torch.ones(len(x) + 1)}, "with 1 rows"),
    "bool": (
        lambda x: {"mask": torch.ones(len(x), 1, 8, 10, dtype=torch.bool)},
        r"'mask' as float32, got torch.bool; write .float\(\)",
    ),
    "double": (lambda x: {"sigma": torch.ones(len(x)).double()}, "'sigma' as float32, got"),
    "none": (lambda x: None, "side information as tensors by name, got NoneType"),
    "dot": (lambda x: {"a.sigma": torch.ones(len(x))}, "names of letters, digits and _"),
    "nan": (lambda x: {"gain": torch.full((len(x),), torch.nan)}, "finite side information 'gain'"),
}


def telling(tell: Callable[[torch.Tensor], Any]) -> Degradation:
    """Return a degradation that changes nothing and says of itself what `tell` says."""

    class Tells(Degradation):
        """Say something of itself."""

        name: ClassVar[str] = "tells"
        differentiable: ClassVar[bool] = True

        def degrade(self, images: torch.Tensor, rng: SampleRng) -> Degraded:
            return Degraded(images.clone(), tell(images))

    return Tells()


def streams() -> SampleRng:
    return SampleRng(seed=0, step="x", ids=IDS)


class Blurs(Restoration):
    """Correlate with the kernel: it fails for any shape but the vocabulary's."""

    name: ClassVar[str] = "blurs"
    needs: ClassVar[tuple[str, ...]] = ("kernel",)

    kernel: tuple[tuple[float, ...], ...] | None = None

    def restore(self, images: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
        """Return `[N, C, H, W]`, each image by its own kernel."""
        assert kernel.ndim == 4
        radius = kernel.shape[-1] // 2
        rows = [
            torch.nn.functional.conv2d(image[:, None], k[None], padding=radius)[:, 0]
            for image, k in zip(images, kernel, strict=True)
        ]
        return torch.stack(rows).clamp(0, 1)


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("how", TELLS)
def test_a_degradation_that_says_it_otherwise_is_refused(
    how: str, traced: bool, make_ready: Any
) -> None:
    """A value of another shape, a kernel that darkens, NaN: the plugin and the name are named."""
    tell, words = TELLS[how]
    with pytest.raises(PluginError, match=words):
        make_ready(telling(tell)).call.degraded(IMAGES.requires_grad_(traced), streams())


@pytest.mark.parametrize("traced", [False, True])
def test_free_values_of_two_sizes_are_refused_in_words(make_ready: Any, traced: bool) -> None:
    """Nobody knows how to pad what has a free name; kernels are padded (test_side_sizes.py)."""
    sizes = iter([3, 3, 5, 5, 5, 5])

    def tell(images: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"taps": torch.ones(len(images), next(sizes))}

    ready = make_ready(telling(tell))
    run = partial(ready.call.traced if traced else ready.call.passed, IMAGES, {})
    with pytest.raises(PluginError, match=r"taps of one shape .* pad the smaller with zeros"):
        run(streams())


def test_a_name_that_comes_and_goes_is_refused(make_ready: Any) -> None:
    """Each block says the same names."""
    said = iter([{"sigma": torch.ones(1)}, {"sigma": torch.ones(1)}, {}, {}])
    with pytest.raises(PluginError, match=r"expected side information \['sigma'\] as before"):
        make_ready(telling(lambda _: next(said))).call.degraded(IMAGES, streams())


def test_blur_and_kit_give_one_shape(make_ready: Any) -> None:
    """What `gaussian_blur` says and what the kit makes suit the same restoration."""
    from adversity_plugins.degradation.blur.gaussian_blur import GaussianBlur

    degraded = make_ready(GaussianBlur(sigma_px=0.5)).call.degraded(IMAGES, streams())
    ready = make_ready(Blurs())
    for kernel in (degraded.side["kernel"], side_value("kernel", IMAGES)):
        answer = ready.call.answer(IMAGES, {"kernel": kernel}, IDS)
        assert answer.origin == {"kernel": "side"}
        assert not torch.equal(answer.images, IMAGES)


def test_a_parameter_is_written_as_rows_of_numbers(make_ready: Any) -> None:
    """`kernel: [[0, 0, 0], [0, 1, 0], [0, 0, 0]]` reaches `restore` as [N, 1, 3, 3]: identity."""
    point = ((0.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 0.0))
    answer = make_ready(Blurs(kernel=point)).call.answer(IMAGES, {}, IDS)
    torch.testing.assert_close(answer.images, IMAGES)
    assert answer.origin == {"kernel": "parameter"}
    with pytest.raises(ParameterError, match="sum to 1, got 2; change its parameter 'kernel'"):
        make_ready(Blurs(kernel=((2.0,),))).call.answer(IMAGES, {}, IDS)


def test_side_information_of_another_size_is_refused(make_ready: Any) -> None:
    """A mask made before the images changed size is the pipeline's fault, and said so."""

    class Fills(Restoration):
        """Fill holes with grey."""

        name: ClassVar[str] = "fills"
        needs: ClassVar[tuple[str, ...]] = ("mask",)

        def restore(self, images: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return images * mask + (1 - mask) / 2

    with pytest.raises(DataError, match="it came as side information: give it what belongs to"):
        make_ready(Fills()).call.answer(IMAGES, {"mask": torch.ones(3, 1, 16, 20)}, IDS)


def test_an_estimate_is_looked_at_too(make_ready: Any) -> None:
    """A wrong estimate is the restoration's fault."""

    class Guesses(Blurs):
        """Guess a kernel without its channel."""

        name: ClassVar[str] = "guesses"

        def estimate(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"kernel": FLAT[0].repeat(len(images), 1, 1)}

    with pytest.raises(PluginError, match=r"guesses.*\[N, 1, k, k\]"):
        make_ready(Guesses()).call.answer(IMAGES, {}, IDS)


@pytest.mark.parametrize(
    ("estimate", "words"),
    [(None, "by name, got NoneType"), ({"kernel": 0.1}, "a tensor, got float")],
)
def test_an_estimate_of_no_tensors_is_no_traceback(
    make_ready: Any, estimate: Any, words: str
) -> None:
    """A forgotten `return`, a number: the plugin is named."""

    class Forgets(Blurs):
        """Estimate what is no mapping of tensors."""

        name: ClassVar[str] = "forgets"

        def estimate(self, images: torch.Tensor) -> Any:
            return estimate

    with pytest.raises(PluginError, match=rf"forgets.*{words}"):
        make_ready(Forgets()).call.answer(IMAGES, {}, IDS)
