"""What an adversary may do, as a value that measures, admits, compares and describes itself.

An attack says with `threat` which it stands for: one of four words, whose classes stand in
`threats`, or a class of its own that derives from `Threat`. The core, the ledger, the report and
the kit read the value and know no list of threats. It holds no engine: what is measured in which
blocks, and what happens where a budget is overstepped, is the engine's.
"""

from __future__ import annotations

import json
import math
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from adversity.distributions import stable_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch import Tensor

__all__ = [
    "NORMS",
    "Norm",
    "Threat",
    "distances",
    "place",
]

Norm = Literal["linf", "l2", "l1"]

NORMS: Mapping[str, str] = {"linf": "L∞", "l2": "L2", "l1": "L1"}
"""The norms as people write them."""
_OWN = 1e-5
"""Relative slack of a size that is no norm. On one type of CPU it is measured to the same bits,
since a network is called in blocks of a fixed size; on another device features may round to this."""


def distances(images: Tensor, clean: Tensor, norm: str) -> Tensor:
    """Return `[N]` float64 sizes of `images - clean` in `linf`, `l2` or `l1`."""
    delta = (images.double() - clean.double()).flatten(1)
    if norm == "linf":
        return delta.abs().amax(1)
    return delta.norm(dim=1) if norm == "l2" else delta.abs().sum(1)


def place(thing: Any) -> str:
    """Return where a class or a method is defined, which no two share."""
    return f"{stable_name(thing.__module__)}.{thing.__qualname__}"


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
        >>> Threat(eps=3).admits(3), Threat(eps=3).admits(4)
        (True, False)
    """

    word: ClassVar[str] = ""
    """What files and reports call this sort of threat, in snake_case."""
    nearest: ClassVar[bool] = False
    """The smallest size is looked for: what is found beyond `eps` is no fault, and no success."""
    knows_space: ClassVar[bool] = False
    """`whole_space` says from which `eps` on everything is admitted, so that a probe can use it. A
    class that derives from one that knows it says so itself, if its own limits allow it."""

    eps: float | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Inherit no `knows_space`: what a class adds may keep some images out at any size."""
        super().__init_subclass__(**kwargs)
        cls.knows_space = vars(cls).get("knows_space", False)

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
        """The norm, if every change within `eps` of it is allowed; None for another threat."""
        return None

    @property
    def lacks(self) -> str:
        """Why it limits nothing although it must; an attack with such a threat is refused."""
        return ""

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
        # The class and not its word: two distributions may call theirs the same.
        return (
            f"{place(type(self))}: {self.measured} {json.dumps(own, sort_keys=True, default=str)}"
        )

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
