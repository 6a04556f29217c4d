"""What an adversary may do, as a value that measures, admits, compares and describes itself.

An attack says with `threat` which of these it stands for: one of four words, or a class of its
own that derives from `Threat`. The core, the ledger, the report and the kit ask the value and
know no list of threats. It holds no engine: what is measured in which blocks, and what happens
where a budget is overstepped, is the engine's.
"""

from __future__ import annotations

import json
import math
from dataclasses import MISSING, dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from torch import Tensor

__all__ = [
    "NORMS",
    "THREATS",
    "NearestFailure",
    "Norm",
    "NormBall",
    "OwnDistance",
    "Parametric",
    "Threat",
    "distances",
]

Norm = Literal["linf", "l2", "l1"]

NORMS: Mapping[str, str] = {"linf": "L∞", "l2": "L2", "l1": "L1"}
"""The norms as people write them."""
_OWN = 1e-5
"""Relative slack of a size that is no norm. On one type of CPU it is measured to the same bits,
since a network is called in blocks of a fixed size; on another device features may round to this."""
_ROUNDING = 1e-6
"""Relative slack in a norm: what a float32 norm may round over a float64 one."""
_HALF_SPACING = 2.0**-25
"""Absolute slack in linf: a float32 value below 1 may lie so far from the sum it stands for."""


def distances(images: Tensor, clean: Tensor, norm: str) -> Tensor:
    """Return `[N]` float64 sizes of `images - clean` in `linf`, `l2` or `l1`."""
    delta = (images.double() - clean.double()).flatten(1)
    if norm == "linf":
        return delta.abs().amax(1)
    return delta.norm(dim=1) if norm == "l2" else delta.abs().sum(1)


@dataclass(frozen=True, kw_only=True)
class Threat:
    """What an adversary may do; a class of your own overrides `word`, `measured` and `measure`.

    Every change has a size, and counts where that is at most `eps`. Unless the class says
    `nearest`, a larger one breaks the attack's contract. Fields that a class adds are taken
    from the attack's parameters of the same names. Two values with equal fields are the same
    threat.

    Attributes:
        eps: The largest size that counts; None for any.

    Example:
        >>> NormBall(norm="linf", eps=0.5).admits(0.5), Threat(eps=3).admits(4)
        (True, False)
    """

    word: ClassVar[str] = ""
    """What files and reports call this sort of threat, in snake_case."""
    nearest: ClassVar[bool] = False
    """The smallest size is looked for: what is found beyond `eps` is no fault, and no success."""
    knows_space: ClassVar[bool] = False
    """`whole_space` says from which `eps` on everything is admitted, so that a probe can ask."""

    eps: float | None = None

    @classmethod
    def of(cls, plugin: Any) -> Self:
        """Return the threat that a plugin with its parameters stands for."""
        names = [item.name for item in fields(cls) if hasattr(plugin, item.name)]
        return cls(**{name: getattr(plugin, name) for name in names})

    @classmethod
    def claim_faults(cls, plugin: Any) -> Iterator[str]:
        """Yield what a plugin's class lacks that claims this threat."""
        for item in fields(cls):
            optional = item.default is not MISSING or item.default_factory is not MISSING
            if not (optional or item.name in plugin.model_fields or hasattr(plugin, item.name)):
                yield f"an attack whose threat is {cls.word!r} has the parameter {item.name}; add it"

    @classmethod
    def parameter_faults(cls, plugin: Any) -> Iterator[str]:
        """Yield which parameters of a plugin can mean nothing in this threat."""
        yield from ()

    @property
    def in_norm(self) -> Norm | None:
        """The norm of the sizes; None if they are none of a norm."""
        return None

    @property
    def measured(self) -> str:
        """What a size is, in the words of the report: `number of changed pixels`."""
        return "a size of its own"

    @property
    def scale(self) -> str | None:
        """Which threats can be compared with this by size: those of the same scale; None: none."""
        own = {
            item.name: getattr(self, item.name)
            for item in fields(self)
            if item.compare and item.name != "eps"
        }
        return f"{self.word}: {self.measured} {json.dumps(own, sort_keys=True, default=str)}"

    @property
    def bounds(self) -> Mapping[str, tuple[float, float]]:
        """Within what each parameter of a change stays, for changes that a few numbers say."""
        return {}

    @property
    def limit(self) -> float:
        """The largest size, in float64, that is within `eps`; infinite where any is."""
        return math.inf if self.eps is None else self.eps * (1 + _OWN)

    def measure(self, images: Tensor, clean: Tensor) -> Tensor:
        """Return how far images are from what they were.

        Args:
            images: `[N, C, H, W]` float32 in [0, 1].
            clean: The same, what they started from.

        Returns:
            `[N]` floating-point, finite, 0 or more, and 0 of an image to itself; row i depends
            on row i alone, and it is the same whenever it is called.
        """
        raise NotImplementedError(f"the threat {self.word!r} does not say how it is measured")

    def admits(self, sizes: Any, parameters: Mapping[str, Any] | None = None) -> Any:
        """Return which changes lie within this threat.

        Args:
            sizes: A number, array or tensor of sizes.
            parameters: By name, like `sizes`, where the threat has `bounds`; NaN lies in none.
        """
        inside = sizes <= self.limit
        if parameters is not None:
            for name, (low, high) in self.bounds.items():
                inside = inside & (parameters[name] >= low) & (parameters[name] <= high)
        return inside

    def no_larger(self, other: Threat) -> bool:
        """Say whether what this finds counts within another, as far as sizes can tell."""
        same = self.scale is not None and self.scale == other.scale
        return same and (self.nearest or self.limit <= other.limit)

    def whole_space(self, shape: Sequence[int]) -> float:
        """Return the `eps` within which every image `[C, H, W]` lies; infinite if unknown."""
        return math.inf

    def widest(self, other: Self) -> Self:
        """Return what both allow together, as far as one sentence is to say it."""
        return self

    def words(self, sizes: str, where: str = "") -> str:
        """Say in a sentence what is allowed.

        Args:
            sizes: `eps`, or several, as people write them; empty for none.
            where: To put behind the subject, such as `, at the widest of its cells`.
        """
        return f"Budget{where}: {self.measured}, at most {sizes}." if sizes else ""

    def __str__(self) -> str:
        """Return what messages call it: `linf within 0.5`."""
        return f"{self.in_norm or self.word} within {self.eps}"

    def as_json(self) -> dict[str, Any]:
        """Return what the ledger keeps of it, as JSON values."""
        return {
            "threat": self.word,
            "norm": self.in_norm,
            "eps": None if self.eps is None else float(self.eps),
            "bounds": {
                name: [float(low), float(high)] for name, (low, high) in self.bounds.items()
            },
        }


@dataclass(frozen=True, kw_only=True)
class NormBall(Threat):
    """`"norm"`: any change whose norm is at most `eps`."""

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
        """Yield a budget or a step larger than the space of images: it is on another scale.

        Of `linf` alone this is known without an image's size.
        """
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
        """The norm."""
        return self.norm

    @property
    def measured(self) -> str:
        """The norm, as people write it."""
        return f"{NORMS[self.norm]} norm"

    @property
    def scale(self) -> str | None:
        """The norm: whoever measures it gets the same."""
        return self.norm

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
        return type(self)(eps=self.eps, ranges=tuple(ranges.items()))

    def words(self, sizes: str, where: str = "") -> str:
        """List the parameters; one whose name ends in `_seed` draws random numbers."""
        said = ", ".join(
            f"which random numbers are drawn ({name})"
            if name.endswith("_seed")
            else f"{name} between {float(low):.4g} and {float(high):.4g}"
            for name, (low, high) in self.ranges
        )
        return f"Budget{where}: {said}." if said else ""


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
        return cls(eps=float(plugin.eps), of_what=plugin.measure, distance=plugin.distance)

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

    @property
    def measured(self) -> str:
        """The attack's own words."""
        return self.of_what

    @property
    def scale(self) -> str | None:
        """Those words: the plugins in its parameters are the core's to add."""
        return self.of_what

    def measure(self, images: Tensor, clean: Tensor) -> Tensor:
        """Return what the attack's `distance` says."""
        if self.distance is None:
            return super().measure(images, clean)
        return self.distance(images, clean)


THREATS: Mapping[str, type[Threat]] = {
    cls.word: cls for cls in (NormBall, NearestFailure, Parametric, OwnDistance)
}
"""The threats that an attack may claim by a word."""
