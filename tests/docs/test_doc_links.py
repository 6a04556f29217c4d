"""Links between the pages lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"")
_IMAGE_BYTES = 300_000


def anchors(page: Path) -> set[str]:
    """Return the anchors that a page's headings get on GitHub."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", head.lower()) for head in heads]
    return {head.replace(" ", "-") for head in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_inside_the_project_lead_to_a_file_and_a_heading(page: Path) -> None:
    """A relative link names a file of the project, and its anchor a heading of that page."""
    for pair in _LINK.findall(page.read_text(encoding="utf-8")):
        link = pair[0] or pair[1]
        if link.startswith(("http:", "https:", "mailto:")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize("folder", ["docs", "docs/api"])
def test_every_page_is_linked_from_the_index(folder: str) -> None:
    """A page that the index does not name is not found."""
    index = (ROOT / folder / "index.md").read_text(encoding="utf-8")
    for page in (ROOT / folder).rglob("*.md"):
        name = page.relative_to(ROOT / folder).as_posix()
        nested = folder == "docs" and name.startswith("api/")
        assert nested or name == "index.md" or f"({name}" in index, name


def test_images_are_small() -> None:
    """An image that takes long to load is not looked at."""
    images = sorted((ROOT / "docs/images").glob("*.*"))
    assert {image.suffix for image in images} == {".png", ".webp"}
    for image in images:
        assert image.stat().st_size < _IMAGE_BYTES, image.name
