"""What a restoration promises: the bench. What it needs beside images is in `side_information`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from adversity.contracts import Restoration
from adversity.errors import UnknownPluginError
from adversity.metrics import psnr, ssim
from adversity.registry import discover
from adversity.seeding import SampleRng
from adversity.testing.bench.bench import Answer, Bench, Case, bench_class
from adversity.testing.bench.checks import NotApplicable, apart, check, require
from adversity.testing.common.bounds import ADVICE, bounds_are_felt, hidden_bounds
from adversity.testing.common.gradients import AGREEMENT, disagreement, few_rows, gradient_is_right
from adversity.testing.inputs.images import ImageRows, image_cases, most_tried, scenes
from adversity.testing.inputs.side import comparable, side_of
from adversity.testing.kinds.restoration.side_information import found_names, kernel_sizes, needs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch import Tensor

    from adversity.contracts import Degraded, PluginBase
    from adversity.engine.calls.ready import Ready
    from adversity.engine.public.in_memory import TensorRows

__all__ = ["RestorationBench", "bench_for"]


@check("It helps: images are closer to the clean ones after it, for each degradation it names.")
def helps(bench: RestorationBench) -> str:
    """Degrade images as named, restore them and compare the mean PSNR with and without it.

    SSIM, and what becomes of clean images, are reported and not judged.
    """
    names = bench.cls.restores  # type: ignore[attr-defined]
    if not names:
        raise NotApplicable("it names no degradation in `restores`")
    degradations = {name: degradation(name) for name in names}
    missing = [name for name, cls in degradations.items() if cls is None]
    gains = [_gain(bench, name, cls) for name, cls in degradations.items() if cls is not None]
    if not gains:
        raise NotApplicable(f"no degradation of the name {' or '.join(missing)} is installed")
    untried = [f"{name} is not installed" for name in missing]
    return "; ".join([*gains, _clean(bench), *untried])


def degradation(name: str) -> type[PluginBase] | None:
    """Return the class of an installed degradation, or None."""
    try:
        return discover().get("degradation", name).cls
    except UnknownPluginError:
        return None


def _gain(bench: RestorationBench, name: str, cls: type[PluginBase]) -> str:
    """Restore what was degraded, as its kind suggests; raise `Failed` if it is no better."""
    worsening = bench_class(cls)
    given = (cls.examples or worsening.examples(cls))[0]
    ready = worsening(cls, given, is_example=True, device=bench.device).fresh()
    case = bench.clean()
    images = case.rows["images"]
    worse = ready.call.degraded(images, SampleRng(seed=0, step="kit", ids=case.ids))
    better = bench.restored(worse, case.ids)
    before, after = (_closeness(value, images) for value in (worse.images, better))
    summary = (
        f"{name} {ready.plugin.parameters}: PSNR {before[0]:.2f} dB without it, {after[0]:.2f} dB "
        f"with it; SSIM {before[1]:.3f} and {after[1]:.3f}"
    )
    require(after[0] > before[0], f"expected a higher PSNR with it than without: {summary}")
    return summary


def _clean(bench: RestorationBench) -> str:
    from adversity.contracts import Degraded

    case = bench.clean()
    side = {name: case.rows[name] for name in case.rows if name != "images"}
    after = bench.restored(Degraded(case.rows["images"], side), case.ids)
    return f"clean images come back at {_closeness(after, case.rows['images'])[0]:.2f} dB"


def _closeness(images: Tensor, clean: Tensor) -> tuple[float, float]:
    """Return mean PSNR in dB and mean SSIM; another size is brought to that of the clean ones."""
    from torch.nn.functional import interpolate

    if images.shape[2:] != clean.shape[2:]:
        images = interpolate(images, size=clean.shape[2:], mode="bilinear", antialias=True)
        images = images.clamp(0, 1)
    return float(psnr(images, clean).mean()), float(ssim(images, clean).mean())


@check("Where no gradient is claimed, BPDA runs it forward and its stand-in backward.")
def stand_in_is_right(bench: RestorationBench) -> str:
    """Compare the traced answer with `restore`, and its gradient with differences.

    The differences are those of `surrogate`, by default of the identity.
    """
    if bench.cls.differentiable:
        raise NotApplicable("a gradient is claimed")
    summary = []
    for case in bench.effort.some(bench.answered[:3], 1, "cases"):
        images = few_rows(case)
        traced = bench.traced(images).detach()
        real = bench.ready.call(images, bench.constant(images))
        gap = apart(real, traced)
        require(
            gap == 0,
            f"expected the chain's answer on {case.name} to be that of `restore`, they differ by "
            f"up to {gap:.3g}",
        )
        stand_in = partial(bench.ready.call.stand_in, real=real)
        off, exact, tried = disagreement(bench.traced, images, like=stand_in)
        require(
            off <= AGREEMENT,
            f"expected the gradient of `surrogate` within {AGREEMENT:.0%} of its finite "
            f"differences on {case.name}, they are {off:.1%} apart (by the gradient {exact:.4g}, "
            f"by differences {tried:.4g})",
        )
        off, words = hidden_bounds(bench.traced, case, like=stand_in)
        require(off <= AGREEMENT, f"{words} of `surrogate` on {case.name}: {ADVICE}")
        summary.append(f"{off:.2%}")
    return f"restore forward; backward {', '.join(summary)} from differences of the stand-in"


class RestorationBench(Bench):
    """Feed a restoration with images and with what it needs beside them."""

    seeded = False
    checks = (
        helps,
        needs,
        kernel_sizes,
        found_names,
        gradient_is_right,
        bounds_are_felt,
        stand_in_is_right,
    )

    def __init__(
        self,
        cls: type[PluginBase],
        parameters: Mapping[str, Any],
        *,
        is_example: bool,
        device: str = "cpu",
    ) -> None:
        """Take the class."""
        super().__init__(cls, parameters, is_example=is_example, device=device)
        self._constant: dict[tuple[int, ...], dict[str, Tensor]] = {}

    def stream(self) -> TensorRows:
        """Return noisy images with their clean partners for a restoration that learns."""
        import torch

        clean = scenes(12, most_tried(self.make().takes_channels()), 40, 32, first=500)
        draw = torch.Generator().manual_seed(0)
        noise = 0.1 * torch.randn(clean.shape, generator=draw)
        noisy = (clean + noise).clamp(0, 1)
        return ImageRows(noisy, clean, side_of(self.cls.needs, noisy))  # type: ignore[attr-defined]

    def cases(self) -> Sequence[Case]:
        """Return images with side information, and some without where it estimates its own."""
        plain = image_cases(self.make().takes_channels())
        names = self.cls.needs  # type: ignore[attr-defined]
        with_side = [
            Case(case.name, {**case.rows, **side_of(names, case.rows["images"])}, case.ids)
            for case in plain
        ]
        if not names or self.cls.estimate is Restoration.estimate:  # type: ignore[attr-defined]
            return with_side
        last = plain[:3][-1]
        return [*with_side, Case(f"{last.name} with its own estimate", last.rows, last.ids)]

    def others(self) -> Iterator[type[PluginBase]]:
        """Yield the plugins in the parameters, and the degradations that `helps` tries."""
        yield from super().others()
        named = map(degradation, self.cls.restores)  # type: ignore[attr-defined]
        yield from (cls for cls in named if cls is not None)

    def clean(self) -> Case:
        """Return ten clean images of 48 x 48; grey ones for a plugin that takes no colour."""
        channels = {case.rows["images"].shape[1] for case in self.answered}
        images = scenes(10, 3 if 3 in channels else max(channels), 48, 48)
        names = self.cls.needs  # type: ignore[attr-defined]
        rows = {"images": images, **side_of(names, images)}
        return Case("10 images of 48 x 48", rows, tuple(map(str, range(10))))

    def side(self, case: Case) -> dict[str, Tensor]:
        """Return what a case holds beside the images."""
        return {name: value for name, value in case.rows.items() if name != "images"}

    def restored(self, worse: Degraded, ids: Sequence[str]) -> Tensor:
        """Restore degraded images; what the degradation does not give the kit fills in."""
        names = self.cls.needs  # type: ignore[attr-defined]
        estimated = self.cls.estimate is not Restoration.estimate  # type: ignore[attr-defined]
        filled = {} if estimated else side_of(names, worse.images)
        return self.ready.call.answer(worse.images, {**filled, **worse.side}, ids).images  # type: ignore[no-any-return]

    def constant(self, images: Tensor) -> dict[str, Tensor]:
        """Return the needs of images, the same for all images of one shape.

        The chain takes them as constant when it is differentiated, and so do the differences.
        """
        key = tuple(images.shape)
        if key not in self._constant:
            side = side_of(self.cls.needs, images.detach())  # type: ignore[attr-defined]
            self._constant[key] = self.ready.call.needs_of(images.detach(), side)[0]
        return self._constant[key]

    def traced(self, images: Tensor) -> Tensor:
        """Restore as an attack differentiates it."""
        ids = tuple(map(str, range(len(images))))
        rng = SampleRng(seed=0, step="kit", ids=ids)
        return self.ready.call.traced(images, self.constant(images), rng).images  # type: ignore[no-any-return]

    def answer(self, ready: Ready, case: Case, *, seed: int = 0) -> Answer:
        """Restore; what it found is part of the answer, a kernel without its padding."""
        answer = ready.call.answer(case.rows["images"], self.side(case), case.ids)
        found = comparable(answer.found)
        return {"images": answer.images, **{f"found {name}": v for name, v in found.items()}}


def bench_for(plugin: type[PluginBase]) -> type[Bench]:
    """Return the bench of the kind."""
    return RestorationBench
