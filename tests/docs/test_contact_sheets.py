"""The contact sheets show every built-in degradation and restoration, and what they name is there."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs/site"))

sheets = import_module("contact_sheets")


@pytest.mark.parametrize("name", sheets.SHEETS)
def test_a_sheet_has_a_place_for_each_plugin(name: str) -> None:
    """Otherwise run `python docs/site/contact_sheets.py`, look at it, and commit it."""
    sheet = sheets.SHEETS[name]
    with Image.open(ROOT / "docs/images" / sheet.file) as image:
        drawn = image.size
    assert drawn == sheet.size(), f"run `python docs/site/contact_sheets.py {name}`"


def test_every_degradation_and_restoration_is_drawn_or_said_not_to_be() -> None:
    """The sheets go through the registry; what is left out has no weights, and is there."""
    degradations, restorations = (sheets.built_in(kind) for kind in ("degradation", "restoration"))
    assert sorted([*sheets.IMAGENET_C, *sheets.degradations()]) == sorted(degradations)
    assert sorted([*sheets.pairs(), *sheets.NOT_DRAWN]) == sorted(restorations)
    assert set(sheets.pairs().values()) <= set(degradations)


def test_a_restoration_is_shown_at_work() -> None:
    """Median of impulse noise: both images differ from the clean one, the second one less."""
    clean = sheets.photo("astronaut")
    worse, better = sheets.restored("median", "impulse_noise", clean)
    assert sheets.psnr(clean, worse) + 5 < sheets.psnr(clean, better) < 40
