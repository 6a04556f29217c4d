"""A lens of a database, at a focal length and an aperture, that can be shown and undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.errors import DataError
from adversity_plugins.optics import radial
from adversity_plugins.optics.lens_files import lens_of
from adversity_plugins.optics.lens_profile import profile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adversity import ProjectFolder
    from adversity_plugins.optics.lens_files import Lens
    from adversity_plugins.optics.lens_profile import Profile

__all__ = ["measured_lens"]


def measured_lens(
    database: ProjectFolder,
    name: str,
    *,
    focal: float,
    crop: float | None,
    aperture: float | None,
    distance: float | None,
    effects: Sequence[str] | None,
) -> Profile:
    """Return what a lens does.

    Args:
        database: A folder with XML files as lensfun's.
        name: Model, or maker and model.
        focal: In mm.
        crop: Crop factor of the camera; None: of the largest sensor that was measured.
        aperture: f-number; None: no vignetting.
        distance: Of the scene in m, for vignetting; None: far away.
        effects: Of `distortion`, `chromatic`, `vignetting`; None: all that was measured.

    Raises:
        DataError: If the files have not that lens at that focal length and aperture, or what they
            have cannot be undone.
    """
    lens = lens_of(database, name, crop)
    found = profile(
        lens,
        effects or _known(database, lens, aperture),
        focal=focal,
        crop=crop,
        aperture=aperture,
        distance=distance,
    )
    label = f"{database}: {lens.model} at {focal:g} mm"
    for numbers in (found.distortion, found.red, found.blue):
        radial.require_inverse(numbers, label)
    radial.require_light(found.vignetting, label)
    return found


def _known(database: ProjectFolder, lens: Lens, aperture: float | None) -> list[str]:
    known = [effect for effect in ("distortion", "chromatic") if lens.rows(effect)]
    if aperture is not None:
        known.append("vignetting")
    if not known:
        raise DataError(
            f"{database}: {lens.model}: expected a lens whose distortion or colours were "
            "measured, they were not; give aperture for its vignetting, or take another lens"
        )
    return known
