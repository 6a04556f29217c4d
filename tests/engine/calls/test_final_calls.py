"""Final calls distrust plugins: shape, dtype, range, NaN and the input itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import torch

from adversity import Classifier, Degradation, Degraded, Restoration, SampleRng
from adversity.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Callable

BREAKS: dict[str, tuple[Callable[[torch.Tensor], Any], str]] = {
    "shape": (lambda x: x[..., :-1], "expected shape"),
    "rows": (lambda x: torch.cat([x, x]), "expected 1 images, got 2"),
    "dtype": (lambda x: x.double(), "expected float32"),
    "range": (lambda x: x + 1, r"expected values in \[0, 1\]"),
    "nan": (lambda x: x * torch.nan, "expected finite values"),
    "type": (lambda x: x.numpy(), "expected a tensor"),
    "mutation": (lambda x: x.mul_(0.5), "changed its input in place"),
    "raises": (lambda x: 1 / 0, "raised ZeroDivisionError"),
}


def test_rows_do_not_depend_on_their_neighbours(plugins: Any, images: Any, ids: Any) -> None:
    """A degraded image is the same alone, in another order and beside a duplicate."""
    whole = plugins["shift"].call.degraded(images, SampleRng(seed=1, step="x", ids=ids)).images
    order = [7, 3, 3, 20]
    some = (
        plugins["shift"]
        .call.degraded(images[order], SampleRng(seed=1, step="x", ids=[ids[i] for i in order]))
        .images
    )
    assert torch.equal(some, whole[order])
    assert not torch.equal(whole, images)
    other = plugins["shift"].call.degraded(images, SampleRng(seed=2, step="x", ids=ids)).images
    assert not torch.equal(other, whole)


@pytest.mark.parametrize("how", BREAKS)
@pytest.mark.parametrize("kind", ["degradation", "restoration"])
def test_broken_image_plugin_is_named(how: str, kind: str, make_ready: Any, images: Any) -> None:
    """Each broken promise is a PluginError with the plugin, its distribution and the sample."""
    broken, message = BREAKS[how]

    class Worse(Degradation):
        """Break one promise."""

        name = "worse"

        def degrade(self, images: torch.Tensor, rng: SampleRng) -> torch.Tensor:
            answer: torch.Tensor = broken(images)
            return answer

    class Better(Restoration):
        """Break one promise."""

        name = "better"

        def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> torch.Tensor:
            answer: torch.Tensor = broken(images)
            return answer

    rng = SampleRng(seed=0, step="s", ids=["q7"])
    run: Callable[[], Any] = {
        "degradation": lambda: make_ready(Worse()).call.degraded(images[:1], rng),
        "restoration": lambda: make_ready(Better()).call.answer(images[:1], {}, ["q7"]),
    }[kind]
    with pytest.raises(PluginError, match=message) as caught:
        run()
    assert "(test 1.0)" in str(caught.value)
    assert "q7" in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda n: torch.zeros(n, 3), r"expected shape \[16, 4\]"),
        (lambda n: torch.full((n, 4), torch.nan), "expected finite"),
        (lambda n: torch.zeros(n, 4, dtype=torch.int64), "floating-point"),
    ],
)
def test_broken_classifier_is_named(
    answer: Any, message: str, make_ready: Any, images: Any
) -> None:
    """Logits of the wrong width, type or with NaN are refused."""

    class Bad(Classifier):
        """Break one promise."""

        name = "bad"

        @property
        def class_names(self) -> tuple[str, ...]:
            return ("a", "b", "c", "d")

        def logits(self, images: torch.Tensor) -> torch.Tensor:
            values: torch.Tensor = answer(len(images))
            return values

    with pytest.raises(PluginError, match=message):
        make_ready(Bad()).call.logits(images[:3], ["a", "b", "c"])


def test_probabilities_must_sum_to_one(make_ready: Any, images: Any) -> None:
    """A classifier that gives probabilities has rows that sum to one, or is refused."""

    class Probs(Classifier):
        """Give rows that sum to 0.8."""

        name = "probs"
        gives: ClassVar[Any] = "probs"

        @property
        def class_names(self) -> tuple[str, ...]:
            return ("a", "b")

        def logits(self, images: torch.Tensor) -> torch.Tensor:
            return torch.full((len(images), 2), 0.4)

    with pytest.raises(PluginError, match="sum to 1"):
        make_ready(Probs()).call.logits(images[:3], ["a", "b", "c"])


class NeedsSigma(Restoration):
    """Multiply by what it was told."""

    name = "needs_sigma"
    needs = ("sigma",)
    sigma: float | None = None

    def restore(self, images: torch.Tensor, **needs: torch.Tensor) -> torch.Tensor:
        return images * needs["sigma"].view(-1, 1, 1, 1)


class Estimates(NeedsSigma):
    """Know an estimate of its own."""

    name = "estimates"

    def estimate(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"sigma": torch.full((len(images),), 0.25)}


@pytest.mark.parametrize(
    ("plugin", "side", "factor", "origin"),
    [
        (NeedsSigma(sigma=0.5), {"sigma": torch.full((3,), 0.1)}, 0.5, "parameter"),
        (NeedsSigma(), {"sigma": torch.full((3,), 0.1)}, 0.1, "side"),
        (Estimates(), {}, 0.25, "estimate"),
    ],
)
def test_needs_are_filled_and_it_is_said_how(
    plugin: Any, side: Any, factor: float, origin: str, make_ready: Any, images: Any
) -> None:
    """A parameter comes before side information, which comes before an estimate."""
    answer = make_ready(plugin).call.answer(images[:3], side, ["a", "b", "c"])
    assert torch.equal(answer.images, images[:3] * torch.tensor(factor))
    assert answer.origin == {"sigma": origin}


def test_a_need_nothing_fills_is_an_error_that_says_what_to_write(
    make_ready: Any, images: Any
) -> None:
    """Without parameter, side information or estimate the message gives the line to add."""
    with pytest.raises(PluginError, match=r"with: \{sigma: \.\.\.\}"):
        make_ready(NeedsSigma()).call.answer(images[:1], {}, ["a"])


def test_side_information_travels_row_by_row(make_ready: Any, images: Any, ids: Any) -> None:
    """What a degradation says of each image reaches the restoration of that image."""

    class Dim(Degradation):
        """Scale each image by its own random factor and say which."""

        name = "dim"

        def degrade(self, images: torch.Tensor, rng: SampleRng) -> Degraded:
            factor = 0.5 + 0.5 * rng.uniform(())
            return Degraded(images * factor.view(-1, 1, 1, 1), {"sigma": 1 / (2 * factor)})

    rng = SampleRng(seed=0, step="dim", ids=ids)
    dimmed = make_ready(Dim()).call.degraded(images, rng)
    restored = make_ready(NeedsSigma()).call.answer(dimmed.images, dimmed.side, ids).images
    # x * f / (2 f) rounds twice in float32: at most 2 ulp of a half.
    assert torch.allclose(restored, images / 2, atol=2**-23)


def test_a_description_that_fails_costs_no_report(make_ready: Any) -> None:
    """What a plugin cannot say of itself is said to be missing; it comes after hours of work."""

    class Mute(Classifier):
        """Say nothing."""

        name: ClassVar[str] = "mute"

        @property
        def class_names(self) -> tuple[str, ...]:
            return ("dark", "light")

        def logits(self, images: torch.Tensor) -> torch.Tensor:
            return images.mean((2, 3))

        def describe(self) -> dict[str, Any]:
            raise ValueError("no words")

    facts = make_ready(Mute()).facts
    assert list(facts) == ["description"]
    assert facts["description"].startswith("none: ValueError: no words; ")
