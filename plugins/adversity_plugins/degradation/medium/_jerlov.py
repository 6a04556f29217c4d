"""How fast light fades in the sea: the water types of Jerlov.

Reference: Jerlov, "Marine optics", 1976, table XXVII (downward irradiance attenuation
coefficients, in 1/m).
"""

from __future__ import annotations

from typing import Literal, TypeAlias

__all__ = ["ATTENUATION", "WaterType"]

WaterType: TypeAlias = Literal["I", "IA", "IB", "II", "III", "1C", "3C", "5C", "7C", "9C"]

ATTENUATION: dict[WaterType, tuple[float, float, float]] = {
    "I": (0.235, 0.043, 0.018),
    "IA": (0.24, 0.048, 0.025),
    "IB": (0.245, 0.054, 0.033),
    "II": (0.26, 0.076, 0.062),
    "III": (0.295, 0.116, 0.116),
    "1C": (0.3, 0.13, 0.17),
    "3C": (0.33, 0.2, 0.29),
    "5C": (0.4, 0.31, 0.43),
    "7C": (0.48, 0.49, 0.71),
    "9C": (0.6, 0.78, 1.23),
}
"""Of red, green and blue, 1/m: the table at 600, 525 and 475 nm."""
