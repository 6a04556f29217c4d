"""The images of `docs/gallery.md`: `python docs/site/gallery.py`, with a folder to work in if given.

Each is a part of a report, photographed by headless Chromium. The pipelines are run as the page
says, into a folder of their own; what is there from an earlier call is not computed again.
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, ImageChops

import adversity
from adversity_flows.cli.pdf import browser

__all__ = ["RUNS", "SHOTS", "Shot", "draw"]

_ROOT = Path(__file__).parents[2]
_IMAGES = _ROOT / "docs" / "images"
RUNS = {
    "enhance_classify_attack_report": (),
    "digits_under_adversity": ("data.test.with.limit=150",),
    "attack_the_defence": ("data.test.with.limit=40",),
}
"""The pipelines, with what is set for a small run."""


_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
"""What forbids a page to have another style than its own: the copy that is photographed has one."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One image of the page.

    Attributes:
        name: Of the file, without its end.
        pipeline: Which report.
        section: The id of the one section that is shown; empty for the top of the page.
        width: Of the window, pixels.
        height: At most so much is shown.
        dark: In dark colours.
    """

    name: str
    pipeline: str
    section: str = ""
    width: int = 1000
    height: int = 900
    dark: bool = False


_PHOTOS, _DIGITS, _DEFENCE = RUNS
SHOTS = (
    Shot("gallery-photos", _PHOTOS, width=1280, height=1040),
    Shot("gallery-photos-phone", _PHOTOS, width=390, height=844, dark=True),
    Shot("gallery-photos-images", _PHOTOS, "images", height=1100),
    Shot("gallery-digits-accuracy", _DIGITS, "accuracy"),
    Shot("gallery-digits-attacks", _DIGITS, "attacks", height=680),
    Shot("gallery-digits-uncertainty", _DIGITS, "uncertainty", height=530),
    Shot("gallery-defence", _DEFENCE, height=700),
    Shot("gallery-defence-gap", _DEFENCE, "illusion", height=1000),
)


def draw(work: Path) -> None:
    """Run the pipelines and draw every image.

    Raises:
        SystemExit: If there is no browser.
    """
    found = browser()
    if found is None:
        raise SystemExit("expected Chromium or Chrome to draw with, got none; install one")
    pages = {
        name: adversity.run(
            _ROOT / "pipelines" / f"{name}.yaml", into=work / name, root=_ROOT, overrides=changed
        ).report
        for name, changed in RUNS.items()
    }
    for shot in SHOTS:
        raw = work / f"{shot.name}.png"
        _photograph(found, pages[shot.pipeline], shot, raw)
        with Image.open(raw) as image:
            _cut(image.convert("RGB")).save(_IMAGES / f"{shot.name}.webp", quality=80, method=6)
        sys.stdout.write(
            f"{shot.name}.webp: {(_IMAGES / f'{shot.name}.webp').stat().st_size:,} bytes\n"
        )


def _photograph(found: str, page: Path, shot: Shot, raw: Path) -> None:
    """Draw the page, or one section of a copy that shows nothing else, and cut what is empty."""
    text = page.read_text(encoding="utf-8")
    if shot.section:
        if f'id="{shot.section}"' not in text:
            raise SystemExit(f"{page}: expected a section {shot.section}, got none")
        hidden = f"body > :not(main), main > :not(#{shot.section}) {{display: none !important}}"
        text = _POLICY.sub("", text).replace("</head>", f"<style>{hidden}</style></head>", 1)
    copy = raw.with_suffix(".html")
    copy.write_text(text, encoding="utf-8")
    with TemporaryDirectory(prefix="adversity-gallery-") as profile:
        subprocess.run(
            [
                found,
                "--headless",
                "--no-sandbox",
                "--hide-scrollbars",
                f"--user-data-dir={profile}",
                f"--blink-settings=preferredColorScheme={0 if shot.dark else 1}",
                f"--window-size={shot.width},{shot.height}",
                f"--screenshot={raw}",
                copy.as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=300,
        )


def _cut(image: Image.Image) -> Image.Image:
    """Return the image without what is empty at its bottom, but for a margin."""
    plain = Image.new("RGB", image.size, image.getpixel((image.width - 1, image.height - 1)))
    box = ImageChops.difference(image, plain).getbbox()
    return image if box is None else image.crop((0, 0, image.width, min(box[3] + 16, image.height)))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        draw(Path(sys.argv[1]).resolve())
    else:
        with TemporaryDirectory(prefix="adversity-gallery-") as folder:
            draw(Path(folder))
