"""What a lens does at a focal length: polynomials of the distance from the image's centre.

lensfun's radius is 1 half the shorter side of the measured sensor from its centre, for vignetting
at its corner. Here it is 1 at the corner of the image for all of them, whatever its size:
coefficients of r^i are multiplied by the i-th power of how far the corner is.

Reference: lensfun's documentation, "lfDistortionModel", "lfTCAModel", "lfVignettingModel" and
"Coordinate systems", version 0.3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from xml.etree.ElementTree import Element

    from adversity_plugins.optics.lens_files import Lens

__all__ = ["Profile", "profile"]

Numbers = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """A lens at one focal length and aperture; r is 1 at the corner of the image.

    Attributes:
        distortion: d_0 to d_4: what is seen at r appears at r (d_0 + d_1 r + ... + d_4 r^4).
        red: v, c, b: red of what green shows at r appears at r (v + c r + b r^2).
        blue: As `red`.
        vignetting: k_1 to k_3: light is multiplied by 1 + k_1 r^2 + k_2 r^4 + k_3 r^6.
    """

    distortion: Numbers = (1.0, 0.0, 0.0, 0.0, 0.0)
    red: Numbers = (1.0, 0.0, 0.0)
    blue: Numbers = (1.0, 0.0, 0.0)
    vignetting: Numbers = (0.0, 0.0, 0.0)


def profile(
    lens: Lens,
    effects: Iterable[str],
    *,
    focal: float,
    crop: float | None,
    aperture: float | None,
    distance: float | None,
) -> Profile:
    """Return what a lens does; between two focal lengths coefficients are interpolated linearly.

    Args:
        lens: As it was measured.
        effects: `distortion`, `chromatic`, `vignetting`, each of which must be measured.
        focal: In mm.
        crop: Crop factor of the camera; None: of the sensor with which the lens was measured.
        aperture: f-number, one that was measured; for vignetting alone.
        distance: In m; the measured one that is nearest in 1 / m counts; None: the farthest.

    Raises:
        DataError: If one was not measured, or not there.
    """
    smaller = lens.crop / (crop or lens.crop)
    corner = smaller * math.hypot(lens.aspect, 1)
    found: dict[str, Numbers] = {}
    if "distortion" in effects:
        numbers = _between(lens, "distortion", _by_focal(lens, "distortion"), focal)
        found["distortion"] = _scaled(numbers, corner)
    if "chromatic" in effects:
        numbers = _between(lens, "chromatic", _by_focal(lens, "chromatic"), focal)
        found["red"], found["blue"] = _scaled(numbers[:3], corner), _scaled(numbers[3:], corner)
    if "vignetting" in effects:
        rows = _of_aperture(lens, aperture, distance)
        numbers = _between(lens, "vignetting", rows, focal)
        found["vignetting"] = _scaled((0.0, *numbers), smaller**2)[1:]
    return Profile(**found)


def _scaled(numbers: Iterable[float], unit: float) -> Numbers:
    return tuple(number * unit**power for power, number in enumerate(numbers))


def _by_focal(lens: Lens, effect: str) -> dict[float, Numbers]:
    """Return coefficients by focal length; the first row of one counts."""
    rows: dict[float, Numbers] = {}
    for row in lens.rows(effect):
        rows.setdefault(_number(lens, row, "focal", math.nan), _coefficients(lens, row))
    return rows


def _of_aperture(
    lens: Lens, aperture: float | None, distance: float | None
) -> dict[float, Numbers]:
    """Return coefficients of vignetting by focal length, at an aperture and a distance."""
    wanted = 0.0 if distance is None else 1 / distance
    best: dict[float, tuple[float, Numbers]] = {}
    known = set()
    for row in lens.rows("vignetting"):
        measured = _number(lens, row, "aperture", math.nan)
        known.add(measured)
        if aperture is None or not math.isclose(measured, aperture, rel_tol=0.01):
            continue
        away = abs(1 / _number(lens, row, "distance", 1000.0) - wanted)
        focal = _number(lens, row, "focal", math.nan)
        if focal not in best or away < best[focal][0]:
            best[focal] = away, _coefficients(lens, row)
    if known and not best:
        listed = ", ".join(f"{one:g}" for one in sorted(known))
        raise DataError(
            f"{lens.model}: expected an aperture at which vignetting was measured, {listed}, got "
            f"{aperture}"
        )
    return {focal: numbers for focal, (_, numbers) in best.items()}


def _between(lens: Lens, effect: str, rows: Mapping[float, Numbers], focal: float) -> Numbers:
    """Return the coefficients at a focal length, between those beside it."""
    if not rows:
        raise DataError(f"{lens.model}: expected a lens whose {effect} was measured, it was not")
    below = [one for one in rows if one <= focal]
    above = [one for one in rows if one >= focal]
    if not below or not above:
        raise DataError(
            f"{lens.model}: expected a focal length at which {effect} was measured, "
            f"{min(rows):g} to {max(rows):g} mm, got {focal:g}"
        )
    first, last = max(below), min(above)
    share = 0.0 if first == last else (focal - first) / (last - first)
    return tuple(
        (1 - share) * one + share * other
        for one, other in zip(rows[first], rows[last], strict=True)
    )


def _coefficients(lens: Lens, row: Element) -> Numbers:
    """Return the coefficients of a row, of all models of an effect in the same form."""
    model = row.get("model", "none")
    form = _FORMS.get((row.tag, model))
    if form is None:
        known = ", ".join(name for tag, name in _FORMS if tag == row.tag)
        raise DataError(f"{lens.model}: expected a model of {row.tag} of {known}, got {model!r}")
    return form(lambda name, default=0.0: _number(lens, row, name, default))


def _number(lens: Lens, row: Element, name: str, default: float) -> float:
    try:
        value = float(row.get(name, default))
    except ValueError:
        value = math.inf
    if not math.isfinite(value) or (name in ("focal", "aperture", "distance") and value <= 0):
        raise DataError(
            f"{lens.model}: expected a number {name} of {row.tag}, got {row.get(name)!r}"
        )
    return value


def _poly3(get: Callable[..., float]) -> Numbers:
    """Return poly3: r_d = r_u (1 - k1 + k1 r_u^2)."""
    return 1 - get("k1"), 0.0, get("k1"), 0.0, 0.0


def _poly5(get: Callable[..., float]) -> Numbers:
    """Return poly5: r_d = r_u (1 + k1 r_u^2 + k2 r_u^4)."""
    return 1.0, 0.0, get("k1"), 0.0, get("k2")


def _ptlens(get: Callable[..., float]) -> Numbers:
    """Return ptlens: r_d = r_u (a r_u^3 + b r_u^2 + c r_u + 1 - a - b - c)."""
    a, b, c = get("a"), get("b"), get("c")
    return 1 - a - b - c, c, b, a, 0.0


_FORMS: dict[tuple[str, str], Callable[[Callable[..., float]], Numbers]] = {
    ("distortion", "poly3"): _poly3,
    ("distortion", "poly5"): _poly5,
    ("distortion", "ptlens"): _ptlens,
    ("tca", "linear"): lambda get: (get("kr", 1.0), 0.0, 0.0, get("kb", 1.0), 0.0, 0.0),
    ("tca", "poly3"): lambda get: (
        *(get("vr", 1.0), get("cr"), get("br")),
        *(get("vb", 1.0), get("cb"), get("bb")),
    ),
    ("vignetting", "pa"): lambda get: (get("k1"), get("k2"), get("k3")),
}
