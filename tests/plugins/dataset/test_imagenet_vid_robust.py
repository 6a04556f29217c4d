"""ImageNet-Vid-Robust: which frames belong together, their classes, and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from adversity.errors import DataError
from adversity_plugins.dataset._imagenet_synsets import SYNSETS
from adversity_plugins.dataset._video_classes import CLASSES, MEMBERS
from adversity_plugins.dataset.imagenet_vid_robust import ImageNetVidRobust

if TYPE_CHECKING:
    from pathlib import Path

VIDEO = "val/ILSVRC2015_val_00004000"
OTHER = "val/ILSVRC2015_val_00000001"
SETS = {
    f"{VIDEO}/000087.JPEG": [f"{VIDEO}/000086.JPEG", f"{VIDEO}/000088.JPEG"],
    f"{OTHER}/000207.JPEG": [f"{OTHER}/000208.JPEG"],
}
LABELS = {name: [9, 17] for at in (86, 87, 88) for name in [f"{VIDEO}/{at:06d}.JPEG"]} | {
    f"{OTHER}/{at:06d}.JPEG": [26] for at in (207, 208)
}


def write(root: Path, sets: Any = SETS, labels: Any = LABELS) -> Path:
    """Write the published layout, a frame for each label."""
    folder = root / "data/v"
    for number, name in enumerate(LABELS):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((20, 24, 3), 10 * number, np.uint8)).save(folder / name)
    (folder / "metadata").mkdir(exist_ok=True)
    (folder / "metadata/pmsets.json").write_text(json.dumps(sets), encoding="utf-8")
    (folder / "metadata/labels.json").write_text(json.dumps(labels), encoding="utf-8")
    return root


def opened(root: Path, **given: Any) -> ImageNetVidRobust:
    data = ImageNetVidRobust(path="data/v", **given)
    data.open(root)
    return data


def test_frames_of_a_video_belong_together(tmp_path: Path) -> None:
    """Group, number, whether it is an anchor, and what else it shows: all that `pm_k` reads."""
    data = opened(write(tmp_path))
    said = {one.id: one for one in (data.item(index) for index in range(len(data)))}
    assert set(said) == set(LABELS)
    anchor = said[f"{VIDEO}/000087.JPEG"]
    assert anchor.group == "ILSVRC2015_val_00004000"
    assert anchor.attributes == {"frame": 87, "anchor": 1, "also": "monkey"}
    assert data.class_names[anchor.target] == "domestic_cat"
    turtle = said[f"{OTHER}/000208.JPEG"]
    assert turtle.attributes == {"frame": 208, "anchor": 0, "also": ""}
    assert data.class_names[turtle.target] == "turtle"
    assert data.describe()["anchors"] == data.describe()["videos"] == 2
    assert data.at_most(tmp_path) == 5
    assert len(opened(tmp_path, limit=1)) == 2


def test_classes_are_the_published_groups() -> None:
    """30 of them, of 288 of the 1 000, each of which is in one: imagenet-testbed has 14 400 images.

    That is `val-on-vid-robust-classes`, 50 images of each. Two members by name: 404 is an airliner
    and 388 the giant panda.
    """
    assert len(CLASSES) == 30
    assert list(CLASSES) == sorted(CLASSES)
    every = [synset for of in MEMBERS.values() for synset in of]
    assert len(every) == len(set(every)) == 14_400 / 50
    assert MEMBERS["airplane"] == ("n02690373",) == (SYNSETS[404],)
    assert MEMBERS["giant_panda"] == ("n02510455",)
    assert len(MEMBERS["dog"]) == 118


@pytest.mark.parametrize(
    ("sets", "labels", "message"),
    [
        ([], LABELS, "expected an object of lists of names"),
        ({"val/x/1.JPEG": [3]}, LABELS, "something else for 'val/x/1.JPEG'"),
        (SETS, {**LABELS, f"{VIDEO}/000086.JPEG": [30]}, "lists of classes from 0 to 29"),
        (SETS, {**LABELS, f"{VIDEO}/000086.JPEG": []}, "lists of classes from 0 to 29"),
        (SETS, {f"{VIDEO}/000087.JPEG": [1]}, "has no label in metadata/labels.json"),
        ({f"{VIDEO}/000090.JPEG": []}, LABELS, "is not there; unpack the whole archive"),
        ({"../../x.JPEG": []}, LABELS, "is not named val/VIDEO/FRAME.JPEG"),
    ],
    ids=str,
)
def test_other_metadata_are_refused(tmp_path: Path, sets: Any, labels: Any, message: str) -> None:
    """What was expected and what came; a name that leads elsewhere is followed nowhere."""
    with pytest.raises(DataError, match=message):
        opened(write(tmp_path, sets, labels))


def test_missing_files_are_named(tmp_path: Path) -> None:
    """And one that is no JSON; more anchors wanted than there are."""
    write(tmp_path)
    with pytest.raises(DataError, match="limit 3 is more than the 2 anchors"):
        opened(tmp_path, limit=3)
    (tmp_path / "data/v/metadata/pmsets.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match=r"pmsets\.json: expected JSON, got something else"):
        opened(tmp_path)
    (tmp_path / "data/v/metadata/pmsets.json").unlink()
    with pytest.raises(DataError, match=r"expected metadata/pmsets\.json, found no such file"):
        opened(tmp_path)
    assert ImageNetVidRobust(path="data/v").at_most(tmp_path) is None
