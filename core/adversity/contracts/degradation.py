"""The promise of a degradation: worse images from clean ones, sample by sample."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import Field, model_validator

from adversity.contracts.kind import Kind
from adversity.contracts.plugin import PluginBase

if TYPE_CHECKING:
    from torch import Tensor

    from adversity.contracts.values import Degraded
    from adversity.seeding import SampleRng

__all__ = ["Degradation", "Severity"]

Severity = Annotated[int, Field(ge=1, le=5, description="1 (mild) to 5 (extreme)")]


class Degradation(PluginBase):
    '''Make images worse in one named way.

    `levels` maps each physical parameter that `severity` sets to its five values. Give
    `severity` or all physical parameters, never both; `level` resolves which holds.

    Example::

        from typing import ClassVar
        from adversity import Degradation, hookimpl

        class Darker(Degradation):
            """Multiply by a factor."""
            name: ClassVar[str] = "darker"
            factor: float = 0.5

            def degrade(self, images, rng):
                return images * self.factor

        @hookimpl
        def adversity_degradations():
            return [Darker]
    '''

    describes: ClassVar[Kind] = Kind(
        name="degradation",
        hook="adversity_degradations",
        noun="a degradation",
        role="view",
        makes="images",
        leaves="images",
        image_role="degraded",
        takes=("data", "images", "adversarial"),
        order=10,
        call="adversity.engine.calls.degradation_call:DegradationCall",
        public="adversity.engine.public.create:DegradationCall",
        kit="adversity.testing.kinds.degradation",
    )
    block_rows: ClassVar[int] = 1
    image_channels: ClassVar[tuple[int, ...] | None] = (1, 3)
    resizes: ClassVar[bool] = False
    """H and W of the output may differ from the input's."""
    levels: ClassVar[Mapping[str, tuple[float, float, float, float, float]]] = {}

    severity: Severity | None = None

    @model_validator(mode="after")
    def _one_way_to_say_how_much(self) -> Self:
        given = [name for name in self.levels if getattr(self, name) is not None]
        if not self.levels and self.severity is not None:
            raise ValueError("this degradation has no severities; give its parameters")
        if self.severity is not None and given:
            raise ValueError(f"severity excludes {', '.join(given)}; give one or the other")
        if self.levels and self.severity is None and not given:
            raise ValueError(f"give severity (1 to 5) or {', '.join(self.levels)}")
        missing = [name for name in self.levels if name not in given]
        if given and missing:
            raise ValueError(
                f"{', '.join(given)} without {', '.join(missing)}; give all of them, or severity "
                "(1 to 5), which sets them together"
            )
        return self

    @staticmethod
    def claim_faults(plugin: type[Degradation]) -> Iterator[str]:
        """Yield which levels are of no parameter, or no numbers."""
        for name, values in plugin.levels.items():
            if name not in plugin.model_fields:
                yield (
                    f"levels names {name!r}, which is no parameter; add it as a field "
                    f"`{name}: float | None = None` or correct the name"
                )
            elif not all(map(math.isfinite, values)):
                yield f"expected five finite levels of {name}, got {values!r}"

    def level(self, parameter: str) -> float:
        """Return a physical parameter: as given, or what `severity` stands for."""
        if self.severity is not None:
            return self.levels[parameter][self.severity - 1]
        return float(getattr(self, parameter))

    @abstractmethod
    def degrade(self, images: Tensor, rng: SampleRng) -> Tensor | Degraded:
        """Return worse images.

        Args:
            images: `[N, C, H, W]` float32 in [0, 1]; must not be changed.
            rng: The only source of randomness; row i for image i.

        Returns:
            `[N, C, H, W]` float32 in [0, 1], or `Degraded` with side information.
        """
