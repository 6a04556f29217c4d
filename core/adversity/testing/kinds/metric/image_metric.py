"""What a metric of images promises, with a clean image to compare with and without."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from adversity.engine.calls.ready import BREAKS
from adversity.testing.bench.bench import Answer, Bench, Case
from adversity.testing.bench.checks import Failed, NotApplicable, apart, check, json_text, require
from adversity.testing.common.row_by_row import ROUNDING
from adversity.testing.inputs.images import image_cases, scenes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from adversity.engine.calls.ready import Ready
    from adversity.testing.bench.checks import Check

__all__ = ["ImageMetricBench", "NoReferenceBench"]

STRENGTHS = (0.02, 0.06, 0.15, 0.4)
"""Standard deviations of the noise on the [0, 1] scale, from hardly to plainly seen."""


@check("It names its column, and its convention is JSON.")
def describes_itself(bench: ImageMetricBench) -> str:
    """Look at `produces` and `convention()`, which the report prints."""
    names = tuple(bench.cls.produces)  # type: ignore[attr-defined]
    require(
        names and all(isinstance(name, str) and name.isidentifier() for name in names),
        f"expected the column's name in `produces`, got {names!r}",
    )
    better = next(iter(bench.cls.declared().values())).better  # type: ignore[attr-defined]
    require(
        better in ("higher", "lower", None),
        f"expected `better` to be higher, lower or None, got {better!r}",
    )
    return f"{names[0]}: {json_text(dict(bench.ready.plugin.convention()), 'convention()')[:80]}"


@check("A value lies in the range that it declares.")
def in_range(bench: ImageMetricBench) -> str:
    """Compare the values of all images with `produces`, where it has a range."""
    name, info = next(iter(bench.cls.declared().items()))  # type: ignore[attr-defined]
    if not info.bounded:
        raise NotApplicable("it declares no range")
    clean = scenes(4, bench.channels, bench.side, bench.side)
    for strength in (0.0, *STRENGTHS):
        values = bench.measured(noised(clean, strength), clean)
        require(
            all(map(info.admits, values.tolist())),
            f"expected {name} in [{info.low:g}, {info.high:g}], as `produces` says, got "
            f"{_few(values)} with noise of {strength}",
        )
    return f"{name} in [{info.low:g}, {info.high:g}]"


@check("Identical images give the best value.")
def identical_is_best(bench: ImageMetricBench) -> str:
    """Compare images with themselves and with noisy copies."""
    clean = scenes(4, bench.channels, bench.side, bench.side)
    same = bench.measured(clean, clean)
    noisy = bench.measured(noised(clean, STRENGTHS[0]), clean)
    require(
        bool(bench.surely_better(same, noisy).all()),
        f"expected the best value for identical images, got {_few(same)}, and {_few(noisy)} with "
        "hardly visible noise",
    )
    return f"{_few(same)} for identical images"


@check("A stronger degradation gives a worse value.")
def stronger_is_worse(bench: ImageMetricBench) -> str:
    """Raise the noise on ten images step by step, and compare the means."""
    clean = scenes(10, bench.channels, bench.side, bench.side)
    means = [bench.measured(noised(clean, value), clean).mean() for value in STRENGTHS]
    summary = ", ".join(f"{float(mean):.4g}" for mean in means)
    for before, after in pairwise(means):
        require(
            bool(bench.surely_better(before, after)),
            f"expected a worse value for stronger noise ({bench.better} is better), got {summary} for "
            f"a standard deviation of {', '.join(map(str, STRENGTHS))}",
        )
    return f"{summary} for noise of {', '.join(map(str, STRENGTHS))}"


@check("It is symmetric if its convention says so.")
def symmetric_if_told(bench: ImageMetricBench) -> str:
    """Exchange image and reference; sums in another order, in float32, may round otherwise."""
    clean = scenes(4, bench.channels, bench.side, bench.side)
    noisy = noised(clean, STRENGTHS[2])
    gap = apart(bench.measured(noisy, clean), bench.measured(clean, noisy), relative=True)
    convention: Any = bench.ready.plugin.convention()
    if not convention.get("symmetric"):
        raise NotApplicable(f"it does not say that it is symmetric (it changes by up to {gap:.2g})")
    require(
        gap <= ROUNDING, f"expected a symmetric measure, exchanged it changes by up to {gap:.3g}"
    )
    return f"changes by at most {gap:.1g}"


@check("Images of the smallest size that it names are measured.")
def smallest_size(bench: ImageMetricBench) -> str:
    """Measure images of this height and width, and of one of them."""
    smallest = bench.ready.plugin.smallest_side()
    for height, width in ((smallest, smallest), (smallest, smallest + 5), (smallest + 5, smallest)):
        clean = scenes(2, bench.channels, height, width)
        try:
            bench.measured(noised(clean, STRENGTHS[1]), clean)
        except BREAKS as error:
            raise Failed(
                f"expected a number for {height} x {width} pixels, as `smallest_side` says, "
                f"got: {error}"
            ) from error
    return f"{smallest} pixels"


def noised(images: Tensor, strength: float) -> Tensor:
    """Add the same Gaussian noise at some strength; cut off at 0 and 1."""
    import torch

    draw = torch.Generator().manual_seed(3)
    return (images + strength * torch.randn(images.shape, generator=draw)).clamp(0, 1)


def _few(values: Tensor) -> str:
    return ", ".join(f"{float(value):.4g}" for value in values.reshape(-1)[:4])


class ImageMetricBench(Bench):
    """Feed a metric with noisy images and the clean ones."""

    seeded = False
    checks: ClassVar[tuple[Check, ...]] = (
        describes_itself,
        in_range,
        identical_is_best,
        stronger_is_worse,
        symmetric_if_told,
        smallest_size,
    )

    @property
    def better(self) -> str:
        """Which direction is good."""
        better = next(iter(self.cls.declared().values())).better  # type: ignore[attr-defined]
        if better is None:
            raise NotApplicable("it does not declare which direction is good")
        return str(better)

    @property
    def channels(self) -> int:
        """3, or what it measures if it measures no colour."""
        counts = {int(case.rows["images"].shape[1]) for case in self.answered}
        return 3 if 3 in counts else max(counts)

    @property
    def side(self) -> int:
        """The height and width of the images of its checks, in pixels."""
        smallest: int = self.ready.plugin.smallest_side()
        return max(48, smallest)

    def images(self) -> tuple[Case, ...]:
        """Return clean images of several sizes that it can measure."""
        plugin = self.ready.plugin
        return image_cases(plugin.takes_channels(), smallest=plugin.smallest_side())

    def surely_better(self, first: Tensor, second: Tensor) -> Tensor:
        """Say for each value whether the first is better than the second."""
        return first > second if self.better == "higher" else first < second

    def cases(self) -> Sequence[Case]:
        """Return noisy and clean images of several sizes, grey and colour, and flat ones."""
        return [
            Case(
                case.name,
                {"images": noised(case.rows["images"], 0.1), "reference": case.rows["images"]},
                case.ids,
            )
            for case in self.images()
        ]

    def measured(self, images: Tensor, reference: Tensor) -> Tensor:
        """Measure, checks and all; `[N]` float64."""
        return self.ready.call(images, reference)  # type: ignore[no-any-return]

    def answer(self, ready: Ready, case: Case, *, seed: int = 0) -> Answer:
        """Measure."""
        images, reference = case.rows["images"], case.rows["reference"]
        return {"values": ready.call(images, reference, case.ids)}


class NoReferenceBench(ImageMetricBench):
    """Feed a metric that sees an image alone: what compares it with a clean one is left out."""

    checks = (describes_itself, in_range, stronger_is_worse, smallest_size)

    def cases(self) -> Sequence[Case]:
        """Return noisy images of several sizes, grey and colour, and flat ones with no noise, too.

        A flat image has neither noise nor structure: a division by either gives NaN.
        """
        noisy = [
            Case(case.name, {"images": case.rows["images"]}, case.ids) for case in super().cases()
        ]
        plain = self.images()[-1]
        return [*noisy, Case(f"{plain.name}, without noise", plain.rows, plain.ids)]

    def measured(self, images: Tensor, reference: Tensor) -> Tensor:
        """Measure the images alone; `[N]` float64."""
        return self.ready.call(images)  # type: ignore[no-any-return]

    def answer(self, ready: Ready, case: Case, *, seed: int = 0) -> Answer:
        """Measure."""
        return {"values": ready.call(case.rows["images"], ids=case.ids)}
