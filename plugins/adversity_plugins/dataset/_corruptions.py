"""The corruptions and severities of ImageNet-C and CIFAR-C, as parameters name them."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar, get_args

from pydantic import Field

__all__ = ["BENCHMARK", "SEVERITIES", "Corruption", "Severity", "as_tuple", "each_once"]

T = TypeVar("T")
Corruption = Literal[
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "glass_blur",
    "motion_blur",
    "zoom_blur",
    "snow",
    "frost",
    "fog",
    "brightness",
    "contrast",
    "elastic_transform",
    "pixelate",
    "jpeg_compression",
    "speckle_noise",
    "gaussian_blur",
    "spatter",
    "saturate",
]
Severity = Annotated[int, Field(ge=1, le=5)]
SEVERITIES = 5
BENCHMARK: tuple[Corruption, ...] = get_args(Corruption)[:15]
"""Those that means are over; the other four are for choosing parameters."""


def as_tuple(value: T | tuple[T, ...]) -> tuple[T, ...]:
    """Return one value, or several, as a tuple."""
    return value if isinstance(value, tuple) else (value,)


def each_once(value: T) -> T:
    """Return the value of a parameter that is one or several.

    Raises:
        ValueError: If there are several and one comes twice, or there is none.
    """
    if isinstance(value, tuple) and (not value or len(set(value)) < len(value)):
        raise ValueError(f"must name each once, and one at least, got {list(value)}")
    return value
