"""What a regressor promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.contracts import Fitted
from adversity.engine.public.in_memory import TensorRows
from adversity.testing.bench.bench import Answer, Bench, Case
from adversity.testing.bench.checks import NotApplicable, check, json_text, require
from adversity.testing.inputs.images import image_cases, most_tried

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from adversity.contracts import PluginBase
    from adversity.engine.calls.ready import Ready

__all__ = ["RegressorBench", "bench_for"]

NUMBERS = ("row", "column")
"""What a regressor that learns is fitted on: where a blob lies, in tenths of a pixel."""
NOISE = 20.0
"""The standard deviation that is added to these targets: 2 pixels. Its square is far from it, so
that a standard deviation in the place of a variance is seen."""
TOO_FAR = 4.0
"""A variance may be so many times too large or too small: far more than what 60 squared errors
average to by chance, 1 -+ 0.2, and far less than a standard deviation in its place is off by."""


@check("The numbers are named, each once.")
def numbers_are_named(bench: RegressorBench) -> str:
    """Look at the names; of one that is fitted they are those of the data."""
    names = bench.ready.plugin.target_names
    require(
        isinstance(names, tuple) and all(isinstance(name, str) and name for name in names),
        f"expected target_names to be a tuple of words, got {str(names)[:80]}",
    )
    require(len(names) > 0, "expected one number or more, got none")
    require(len(set(names)) == len(names), "expected each name once, some come twice")
    if isinstance(bench.ready.plugin, Fitted):
        require(
            names == NUMBERS,
            f"expected the numbers of the data it was fitted on, {NUMBERS}, got {names[:5]}",
        )
    return f"{len(names)} numbers"


@check("The mean depends on the image.")
def images_matter(bench: RegressorBench) -> str:
    """Compare the means for different images."""
    case = bench.answered[0]
    mean = bench.whole(case)["mean"]
    spread = float((mean - mean[:1]).abs().max())
    require(spread > 0, f"expected different means for {case.name}, they are all the same")
    return f"means differ by up to {spread:.3g}"


@check("What is described for the report is JSON.")
def facts_are_json(bench: RegressorBench) -> str:
    """Write it as JSON, which the report and the manifest do."""
    return json_text(bench.ready.plugin.describe(), "describe()")[:80]


@check("A regressor that is fitted learns: it beats the mean of the targets on new images.")
def learns(bench: RegressorBench) -> str:
    """Fit on blobs, and find others; the mean of all targets leaves the whole variance."""
    errors, targets, _ = _on_new_blobs(bench)
    left = (errors**2).mean(0) / targets.var(0, correction=0)
    require(
        bool((left < 0.5).all()),
        f"expected squared errors of less than half of the targets' variance, got {left.tolist()}: "
        "the mean of the targets gives 1",
    )
    return f"{1 - float(left.max()):.2f} of the variance explained, or more"


@check("A variance is that of the errors on new images: the noise of targets is in it.")
def variance_is_of_errors(bench: RegressorBench) -> str:
    """Divide squared errors on blobs that it has not seen by the variances; 1 is right."""
    errors, _, variance = _on_new_blobs(bench)
    if variance is None:
        raise NotApplicable("it gives no variance")
    ratio = float((errors**2 / variance).mean())
    require(
        1 / TOO_FAR <= ratio <= TOO_FAR,
        f"expected squared errors of about the variance, they are {ratio:.3g} times as large: it "
        "is no standard deviation, no precision, and holds the noise of targets",
    )
    return f"squared errors are {ratio:.2f} times the variance"


def _on_new_blobs(bench: RegressorBench) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return errors, targets and variances on 60 blobs that it was not fitted on, `[60, 2]`."""
    if not isinstance(bench.ready.plugin, Fitted):
        raise NotApplicable("the regressor is not fitted")
    images, targets = bench.blobs(60, first=1000)
    ids = tuple(map(str, range(len(images))))
    answer = bench.answer(bench.ready, Case("blobs", {"images": images}, ids))
    return answer["mean"] - targets, targets, answer.get("variance")


class RegressorBench(Bench):
    """Feed a regressor with images; fit it on blobs at known places where it learns."""

    seeded = False
    checks = (
        numbers_are_named,
        images_matter,
        facts_are_json,
        learns,
        variance_is_of_errors,
    )

    def blobs(self, count: int, *, first: int = 0) -> tuple[Tensor, Tensor]:
        """Draw soft blobs of one brightness at random places.

        Args:
            count: How many.
            first: The number of the first; each number is another image.

        Returns:
            Images `[count, C, 32, 32]` float32 in [0, 1], and where their centres lie, `[count, 2]`
            float64 in tenths of a pixel, with noise.
        """
        import numpy as np
        import torch

        y, x = np.mgrid[0:32, 0:32]
        drawn, places = [], []
        for number in range(first, first + count):
            draw = np.random.Generator(np.random.Philox(key=number))
            centre = draw.uniform(8, 24, 2)
            blob = np.exp(-((y - centre[0]) ** 2 + (x - centre[1]) ** 2) / 32)
            drawn.append(0.2 + 0.6 * blob + draw.normal(0, 0.02, (32, 32)))
            places.append(10 * centre + draw.normal(0, NOISE, 2))
        grey = torch.from_numpy(np.stack(drawn).clip(0, 1).astype(np.float32))[:, None]
        claimed = self.make().takes_channels()
        channels = 3 if claimed is None or 3 in claimed else most_tried(claimed)
        images = grey.expand(-1, channels, -1, -1).contiguous()
        return images, torch.from_numpy(np.stack(places))

    def stream(self) -> TensorRows:
        """Return blobs and where they lie."""
        images, places = self.blobs(240)
        return TensorRows(None, (), images=images, numbers=places, target_names=NUMBERS)

    def cases(self) -> Sequence[Case]:
        """Return images of several sizes, grey and colour, and flat ones."""
        return image_cases(self.make().takes_channels())

    def answer(self, ready: Ready, case: Case, *, seed: int = 0) -> Answer:
        """Estimate."""
        said = ready.call(case.rows["images"], case.ids)
        both = {"mean": said.mean, "variance": said.variance}
        return {name: value for name, value in both.items() if value is not None}


def bench_for(plugin: type[PluginBase]) -> type[Bench]:
    """Return the bench of the kind."""
    return RegressorBench
