"""ExDark: what the authors' list says of each image, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from adversity.errors import DataError
from adversity_plugins.dataset.exdark import ExDark

if TYPE_CHECKING:
    from pathlib import Path

# Lines of the authors' imageclasslist.txt, and what its README says that they mean.
LIST = """Name | Class | Light | In/Out | Train/Val/Test
2015_00001.png 1 2 1 1
2015_00024.JPG 1 9 2 1
2015_00251.jpg 1 6 2 2
2015_00402.jpg 1 5 2 3
2015_00410.jpg 1 2 1 3
2015_00653.jpg 2 10 2 1
"""
MEANT = {
    "Bicycle/2015_00001.png": ("Bicycle", "ambient", "indoor", "train"),
    "Bicycle/2015_00024.JPG": ("Bicycle", "shadow", "outdoor", "train"),
    "Bicycle/2015_00251.jpg": ("Bicycle", "strong", "outdoor", "validation"),
    "Bicycle/2015_00402.jpg": ("Bicycle", "weak", "outdoor", "test"),
    "Bicycle/2015_00410.jpg": ("Bicycle", "ambient", "indoor", "test"),
    "Boat/2015_00653.jpg": ("Boat", "twilight", "outdoor", "train"),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Six images, each of another grey, and the list."""
    for number, file in enumerate(MEANT):
        path = tmp_path / "data/ExDark" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = "PNG" if path.suffix == ".png" else "JPEG"
        Image.new("L", (16, 24), 10 * number).save(path, format=kind)
    (tmp_path / "data/list.txt").write_text(LIST, encoding="utf-8")
    return tmp_path


def opened(root: Path, **given: Any) -> ExDark:
    data = ExDark(path="data/ExDark", listed="data/list.txt", **given)
    data.open(root)
    return data


@pytest.mark.parametrize("split", ["train", "validation", "test", "all"])
def test_the_list_says_class_light_place_and_split(root: Path, split: str) -> None:
    """As the authors number them: light 10 is twilight, 2 outdoor, set 3 the test set."""
    data = opened(root, split=split)
    expected = [file for file, meant in MEANT.items() if split in (meant[3], "all")]
    assert [row.id for row in data.index()] == sorted(expected)
    for index in range(len(data)):
        sample = data.item(index)
        name, light, place, _ = MEANT[sample.id]
        assert data.class_names[int(sample.target)] == name
        assert sample.attributes == {"light": light, "place": place}
        assert (sample.image == 10 * list(MEANT).index(sample.id)).all()
    assert len(data.class_names) == 12


def test_limit_is_of_each_class(root: Path) -> None:
    """The first by name, so that classes stay as even as they are."""
    assert [row.id for row in opened(root, split="all", limit=1).index()] == [
        "Bicycle/2015_00001.png",
        "Boat/2015_00653.jpg",
    ]
    assert ExDark(path="data/ExDark", listed="data/list.txt").at_most(root) == 6


def test_images_that_nobody_lists_are_left_out(root: Path) -> None:
    """With the reason; one in another class's folder is refused, since its label is not known."""
    place = root / "data/ExDark"
    (place / "Bicycle/extra.jpg").write_bytes((place / "Bicycle/2015_00402.jpg").read_bytes())
    data = opened(root)
    assert dict(data.quarantined)["Bicycle/extra.jpg"].startswith("is not in data/list.txt")
    assert len(data) == 2
    (place / "Boat/2015_00653.jpg").rename(place / "Bicycle/2015_00653.jpg")
    with pytest.raises(DataError, match="expected it in the folder Boat, as data"):
        opened(root)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("2015_00700.jpg 13 1 1 1", r"list\.txt:8: expected a class from 1 to 12, got '13'"),
        ("2015_00700.jpg 1 0 1 1", "expected a light from 1 to 10, got '0'"),
        ("2015_00700.jpg 1 1 1", "expected a name and 4 numbers, got 3 values"),
        ("2015_00700.jpg 1 1 x 1", "expected a place from 1 to 2, got 'x'"),
        (f"2015_00700.jpg 1 1 1 {'9' * 5000}", "expected a split from 1 to 3"),
        ("2015_00001.png 1 2 1 1", r"2015_00001\.png stands there twice"),
    ],
    ids=["class", "light", "short", "no number", "long", "twice"],
)
def test_a_wrong_list_is_refused_with_its_line(root: Path, line: str, message: str) -> None:
    """One that says something else than the authors' format."""
    (root / "data/list.txt").write_text(LIST + line + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=message):
        opened(root)


def test_nothing_to_read_is_refused(root: Path) -> None:
    """A part without an image, a folder that is another's, a list that is no text."""
    (root / "data/ExDark/Bicycle/2015_00251.jpg").unlink()
    with pytest.raises(DataError, match="expected images of the validation set as CLASS/NAME"):
        opened(root, split="validation")
    (root / "data/list.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match=r"data/list\.txt: cannot be read as UTF-8"):
        opened(root)
