"""Measured lenses, from files as lensfun has them.

They are XML: of each lens maker and model, the crop factor and aspect ratio of the sensor with
which it was measured, and rows of coefficients by focal length. Files are read by expat with
nothing but elements and attributes: one that declares an entity is refused, and no other file is
opened, so that a file can neither grow when it is read nor show what lies elsewhere. This needs
no package: `defusedxml` does the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from adversity.did_you_mean import did_you_mean
from adversity.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from adversity import ProjectFolder

__all__ = ["Lens", "lens_of", "write_example"]

_EXAMPLE = """<lensdatabase version="1"><lens>
<maker>Example</maker><model>Example 24-70mm f/2.8</model><mount>Any</mount>
<cropfactor>1</cropfactor><calibration>
<distortion model="ptlens" focal="24" a="0.02" b="-0.07" c="0.01"/>
<distortion model="poly3" focal="35" k1="-0.03"/>
<distortion model="poly5" focal="70" k1="0.04" k2="0.005"/>
<tca model="poly3" focal="24" vr="1.002" br="0.001" vb="0.998" bb="-0.001"/>
<tca model="linear" focal="70" kr="0.998" kb="1.003"/>
<vignetting model="pa" focal="24" aperture="2.8" distance="1000" k1="-0.6" k2="-0.2" k3="0.1"/>
<vignetting model="pa" focal="70" aperture="2.8" distance="1000" k1="-0.4" k2="-0.3" k3="0.1"/>
</calibration></lens></lensdatabase>
"""
_LARGER = 1.04
"""A sensor so much larger than the one that was measured still counts as of the same size: crop
factors are rounded."""


@dataclass(frozen=True, slots=True)
class Lens:
    """A lens as it was measured on one sensor.

    Attributes:
        model: Its name.
        crop: Crop factor of the sensor.
        aspect: Longer over shorter side of the sensor.
        element: What the file has of it.
    """

    model: str
    crop: float
    aspect: float
    element: Element

    def rows(self, effect: str) -> list[Element]:
        """Return what was measured of `distortion`, `chromatic` or `vignetting`."""
        return list(self.element.iter("tca" if effect == "chromatic" else effect))


def lens_of(folder: ProjectFolder, name: str, crop: float | None) -> Lens:
    """Return a lens, measured on the sensor nearest in size to one that is no larger.

    Args:
        folder: With XML files such as lensfun's.
        name: Model, or maker and model; upper and lower case are the same.
        crop: Crop factor of the camera; None: of the largest sensor with which it was measured.

    Raises:
        DataError: If a file is none of lensfun's, or none has the lens for such a sensor.
    """
    found: dict[str, list[Lens]] = {}
    for lens, makers in _lenses(folder):
        names = {lens.model, *(f"{maker} {lens.model}" for maker in makers)}
        for known in {one.casefold() for one in names}:
            found.setdefault(known, []).append(lens)
    if not found:
        raise DataError(f"{folder}: expected XML files with lenses, as lensfun's, got none")
    lenses = found.get(name.casefold())
    if lenses is None:
        names = {lens.model for some in found.values() for lens in some}
        hint = did_you_mean(name, names, f"it has {len(names)}, such as {min(names)}")
        raise DataError(f"{folder}: expected a lens that is measured there, got {name!r}; {hint}")
    if crop is None:
        return min(lenses, key=lambda lens: lens.crop)
    fitting = [lens for lens in lenses if lens.crop <= crop * _LARGER]
    if not fitting:
        known = ", ".join(f"{lens.crop:g}" for lens in lenses)
        raise DataError(
            f"{folder}: {name} was measured on sensors of crop factor {known} alone, which are "
            f"smaller than one of {crop:g}: what it does beyond them is not known"
        )
    return max(fitting, key=lambda lens: lens.crop)


def write_example(folder: Path) -> None:
    """Write a lens that is none, with every model, into the folder `lenses` of a folder."""
    (folder / "lenses").mkdir(exist_ok=True)
    (folder / "lenses" / "example.xml").write_text(_EXAMPLE, encoding="utf-8")


def _lenses(folder: ProjectFolder) -> Iterator[tuple[Lens, list[str]]]:
    """Yield the lenses of all files with their makers' names."""
    for file in folder.files():
        if not file.endswith(".xml"):
            continue
        for element in _tree(folder, file).iter("lens"):
            models = [one.text for one in element.findall("model") if not one.attrib]
            makers = [one.text.strip() for one in element.findall("maker") if one.text]
            try:
                crop = float(element.findtext("cropfactor", ""))
                aspect = _ratio(element.findtext("aspect-ratio", "3:2"))
            except (ValueError, ZeroDivisionError):
                continue
            if models and models[0] and crop > 0 and aspect > 0:
                yield Lens(models[0].strip(), crop, aspect, element), makers


def _ratio(text: str) -> float:
    """Return `4:3` or `1.333` as a number, at least 1."""
    above, _, below = text.partition(":")
    ratio = float(above) / float(below or 1)
    return max(ratio, 1 / ratio)


def _tree(folder: ProjectFolder, file: str) -> Element:
    """Read a file, without entities and whatever it refers to."""
    builder, parser = TreeBuilder(), expat.ParserCreate()

    def refused(name: str, *_: object) -> None:
        raise DataError(
            f"{folder}: {file}: expected elements and attributes, got the entity {name!r}, which "
            "lensfun's files have not; take the file out of the folder"
        )

    parser.EntityDeclHandler = refused
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse((folder.path / file).read_bytes(), True)  # noqa: FBT003  (expat's own)
        return builder.close()
    except DataError:
        raise
    except (OSError, expat.ExpatError, ValueError, LookupError) as error:
        raise DataError(f"{folder}: {file}: expected XML, which it is not: {error}") from error
