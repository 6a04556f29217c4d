"""The values that travel between plugins and the core."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from adversity.contracts.fit_data import FitData
from adversity.contracts.measure_info import MeasureInfo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from torch import Tensor

__all__ = [
    "Block",
    "Degraded",
    "FitData",
    "IndexRow",
    "Measure",
    "Perturbed",
    "Predictive",
    "Restored",
    "Sample",
    "State",
]

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sample:
    """One item of a data set.

    Attributes:
        image: `[H, W]` or `[H, W, C]`, uint8, or float32 in [0, 1]; EXIF applied. C is 3, or what
            the data set claims (`image_channels`).
        target: A class index; or what is to be estimated, a number or D numbers, where the data set
            has `target_names`; None where the sample has no label.
        id: Stable and unique within the data set.
        reference: The clean image where the data set has pairs, like `image`; of another size where
            the image shall be enlarged.
        group: Samples of one group (a patient, a video) are not independent.
        attributes: More columns for the tables, `attribute_` before their names.
    """

    image: np.ndarray[Any, Any]
    target: int | float | Sequence[float] | None
    id: str
    reference: np.ndarray[Any, Any] | None = None
    group: str | None = None
    attributes: Mapping[str, str | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IndexRow:
    """What a data set knows of a sample without decoding it again.

    Attributes:
        id, target, group, attributes: As in `Sample`.
        shape: `(H, W, C)` of the decoded image.
        content: SHA-256 of what the image is read from (its file, its raw values).
        pixels: `adversity.provenance.pixels_sha256` of the image, and of its reference where it
            has one, if they were decoded anyway; else the core does, to see which images are shared.
        reference: SHA-256 of what the reference is read from; demanded where a sample has one,
            since an edited partner changes what images are measured against.
        reference_shape: `(H, W, C)` of the decoded reference, where it is not that of the image.
    """

    id: str
    target: int | float | Sequence[float] | None
    shape: tuple[int, int, int]
    content: str
    group: str | None = None
    attributes: Mapping[str, str | float] = field(default_factory=dict)
    pixels: tuple[str, ...] = ()
    reference: str | None = None
    reference_shape: tuple[int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Degraded:
    """Degraded images and what a restoration may know of how they were made.

    Attributes:
        images: `[N, C, H, W]` float32 in [0, 1].
        side: Named tensors with first axis N (kernel, mask, sigma, transmission, depth).
    """

    images: Tensor
    side: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Restored:
    """Restored images and what the restoration found out of the degraded ones.

    Attributes:
        images: `[N, C, H, W]` float32 in [0, 1].
        found: Named float32 tensors with first axis N, about the images that came in; the same
            names always.
    """

    images: Tensor
    found: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Perturbed:
    """Adversarial images and the parameters that made them, where an attack has such.

    Attributes:
        images: `[N, C, H, W]` float32 in [0, 1].
        parameters: Named tensors with first axis N.
    """

    images: Tensor
    parameters: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Predictive:
    """What a model says of N samples.

    Attributes:
        probs: `[N, K]`, rows sum to 1; None for regression.
        logits: `[N, K]` where the classifier gives them.
        mean, variance: `[N, D]` for regression: what is expected, and the variance of the target
            around it; None where the model does not say how sure it is.
        members: `[M, N, K]` probabilities of an ensemble's members or draws.
        sets: `[N, K]` bool, prediction sets.
        accept: `[N]` bool, False where the model abstains.
        scores: Named `[N]`, higher = less sure.
        groups: N names of the groups that the samples are of, for a `Decide` that goes by them
            (`goes_by`), None for a sample without one; None as a whole for others.
    """

    probs: Tensor | None = None
    logits: Tensor | None = None
    mean: Tensor | None = None
    variance: Tensor | None = None
    members: Tensor | None = None
    sets: Tensor | None = None
    accept: Tensor | None = None
    scores: Mapping[str, Tensor] = field(default_factory=dict)
    groups: tuple[str | None, ...] | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of a fitting stream; what the source does not have is None.

    Attributes:
        ids: N sample ids.
        targets: `[N]` int64 class indices of the consumer; `[N, D]` float64 for a `Regressor`.
        images: `[N, C, H, W]` float32 in [0, 1].
        references: Clean images, like `images`, of a size of their own where they are larger.
        logits, probs: `[N, K]` of the upstream predictions; without logits, these are log p.
        features: `[N, D]` float32 of the classifier behind the upstream predictions.
        members: `[M, N, K]` float64, the members' probabilities as the upstream predictions keep
            them, rounded to float32.
        side: What degradations said of the images; kernels are padded to the block's largest.
        weights: `[N]` float64 above 0, what each sample counts; None where all count the same, and
            in each source but the first.
        groups: N names of groups, as in `Predictive`, for a `Decide` that goes by them; beside
            images those of `Sample.group`, where some sample has one.
    """

    ids: tuple[str, ...]
    targets: Tensor | None = None
    images: Tensor | None = None
    references: Tensor | None = None
    logits: Tensor | None = None
    probs: Tensor | None = None
    features: Tensor | None = None
    members: Tensor | None = None
    side: Mapping[str, Tensor] = field(default_factory=dict)
    weights: Tensor | None = None
    groups: tuple[str | None, ...] | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What fitting found: named arrays and JSON, saved by the core as safetensors."""

    arrays: Mapping[str, np.ndarray[Any, Any]] = field(default_factory=dict)
    info: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measure:
    """A number that can be trusted: value, interval, n and the convention it follows.

    Attributes:
        value: The number; NaN is not allowed, a measure that cannot be had is left out.
        n: How many samples it rests on.
        low, high: The interval at `level`, or None where the method has none.
        level: The interval's confidence level.
        method: How the interval was made, for example `wilson`.
        convention: What definition was used (bins, edge rule, range, window, ...).
        better: Which direction is good, `higher` or `lower`; None where neither is.
        unit: For example `dB` or `nats`; empty for a share.
        details: More arrays for plots (reliability bins, per-class values), JSON values; `plot`
            holds a `Plot`, which the report draws.
        info: What is known of it beforehand. The engine fills this in from what the metric
            declares, and unit and direction where they are missing.
    """

    value: float
    n: int
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    method: str | None = None
    convention: Mapping[str, Any] = field(default_factory=dict)
    better: str | None = None
    unit: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    info: MeasureInfo = field(default=MeasureInfo(), compare=False, repr=False)

    def known_as(self, info: MeasureInfo) -> Measure:
        """Return it with what is known of it; unit and direction are filled in where it has none."""
        return replace(
            self, info=info, unit=self.unit or info.unit, better=self.better or info.better
        )

    def as_json(self) -> JSON:
        """Return the measure as JSON values, without what is known of it beforehand."""
        record: JSON = {"value": self.value, "n": self.n}
        if self.low is not None and self.high is not None:
            record |= {
                "low": self.low,
                "high": self.high,
                "level": self.level,
                "method": self.method,
            }
        extra = {
            "convention": dict(self.convention),
            "better": self.better,
            "unit": self.unit,
            "details": dict(self.details),
        }
        return record | {key: value for key, value in extra.items() if value}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Measure:
        """Read back what `as_json` wrote."""
        return cls(**dict(record))
