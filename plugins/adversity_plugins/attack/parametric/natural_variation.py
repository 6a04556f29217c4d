"""Natural variation: the adversary chooses the weather."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, PrivateAttr, ValidationError, field_validator, model_validator

from adversity import Attack, Degradation, Plugin
from adversity.contracts import Access, parse_fraction

if TYPE_CHECKING:
    from torch import Tensor

    from adversity import SampleRng, Target
    from adversity.contracts import Perturbed

__all__ = ["NaturalVariation"]

SEED = "noise_seed"
"""The parameter that says which noise a stochastic degradation draws."""
SEEDS = 2**32
"""How many there are; each is exact in float64."""
KEPT = 64
"""Degradations that are kept ready, each for other parameters."""


class NaturalVariation(Attack):
    """The worst severity or parameters of a degradation, for each image: the worst weather.

    `over` says what the adversary chooses: `{severity: [1, 5]}`, or parameters of the
    degradation, each with its lowest and highest value; what else it takes stands under its
    own `with`. `grid` tries every combination of `points` values of each, from the lowest
    upwards; `random` is the worst of `trials` draws, each image its own. Worst is the largest
    margin of a wrong class over the true one. With a degradation that draws random numbers the
    adversary chooses among `draws` of them as well: one, unless you say otherwise, so that it
    chooses the weather and not the luck. The noise is a parameter like the others
    (`noise_seed`), and the core replays it.

    Reference: Robey, Hassani, Pappas, "Model-based robust deep learning: generalizing to
    natural, out-of-distribution data", 2020: their inner maximisation, of which random search
    over the parameters of a model of variation is the sampling solver. We differ in that the
    model is any degradation, not a network that was trained for it, and in that solved images
    leave the search.
    """

    name: ClassVar[str] = "natural_variation"
    reference: ClassVar[str] = (
        "Robey, Hassani, Pappas, Model-based robust deep learning: generalizing to natural, "
        "out-of-distribution data, 2020"
    )
    threat = "parametric"
    access: ClassVar[Access] = "scores"
    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"degradation": {"uses": "gaussian_noise"}, "draws": 2},
        {
            "degradation": {"uses": "gaussian_blur"},
            "over": {"sigma_px": (0.3, 3.0)},
            "search": "random",
            "trials": 4,
            "early_stop": False,
        },
    )
    heavy: ClassVar[str] = "every severity of a degradation for each image"

    degradation: Annotated[
        Plugin[Degradation], Field(description="what makes the weather: {uses, with}")
    ]
    over: Annotated[
        Mapping[str, tuple[float, float]],
        Field(min_length=1, description="what is chosen, each with its lowest and highest value"),
    ] = {"severity": (1, 5)}
    search: Annotated[
        Literal["grid", "random"],
        Field(description="grid: every combination of `points`; random: `trials` drawn ones"),
    ] = "grid"
    points: Annotated[int, Field(ge=1, description="of the grid, for each parameter")] = 5
    trials: Annotated[int, Field(ge=1, description="of the random search")] = 25
    draws: Annotated[int, Field(ge=1, description="of a stochastic degradation's noise")] = 1
    early_stop: Annotated[bool, Field(description="whether solved images leave")] = True

    _ready: dict[tuple[float, ...], Plugin[Degradation]] = PrivateAttr(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _what_varies_is_given(cls, values: Any) -> Any:
        """Give the degradation the lowest value of what varies: it may not do without."""
        if not isinstance(values, dict) or not isinstance(values.get("degradation"), str | Mapping):
            return values
        given = values["degradation"]
        nested = {"uses": given} if isinstance(given, str) else dict(given)
        own, over = nested.get("with") or {}, values.get("over", cls.model_fields["over"].default)
        if not isinstance(own, Mapping) or not isinstance(over, Mapping):
            return values
        twice = [name for name in over if name in own]
        if twice:
            raise ValueError(
                f"over: {twice[0]} is what the adversary chooses; drop it from the degradation's "
                "with:"
            )
        lowest = {name: _lowest(ends) for name, ends in over.items()}
        return {**values, "degradation": {**nested, "with": {**own, **lowest}}}

    @field_validator("over", mode="before")
    @classmethod
    def _fractions(cls, over: Any) -> Any:
        """Read fractions such as 8/255 in the bounds."""
        if not isinstance(over, Mapping):
            return over
        return {name: _numbers(ends) for name, ends in over.items()}

    @model_validator(mode="after")
    def _varies(self) -> Self:
        inner: Any = self.degradation.plugin
        if inner.resizes:
            raise ValueError(
                f"degradation: {inner.name} changes the size of images, and an attack must not; "
                "name another"
            )
        for name, (low, high) in self.over.items():
            if name == SEED or name not in type(inner).model_fields:
                known = ", ".join(type(inner).model_fields)
                raise ValueError(f"over: {inner.name} has no parameter {name}; there is: {known}")
            if low > high:
                raise ValueError(f"over: expected {name}: [lowest, highest], got [{low}, {high}]")
        for end in (0, 1):
            self._refuse_end(tuple(ends[end] for ends in self.over.values()))
        return self

    def _refuse_end(self, values: tuple[float, ...]) -> None:
        try:
            self._varied(values)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = ".".join(map(str, first["loc"])) or "over"
            raise ValueError(
                f"over: the degradation refuses {dict(zip(self.over, values, strict=True))}: "
                f"{name}: {first['msg']}"
            ) from None

    def _varied(self, values: tuple[float, ...]) -> Plugin[Degradation]:
        """Return the degradation with these values of what varies, all else as it is."""
        given: dict[str, Any] = dict(zip(self.over, values, strict=True))
        inner = self.degradation.plugin
        if any(name in inner.levels for name in given):
            given = {"severity": None, **{name: inner.level(name) for name in inner.levels}} | given
        return self.degradation.varied(**given)

    @property
    def whole(self) -> tuple[bool, ...]:
        """Which of what varies takes whole numbers only, in the order of `over`."""
        inner = self._varied(tuple(low for low, _ in self.over.values())).plugin
        return tuple(isinstance(getattr(inner, name), int) for name in self.over)

    @property
    def bounds(self) -> Mapping[str, tuple[float, float]]:
        """What varies, and which noise is drawn where the degradation draws any."""
        seeds = {SEED: (0.0, SEEDS - 1.0)} if self.degradation.plugin.stochastic else {}
        return {**self.over, **seeds}

    def apply(self, images: Tensor, parameters: Mapping[str, Tensor]) -> Tensor:
        """Degrade each image with its own parameters and its own noise."""
        import torch

        from adversity import SampleRng

        rows: dict[tuple[float, ...], list[int]] = {}
        values = torch.stack([parameters[name].double() for name in self.over], 1)
        for row, setting in enumerate(values.tolist()):
            rows.setdefault(tuple(setting), []).append(row)
        seeds = parameters[SEED].long().tolist() if SEED in parameters else [0] * len(images)
        worse = torch.empty_like(images)
        for setting, index in rows.items():
            rng = SampleRng(seed=0, step=self.name, ids=[str(seeds[row]) for row in index])
            worse[index] = self._weather(setting)(images[index], rng)
        return worse

    def _weather(self, values: tuple[float, ...]) -> Plugin[Degradation]:
        """Return the degradation with these values, ready; the last few are kept."""
        if values not in self._ready:
            if len(self._ready) >= KEPT:
                self._ready.clear()
            self._ready[values] = self._varied(values)
        return self._ready[values]

    def perturb(self, target: Target, images: Tensor, labels: Tensor, rng: SampleRng) -> Perturbed:
        """Return each image in the worst weather that was tried."""
        from adversity.contracts import Perturbed
        from adversity_plugins.attack.parametric._natural_variation_search import (
            Search,
            grid_of,
            random_of,
        )

        ranges = tuple(zip(self.over.values(), self.whole, strict=True))
        draws = self.draws if self.degradation.plugin.stochastic else 1
        seeds = [rng.child(("noise", draw)).integers(0, SEEDS) for draw in range(draws)]
        search = Search(target, images, labels, self.apply, tuple(self.bounds))
        tried = (
            grid_of(ranges, self.points, len(images))
            if self.search == "grid"
            else random_of(ranges, self.trials, rng)
        )
        for values in tried:
            for seed in seeds:
                if not search.over:
                    search.look(values, seed, early_stop=self.early_stop)
        return Perturbed(self.apply(images, search.parameters), search.parameters)


def _numbers(ends: Any) -> Any:
    if not isinstance(ends, list | tuple):
        return ends
    read = (parse_fraction(end) if isinstance(end, str) else end for end in ends)
    return tuple(end if value is None else value for end, value in zip(ends, read, strict=True))


def _lowest(ends: Any) -> Any:
    values = _numbers(ends)
    return values[0] if isinstance(values, tuple) and values else values
