"""What a restoration needs beside the images: that it reaches it, matters, and may have any size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversity.engine.calls.side_sizes import of_one_size
from adversity.errors import AdversityError
from adversity.testing.bench.bench import Case, built
from adversity.testing.bench.checks import NotApplicable, apart, check, require
from adversity.testing.inputs.side import kernels_of, side_value

if TYPE_CHECKING:
    from torch import Tensor

    from adversity.testing.kinds.restoration import RestorationBench

__all__ = ["found_names", "kernel_sizes", "needs"]

_SIZES = (3, 11, 1, 7)
"""Sides of the kernels that share a batch."""


@check("Exactly the needs it names reach it, each matters, and an unfilled one is refused by name.")
def needs(bench: RestorationBench) -> str:
    """Record what arrives, fill every need otherwise, and leave one unfilled."""
    named = bench.cls.needs  # type: ignore[attr-defined]
    arrived = _arrived(bench)
    require(
        set(arrived) == set(named) and len(set(named)) == len(named),
        f"expected {list(named)}, each once, to reach `restore`, got {arrived}",
    )
    if not named:
        return "it needs nothing but the images"
    summary = [_matters(bench, need) for need in named]
    summary += [_refused(bench, need) for need in named]
    return "; ".join(filter(None, summary))


def _arrived(bench: RestorationBench) -> list[str]:
    """Return the names that reach `restore` when the side information holds more."""
    names: list[str] = []
    plugin_class: Any = bench.cls

    class Recorded(plugin_class):  # type: ignore[misc]
        """The plugin, which also writes down what it is given."""

        def restore(self, images: Tensor, **needs: Tensor) -> Tensor:
            names[:] = sorted(needs)
            answer: Tensor = super().restore(images, **needs)
            return answer

    recorded = bench.set_up(built(Recorded, bench.parameters), bench.learnt())
    case = bench.answered[0]
    more = {"not_asked_for": case.rows["images"]}
    bench.answer(recorded, Case(case.name, {**case.rows, **more}, case.ids))
    return names


def _matters(bench: RestorationBench, need: str) -> str:
    """Fill a need with two values and compare."""
    case = bench.answered[0]
    plugin, images = bench.ready.plugin, case.rows["images"]
    made_up = (side_value(need, images, which) for which in (0, 1))
    values = [value for value in made_up if value is not None]
    if getattr(plugin, need, None) is not None or len(values) < 2:
        return ""
    first, second = (
        bench.ready.call(images, {**bench.side(case), need: value}) for value in values
    )
    gap = apart(first, second)
    require(
        gap > 0,
        f"expected {need} to matter, two values of it give the same images; if it is not used, "
        "take it out of `needs`: users must find a value for it",
    )
    return f"{need} moves the images by up to {gap:.2g}"


def _refused(bench: RestorationBench, need: str) -> str:
    """Leave a need to the plugin's estimate; without one it is refused by name."""
    case = bench.answered[0]
    side = {name: value for name, value in bench.side(case).items() if name != need}
    try:
        origin = bench.ready.call.answer(case.rows["images"], side, case.ids).origin
    except AdversityError as error:
        require(need in str(error), f"expected an error that names {need}, got: {error}")
        return f"{need} is refused if nothing fills it"
    return f"{need} otherwise by {origin[need]}"


@check("Kernels of several sizes in one batch: each image as with its own kernel alone.")
def kernel_sizes(bench: RestorationBench) -> str:
    """Restore images with kernels of 1, 3, 7 and 11 pixels, padded to the largest, and each alone."""
    named = bench.cls.needs  # type: ignore[attr-defined]
    if "kernel" not in named or getattr(bench.ready.plugin, "kernel", None) is not None:
        raise NotApplicable("no degradation's kernel reaches it")
    import torch

    case = bench.answered[0]
    images, side = case.rows["images"], bench.side(case)
    sizes = [_SIZES[row % len(_SIZES)] for row in range(len(images))]
    own = [kernels_of(size, images[:1]) for size in sizes]
    together = of_one_size("kernel", own)
    answers = bench.ready.call(images, {**side, "kernel": torch.cat(together)})
    for row, kernel in enumerate(own):
        here = {name: value[row : row + 1] for name, value in side.items()}
        single = bench.ready.call(images[row : row + 1], {**here, "kernel": kernel})
        gap = apart(answers[row : row + 1], single)
        require(
            gap == 0,
            f"expected an image with a kernel of {sizes[row]} x {sizes[row]} to come back as with "
            f"that kernel alone, they differ by {gap:.3g}",
        )
    return f"{', '.join(f'{size} x {size}' for size in _SIZES)} in one batch"


@check("It finds the same things out of every image: a table has one set of columns.")
def found_names(bench: RestorationBench) -> str:
    """Compare the names of what it found in images of several sizes, grey and colour, and flat."""
    names = {case.name: sorted(bench.whole(case).keys() - {"images"}) for case in bench.answered}
    (first, expected), *others = names.items()
    for case, found in others:
        require(
            found == expected,
            f"expected {expected or 'nothing'} to be found in {case} as in {first}, got "
            f"{found or 'nothing'}; give a value for every image",
        )
    return ", ".join(expected) or "it finds nothing"
