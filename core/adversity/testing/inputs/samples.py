"""Samples of data sets: a small folder of images, and what a sample must be."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity.contracts import Sample
from adversity.data.pixels import shapes_in_words
from adversity.data.targets import NUMBERS, number_fault
from adversity.shapes import GREY_AND_COLOUR

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["difference", "images_in", "sample_fault", "spelt", "targets_fault"]


def images_in(folder: Path) -> None:
    """Write six small PNG files into two class folders: colour and grey, of several sizes."""
    from PIL import Image

    from adversity.testing.inputs.images import scene

    sizes = ((3, 24, 32), (1, 32, 24), (3, 32, 32))
    for name in ("meadow", "street"):
        (folder / name).mkdir(parents=True)
        for number, size in enumerate(sizes):
            planes = scene(number + 10 * len(name), *size).numpy().transpose(1, 2, 0)
            pixels = (planes * 255).round().astype(np.uint8)
            drawn = Image.fromarray(pixels[:, :, 0] if size[0] == 1 else pixels)
            drawn.save(folder / name / f"{number}.png")


def spelt(sample: Sample) -> tuple[object, ...]:
    """Return a sample so that `==` compares it to the last bit; images by their SHA-256."""
    arrays = [
        (str(image.dtype), image.shape, hashlib.sha256(image.tobytes()).hexdigest())
        for image in (sample.image, sample.reference)
        if image is not None
    ]
    return sample.id, sample.target, sample.group, dict(sample.attributes), arrays


def difference(row: tuple[object, ...], other: tuple[object, ...]) -> str:
    """Name what differs between two samples that are spelt out."""
    names = ("id", "target", "group", "attributes", "pixels")
    return ", ".join(
        name for name, a, b in zip(names, row, other, strict=True) if repr(a) != repr(b)
    )


def sample_fault(sample: object, channels: Sequence[int] | None = GREY_AND_COLOUR) -> str | None:
    """Say what is wrong with a sample, or None if nothing is.

    Args:
        sample: As a data set gives it.
        channels: What the data set claims of its images.
    """
    if not isinstance(sample, Sample):
        return f"expected a Sample, got {type(sample).__name__}"
    faults = [
        _image_fault("image", sample.image, channels),
        None if sample.reference is None else _image_fault("reference", sample.reference, channels),
        _text_fault("group", sample.group) if sample.group is not None else None,
    ]
    for name, value in sample.attributes.items():
        if not isinstance(value, str | float | int):
            faults.append(f"expected a text or a number as attribute {name!r}, got {value!r}")
    return next((fault for fault in faults if fault is not None), None)


def _text_fault(what: str, value: object) -> str | None:
    return None if isinstance(value, str) else f"expected a text as {what}, got {value!r}"


def _image_fault(what: str, image: Any, channels: Sequence[int] | None) -> str | None:
    if not isinstance(image, np.ndarray):
        return f"expected {what} as a NumPy array, got {type(image).__name__}"
    count = image.shape[2] if image.ndim == 3 else 1
    claimed = channels is None or count in channels
    if 0 in image.shape or image.ndim not in (2, 3) or not claimed:
        shapes = shapes_in_words(channels)
        return f"expected {what} of shape {shapes}, got {list(image.shape)}"
    if image.dtype == np.uint8:
        return None
    if image.dtype != np.float32:
        return f"expected {what} as uint8 or float32, got {image.dtype}"
    low, high = float(image.min()), float(image.max())
    holds = low >= 0.0 and high <= 1.0  # NaN does not hold
    return None if holds else f"expected {what} in [0, 1], got {low:.6g} .. {high:.6g}"


def targets_fault(
    targets: Sequence[Any], class_names: Sequence[str], target_names: Sequence[str] = ()
) -> str | None:
    """Say what is wrong with targets and the names of what they are, or None.

    Args:
        targets: Class indices, or numbers; None where a sample has none.
        class_names: The classes that they index.
        target_names: What the numbers are; none where targets are classes.
    """
    if target_names:
        if class_names:
            return f"expected classes or target_names, got both: {list(target_names)[:5]}"
        fault = _names_fault("target_names", target_names)
        faults = (number_fault(each, target_names) for each in targets if each is not None)
        return fault or next((each for each in faults if each is not None), None)
    if (fault := _names_fault("class names", class_names)) is not None:
        return fault
    for target in targets:
        if target is None:
            continue
        whole = isinstance(target, int | np.integer) and not isinstance(target, bool)
        if not whole or not 0 <= int(target) < len(class_names):
            return (
                f"expected class indices from 0 to {len(class_names) - 1}, got {target!r}; "
                f"{NUMBERS}"
            )
    return None


def _names_fault(what: str, names: Sequence[str]) -> str | None:
    if len(set(names)) == len(names) and all(isinstance(name, str) and name for name in names):
        return None
    return f"expected {what} that are texts, each once, got {list(names)[:5]}"
