"""What data sets hold and what is wrong with them, as a person asks for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two folders of classes with a planted fault of each sort, and stand above them."""
    astronaut, cat, coffee = (
        Image.fromarray(np.asarray(getattr(data, name)()))
        for name in ("astronaut", "chelsea", "coffee")
    )
    for folder in ("train/people", "train/things", "test/things"):
        (tmp_path / folder).mkdir(parents=True)
    astronaut.save(tmp_path / "train/people/astronaut.png")
    astronaut.save(tmp_path / "train/things/rocket.png")
    cat.save(tmp_path / "train/things/cat.png")
    cat.resize((200, 150)).save(tmp_path / "train/things/small.jpg")
    coffee.save(tmp_path / "train/things/coffee.png")
    (tmp_path / "train/things/broken.png").write_bytes(b"\x89PNG\r\n\x1a\nxx")
    coffee.save(tmp_path / "test/things/mug <b>|.jpg", quality=40)
    cat.save(tmp_path / "test/things/cat.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_planted_fault_is_found(photos: Path, call: Callable[..., Any]) -> None:
    """And nothing else; equal images of two classes make the exit code 1."""
    answer = call("data", "check", "train", "test", "--json")
    assert answer.code == 1
    found = json.loads(answer.out)
    train, test = found["data"]
    assert train["classes"] == {"people": 1, "things": 4}
    assert [id_ for id_, _ in train["left_out"]] == ["things/broken.png"]
    twins = [["people/astronaut.png", "things/rocket.png"]]
    assert (train["disagreeing"], train["equal"]) == (twins, twins)
    assert train["alike"] == [["things/cat.png", "things/small.jpg"]]
    assert (test["disagreeing"], test["equal"], test["alike"]) == ([], [], [])
    (both,) = found["common"]
    assert both["equal"] == [["things/cat.png", "things/cat.png"]]
    assert sorted(both["alike"]) == [
        ["things/coffee.png", "things/mug <b>|.jpg"],
        ["things/small.jpg", "things/cat.png"],
    ]


def test_it_is_said_in_words(photos: Path, call: Callable[..., Any]) -> None:
    """A line for each data set, and one for each sort of finding."""
    answer = call("data", "check", "train", "test", "--no-look")
    assert "train: 5 images; 2 classes, 1 to 4 of each; content " in answer.out
    assert "! 1 image left out: things/broken.png: damaged" in answer.out
    assert "✗ equal images of different classes: 1: people/astronaut.png = things/r" in answer.out
    assert "! train and test share images: 1: things/cat.png = things/cat.png" in answer.out
    assert "look alike" not in answer.out
    assert call("data", "check", "test").code == 0


def test_cards_show_the_images_and_escape_names(photos: Path, call: Callable[..., Any]) -> None:
    """One page without a network, and Markdown whose tables hold."""
    answer = call("data", "check", "train", "test", "--cards", "cards")
    assert "written: cards/train.html" in answer.out
    page = (photos / "cards/test.html").read_text(encoding="utf-8")
    assert "mug &lt;b&gt;|.jpg" in page
    assert "<b>" not in page
    assert 'alt=""' not in page, "each image says which sample it is"
    assert "<th>" not in page, "heads say what they are heads of"
    assert "http" not in page.replace('http-equiv="Content-Security-Policy"', "")
    train = (photos / "cards/train.html").read_text(encoding="utf-8")
    assert train.count("data:image/png;base64,") == 6
    text = (photos / "cards/test.md").read_text(encoding="utf-8")
    assert "| Images that train has, too | 1, and 2 that look alike |" in text
    assert "mug <b>\\|.jpg" in text
    assert "| things/broken.png | damaged" in (photos / "cards/train.md").read_text(
        encoding="utf-8"
    )


def test_the_data_of_a_pipeline_are_looked_at_as_it_reads_them(
    project: Path, call: Callable[..., Any]
) -> None:
    """By their names in the file; what comes inside a package need not be written out before."""
    answer = call("data", "check", "pipelines/tiny.yaml", "--json", "--no-look")
    found = json.loads(answer.out)
    assert [(one["name"], one["images"]) for one in found["data"]] == [("train", 60), ("test", 24)]
    assert found["data"][0]["alike"] is None
    assert found["common"][0]["equal"] == []
    assert not (project / "data" / "digits").exists()


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "expected a pipeline file or folders of images, got nothing"),
        (["nowhere"], "got nowhere, which is neither"),
        ([".."], "expected a folder within"),
        (["train/things"], "train/things"),
    ],
)
def test_what_is_no_data_set_is_refused(
    photos: Path, call: Callable[..., Any], refused: Callable[..., str], names: list[str], said: str
) -> None:
    """One message."""
    refused(call("data", "check", *names), said)
