"""The four threats that an attack may claim by a word: see `threat` for what a threat is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from adversity.contracts.threat import NORMS, Norm, Threat, distances, place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from torch import Tensor

__all__ = ["THREATS", "NearestFailure", "NormBall", "OwnDistance", "Parametric"]

_ROUNDING = 1e-6
"""Relative slack in a norm: what a float32 norm may round over a float64 one."""
_HALF_SPACING = 2.0**-25
"""Absolute slack in linf: a float32 value below 1 may lie so far from the sum it stands for."""


@dataclass(frozen=True, kw_only=True)
class NormBall(Threat):
    """`"norm"`: any change whose norm is at most `eps`.

    A class that derives from it is a threat of its own, which is compared with no ball: what it
    adds may allow less.
    """

    word = "norm"
    knows_space = True

    norm: Norm

    @classmethod
    def claim_faults(cls, plugin: Any) -> Iterator[str]:
        """Yield which of `norm` and `eps` is no parameter."""
        lacking = [name for name in ("norm", "eps") if name not in plugin.model_fields]
        if lacking:
            yield (
                f"an attack whose threat is 'norm' has the parameters norm and eps, and this one "
                f"lacks {' and '.join(lacking)}; add it, or claim another threat"
            )

    @classmethod
    def parameter_faults(cls, plugin: Any) -> Iterator[str]:
        """Yield a budget that is none, and one or a step larger than the space of images.

        Such a one is on another scale; of `linf` alone this is known without an image's size.
        """
        if not cls.nearest:
            yield from _no_eps(plugin)
        for name in ("eps", "step_size") if getattr(plugin, "norm", None) == "linf" else ():
            value = getattr(plugin, name, None)
            if value is not None and value > 1:
                meant = f"; did you mean {value:g}/255?" if value <= 255 else ""
                yield (
                    f"expected {name} of at most 1 in linf, where that is any image at all, got "
                    f"{value:g}{meant}"
                )

    @property
    def in_norm(self) -> Norm | None:
        """The norm; None of a class that derives from ours."""
        return self.norm if type(self) in THREATS.values() else None

    @property
    def measured(self) -> str:
        """The norm, as people write it."""
        return f"{NORMS[self.norm]} norm"

    @property
    def scale(self) -> str | None:
        """The norm: whoever measures it gets the same. A class that derives from ours has its own."""
        return self.in_norm or super().scale

    @property
    def limit(self) -> float:
        """The largest norm in float64 that an image rounded to float32 may have."""
        if self.eps is None:
            return math.inf
        return self.eps * (1 + _ROUNDING) + (_HALF_SPACING if self.norm == "linf" else 0.0)

    def measure(self, images: Tensor, clean: Tensor) -> Tensor:
        """Return `[N]` float64, the norms of the changes."""
        return distances(images, clean, self.norm)

    def whole_space(self, shape: Sequence[int]) -> float:
        """Return the diameter of the box [0, 1] in this norm."""
        values = math.prod(shape)
        if self.norm == "linf":
            return 1.0
        return math.sqrt(values) if self.norm == "l2" else float(values)

    def words(self, sizes: str, where: str = "") -> str:
        """Say the norm and its radius."""
        return f"Budget{where}: {self.measured} of at most {sizes}, on the [0, 1] scale."


@dataclass(frozen=True, kw_only=True)
class NearestFailure(NormBall):
    """`"minimum"`: the nearest failure in `norm`, l2 where there is none; success within `eps`."""

    word = "minimum"
    nearest = True
    knows_space = True

    norm: Norm = "l2"

    @classmethod
    def claim_faults(cls, plugin: Any) -> Iterator[str]:
        """Yield nothing: both parameters may be left out."""
        yield from ()

    def words(self, sizes: str, where: str = "") -> str:
        """Say in which norm is searched, and how far counts."""
        looks = f"It looks for the nearest failure in the {self.measured}, on the [0, 1] scale"
        return f"{looks}; one within {sizes} counts." if sizes else f"{looks}; any distance counts."


@dataclass(frozen=True, kw_only=True)
class Parametric(Threat):
    """`"parametric"`: what the attack's `apply` makes of numbers within its `bounds`.

    Attributes:
        ranges: Each parameter with its least and largest value.
    """

    word = "parametric"

    ranges: tuple[tuple[str, tuple[float, float]], ...] = ()

    @classmethod
    def of(cls, plugin: Any) -> Self:
        """Take the plugin's `bounds`; a size limits nothing."""
        return cls(ranges=tuple(plugin.bounds.items()))

    @property
    def lacks(self) -> str:
        """Bounds: nothing else limits it."""
        if self.bounds:
            return ""
        return "expected `bounds`, the least and largest value of each parameter, got none"

    @property
    def scale(self) -> str | None:
        """None: sizes say nothing of what was allowed."""
        return None

    @property
    def bounds(self) -> Mapping[str, tuple[float, float]]:
        """The parameters by name."""
        return dict(self.ranges)

    def measure(self, images: Tensor, clean: Tensor) -> Tensor:
        """Return `[N]` float64, the changes in l2, to be shown."""
        return distances(images, clean, "l2")

    def widest(self, other: Self) -> Self:
        """Return the least and the largest value of each parameter."""
        ranges = dict(self.ranges)
        for name, (low, high) in other.ranges:
            least, most = ranges.get(name, (low, high))
            ranges[name] = (min(low, least), max(high, most))
        return replace(self, ranges=tuple(ranges.items()))

    def words(self, sizes: str, where: str = "") -> str:
        """List the parameters; one whose name ends in `_seed` draws random numbers."""
        ranges = ", ".join(
            f"which random numbers are drawn ({name})"
            if name.endswith("_seed")
            else f"{name} between {float(low):.4g} and {float(high):.4g}"
            for name, (low, high) in self.ranges
        )
        return f"Budget{where}: {ranges}." if ranges else ""


@dataclass(frozen=True, kw_only=True)
class OwnDistance(Threat):
    """`"distance"`: what lies within `eps` of the attack's own `distance`.

    Attributes:
        of_what: The attack's `measure`, and the plugins that it measures with.
        distance: Its method.
    """

    word = "distance"

    of_what: str = ""
    distance: Callable[[Tensor, Tensor], Tensor] | None = field(
        default=None, compare=False, repr=False
    )

    @classmethod
    def of(cls, plugin: Any) -> Self:
        """Take the plugin's eps and its method."""
        return cls(eps=plugin.eps, of_what=plugin.measure, distance=plugin.distance)

    @classmethod
    def claim_faults(cls, plugin: Any) -> Iterator[str]:
        """Yield what an attack by a distance of its own lacks."""
        if "eps" not in plugin.model_fields:
            yield "an attack whose threat is 'distance' has the parameter eps; add it"
        home = next(base for base in plugin.__mro__ if "distance" in vars(base))
        if home.__module__.startswith("adversity.contracts."):
            yield (
                "an attack whose threat is 'distance' says what it is; write the method `distance`"
            )

    @classmethod
    def parameter_faults(cls, plugin: Any) -> Iterator[str]:
        """Yield a budget that is none."""
        yield from _no_eps(plugin)

    @property
    def measured(self) -> str:
        """The attack's own words."""
        return self.of_what

    @property
    def scale(self) -> str | None:
        """Method and words: the plugins in the attack's parameters are the core's to add."""
        return f"{place(self.distance or type(self))}: {self.of_what}"

    def measure(self, images: Tensor, clean: Tensor) -> Tensor:
        """Return what the attack's `distance` says."""
        if self.distance is None:
            return super().measure(images, clean)
        return self.distance(images, clean)


def _no_eps(plugin: Any) -> Iterator[str]:
    """Yield that a budget is None, where without one everything would be allowed."""
    if plugin.eps is None:
        yield "expected eps to be a number, within which changes stay, got None"


THREATS: Mapping[str, type[Threat]] = {
    cls.word: cls for cls in (NormBall, NearestFailure, Parametric, OwnDistance)
}
"""The threats that an attack may claim by a word."""
