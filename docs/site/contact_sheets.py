"""Contact sheets for the docs: every degradation at five severities, every restoration at work.

Run `python docs/site/contact_sheets.py` and look at the sheets before you commit them. Names after
it draw those alone: `imagenet-c`, `degradations`, `restorations`.
"""

from __future__ import annotations

import sys
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from skimage import data

import adversity
from adversity.errors import WeightsError
from adversity.registry import discover
from adversity_plugins.metric._alexnet import ALEXNET

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "IMAGENET_C",
    "NOT_DRAWN",
    "SHEETS",
    "built_in",
    "degradations",
    "pairs",
    "photo",
    "psnr",
    "restored",
]

_IMAGES = Path(__file__).parents[1] / "images"
IMAGENET_C = [*ALEXNET, "speckle_noise", "gaussian_blur", "spatter", "saturate"]
NOT_DRAWN = {
    "all_in_one": "it is what it is given",
    "aod_net": "no package brings weights",
    "deblurgan_v2": "no package brings weights",
    "deepdeblur": "no package brings weights",
    "dncnn": "no package brings weights",
    **dict.fromkeys(
        [f"maxim_{task}" for task in ("deblur", "dehaze", "denoise", "derain", "enhance")],
        "its weights are fetched",
    ),
    "srn": "no package brings weights",
    "srcnn": "no package brings weights",
    "vdsr": "no package brings weights",
}
"""Restorations that cannot be shown, and why."""
_WITH: dict[str, dict[str, Any]] = {"bicubic": {"factor": 4}, "a_plus": {"factor": 4}}
_WITH["rfl"] = _WITH["self_ex"] = {"factor": 4}
_LEVELS: dict[str, list[dict[str, Any]]] = {"downsample": [{"factor": f} for f in (2, 4, 7, 8, 14)]}
"""Of degradations without severities."""
_LEVELS["compose"] = [
    {
        "parts": [
            {"uses": name, "with": {"severity": severity}}
            for name in ("motion_blur", "rain", "shot_noise", "faded")
        ],
        "count": 3,
        "order": "random",
    }
    for severity in range(1, 6)
]
_LEVELS["mosaic"] = [{"pattern": pattern} for pattern in ("RGGB", "BGGR", "GRBG", "GBRG")]
_LENS = {"database": "lenses", "lens": "Example 24-70mm f/2.8"}
_LEVELS["lens"] = [{**_LENS, "focal": focal} for focal in (24, 28, 35, 50, 70)]
_LEVELS["lens"][0]["aperture"] = _LEVELS["lens"][-1]["aperture"] = 2.8
_CAUSED = {"downsample": {"factor": 4}, "mosaic": {}, "lens": _LEVELS["lens"][0]}
_MOTION = {"severity": 3, "kernel": "random_motion"}
_BLIND = (
    "blind_camera_rotation",
    "blind_dark_channel",
    "blind_edge_patches",
    "blind_l0",
    "blind_normalised_sparsity",
)
_CAUSED |= dict.fromkeys(_BLIND, _MOTION)
"""What a restoration is shown with, where that is not severity 3."""
_SIDE, _LABEL = 224, 122
_DATA: Any = data  # its functions have no types


def degradations() -> list[str]:
    """Return the built-in degradations outside ImageNet-C."""
    return [name for name in built_in("degradation") if name not in IMAGENET_C]


def pairs() -> dict[str, str]:
    """Return each built-in restoration that is drawn, with the degradation it is for first."""
    found: dict[str, str] = {}
    for name, cls in built_in("restoration").items():
        if name not in NOT_DRAWN:
            found[name] = cls.restores[0]
    return found


def built_in(kind: str) -> dict[str, Any]:
    """Return the built-in plugins of a kind by name."""
    entries = discover().entries()
    return {e.name: e.cls for e in entries if e.kind == kind and e.built_in and e.cls is not None}


def photo(name: str) -> torch.Tensor:
    """Return `[1, 3, 224, 224]`: a photo of scikit-image, cut square and shrunk."""
    pixels = getattr(_DATA, name)()
    side = min(pixels.shape[:2])
    top, left = ((length - side) // 2 for length in pixels.shape[:2])
    square = Image.fromarray(pixels[top : top + side, left : left + side])
    small = np.asarray(square.resize((_SIDE, _SIDE), Image.Resampling.BOX)) / np.float32(255)
    return torch.from_numpy(small).permute(2, 0, 1)[None].contiguous()


@dataclass(frozen=True)
class Sheet:
    """An image with a place for each plugin.

    Attributes:
        file: In `docs/images`.
        places: How many plugins are drawn.
        place: Width and height of one's place.
        across: How many stand beside each other.
        fill: Draws what is on it.
        quality: Of the file, 0 to 100: a page's images are small.
    """

    file: str
    places: Callable[[], int]
    place: tuple[int, int]
    across: int
    fill: Callable[[Image.Image, Sheet], None]
    quality: int = 50

    def size(self) -> tuple[int, int]:
        """Return width and height."""
        width, height = self.place
        return self.across * width, -(-self.places() // self.across) * height

    def draw(self) -> None:
        """Draw it into its file."""
        image = Image.new("RGB", self.size(), "white")
        self.fill(image, self)
        image.save(_IMAGES / self.file, quality=self.quality, method=6)


def severities(names: list[str], image: Image.Image, sheet: Sheet) -> None:
    """Draw a row for each degradation: clean, then five levels."""
    clean, draw, shown = photo("chelsea"), ImageDraw.Draw(image), sheet.place[1]
    for row, name in enumerate(names):
        draw.text((4, row * shown + shown // 2 - 6), name, fill="black", font=_font())
        levels = _LEVELS.get(name, [{"severity": severity} for severity in range(1, 6)])
        for column, images in enumerate([clean, *(_made(name, given, clean) for given in levels)]):
            _put(image, images, (_LABEL + column * shown, row * shown), shown)


def _made(name: str, given: dict[str, Any], images: torch.Tensor) -> torch.Tensor:
    worse: torch.Tensor = _degradation(name, given)(images, seed=0)
    return worse


def _degradation(name: str, given: dict[str, Any]) -> Any:
    """Return a degradation; a lens is the one that its class writes."""
    with TemporaryDirectory() as folder, chdir(folder if name == "lens" else "."):
        built_in("degradation")[name].write_example_files(Path(folder))
        try:
            return adversity.create("degradation", name, **given)
        except WeightsError as error:
            raise SystemExit(str(error)) from error


def restorations(image: Image.Image, sheet: Sheet) -> None:
    """Draw clean, degraded (severity 3) and restored for each restoration, with PSNR in dB."""
    clean, draw, (wide, tall) = photo("astronaut"), ImageDraw.Draw(image), sheet.place
    shown = tall - 20
    for place, (name, cause) in enumerate(pairs().items()):
        left, top = place % sheet.across * wide, place // sheet.across * tall
        worse, better = restored(name, cause, clean)
        before, after = (psnr(clean, images) for images in (worse, better))
        words = f"{cause} {before:.1f} dB, {name} {after:.1f} dB"
        draw.text((left + 2, top + 2), words, fill="black", font=_font())
        for column, images in enumerate((clean, worse, better)):
            _put(image, images, (left + column * shown, top + 18), shown)


def restored(name: str, cause: str, clean: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return an image degraded by what a restoration is for, and restored."""
    made = _CAUSED.get(name, _CAUSED.get(cause, {"severity": 3}))
    degradation = _degradation(cause, made)
    restoration = adversity.create("restoration", name, **_WITH.get(name, {}))
    worse = degradation(clean, seed=0)
    if name in ("a_plus", "epll", "rfl"):
        others = [photo(other) for other in ("chelsea", "coffee", "rocket")]
        restoration = restoration.fit(torch.cat(others))
    needed = restoration.ready.plugin.needs
    return worse, restoration(worse, **{need: degradation.side[need] for need in needed})


def psnr(clean: torch.Tensor, images: torch.Tensor) -> float:
    """Return dB; of a smaller image that of its nearest neighbours."""
    if images.shape != clean.shape:
        images = torch.nn.functional.interpolate(images, clean.shape[2:])
    return float(-10 * (clean - images).square().mean().log10())


def _font() -> Any:
    return ImageFont.load_default(size=12)


def _put(sheet: Image.Image, images: torch.Tensor, place: tuple[int, int], shown: int) -> None:
    pixels = (images[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    tile = Image.fromarray(np.ascontiguousarray(pixels))
    small = Image.Resampling.NEAREST if tile.width < shown else Image.Resampling.BICUBIC
    sheet.paste(tile.resize((shown - 2, shown - 2), small), place)


SHEETS = {
    "imagenet-c": Sheet(
        "imagenet-c.webp",
        lambda: len(IMAGENET_C),
        (_LABEL + 6 * 98, 98),
        1,
        lambda image, sheet: severities(IMAGENET_C, image, sheet),
    ),
    "degradations": Sheet(
        "degradations.webp",
        lambda: len(degradations()),
        (_LABEL + 6 * 120, 120),
        1,
        lambda image, sheet: severities(degradations(), image, sheet),
    ),
    "restorations": Sheet(
        "restorations.webp", lambda: len(pairs()), (3 * 136 + 14, 156), 2, restorations, quality=23
    ),
}

if __name__ == "__main__":
    for name in sys.argv[1:] or SHEETS:
        SHEETS[name].draw()
