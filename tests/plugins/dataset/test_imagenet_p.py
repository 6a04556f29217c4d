"""ImageNet-P: which frame is which, in what colours, and what is refused or left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from adversity.data.reading import Source
from adversity.errors import DataError
from adversity_plugins.dataset import _video_frames, imagenet_p
from adversity_plugins.dataset._read_images.decode import Unreadable
from adversity_plugins.dataset._video_frames import frames_in, write_mp4
from adversity_plugins.dataset.imagenet_p import ImageNetP

if TYPE_CHECKING:
    from pathlib import Path

LENGTHS = {"digital/tilt": 4, "noise/gaussian_noise_2": 6}
IMAGES = ("n01440764/ILSVRC2012_val_00000293", "n01443537/ILSVRC2012_val_00000236")
LOSS = 4
"""MPEG-4 is lossy: of plain grey frames it keeps the mean to within this; levels are ten apart."""


def level(name: str, image: str, frame: int) -> int:
    """Return a grey level that no other frame of the copy has, ten from the next."""
    return 10 * (frame + 6 * IMAGES.index(image) + 12 * list(LENGTHS).index(name))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two perturbations of two images: sequences of four and of six plain grey frames."""
    for name, frames in LENGTHS.items():
        for image in IMAGES:
            file = tmp_path / "data" / "p" / name / f"{image}.mp4"
            file.parent.mkdir(parents=True)
            levels = [level(name, image, frame) for frame in range(frames)]
            write_mp4(file, [np.full((24, 32, 3), value, np.uint8) for value in levels])
    return tmp_path


BOTH = ("tilt", "gaussian_noise_2")


def opened(root: Path, **given: Any) -> ImageNetP:
    data = ImageNetP(**{"path": "data/p", "perturbation": BOTH, **given})
    data.open(root)
    return data


def test_frames_are_where_the_layout_has_them(root: Path) -> None:
    """Its level says which frame it is; the folders above the perturbations do not matter."""
    data = opened(root)
    assert len(data) == 2 * (4 + 6)
    kinds = {name.rpartition("/")[2]: name for name in LENGTHS}
    for index in range(len(data)):
        sample = data.item(index)
        perturbation, synset, image, frame = sample.id.split("/")
        expected = level(kinds[perturbation], f"{synset}/{image}", int(frame))
        assert sample.image.shape == (24, 32, 3)
        assert abs(sample.image.mean() - expected) <= LOSS
        assert sample.attributes == {"perturbation": perturbation, "frame": int(frame)}
        assert sample.group == f"{synset}/{image}"
        assert data.class_names[sample.target] == synset
    assert data.class_names == ("n01440764", "n01443537")
    assert data.describe()["perturbations"] == sorted(BOTH)


def test_red_is_red(tmp_path: Path) -> None:
    """Channels are in the order of images, not in OpenCV's; by how much colours may be off: 40."""
    frame = np.zeros((32, 32, 3), np.uint8)
    frame[..., 0] = 200
    write_mp4(tmp_path / "red.mp4", [frame, frame])
    red, green, blue = frames_in(tmp_path / "red.mp4")[1].reshape(-1, 3).mean(axis=0)
    assert red > 160
    assert max(green, blue) < 40


def test_a_larger_set_is_decoded_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same frames in any order, whether they stay in memory or not; each file once in order."""
    kept = [opened(root).item(index).image for index in range(20)]
    monkeypatch.setattr(imagenet_p, "_REMEMBERED_BYTES", 0)
    data, calls = opened(root), []
    monkeypatch.setattr(imagenet_p, "frames_in", lambda file: calls.append(file) or frames_in(file))
    for index in (7, 0, 19, *range(20)):
        assert np.array_equal(data.item(index).image, kept[index])
    assert len(calls) == 3 + 4


def test_the_benchmarks_perturbations_are_read_where_none_is_named(root: Path) -> None:
    """Not the other difficulties; `limit` counts images."""
    data = opened(root, perturbation=None, limit=1)
    assert {data.item(index).attributes["perturbation"] for index in range(len(data))} == {"tilt"}
    assert len(data) == 4
    assert data.describe()["other_videos"] == 3


def test_sequences_reach_the_metric(root: Path) -> None:
    """As the engine opens data sets, with a fingerprint of the frames."""
    source = Source(opened(root))
    assert len(source.content) == 64
    (root / "data/p/digital/tilt" / f"{IMAGES[0]}.mp4").write_bytes(
        (root / "data/p/digital/tilt" / f"{IMAGES[1]}.mp4").read_bytes()
    )
    assert Source(opened(root)).content != source.content


def test_damaged_videos_are_left_out_and_named(root: Path) -> None:
    """Cut short, empty, or a list of other files that FFmpeg would follow."""
    whole = (root / "data/p/digital/tilt" / f"{IMAGES[0]}.mp4").read_bytes()
    for number, content in enumerate((whole[: len(whole) // 2], b"", b"#EXTM3U\nhttp://h/x.ts\n")):
        for name in LENGTHS:
            place = root / "data/p" / name / f"n0144000{number}" / "a.mp4"
            place.parent.mkdir()
            place.write_bytes(content)
    data = opened(root)
    assert len(data) == 20
    assert dict(data.quarantined)["tilt/n01440002/a"] == "is no MP4 file"
    assert len(data.quarantined) == 6


def test_a_video_that_lacks_frames_is_no_video(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FFmpeg would stop in silence."""
    import cv2

    class Short:
        def __init__(self, *given: Any) -> None:
            self._inner, self._left = real(*given), 2

        def read(self) -> Any:
            self._left -= 1
            return self._inner.read() if self._left >= 0 else (False, None)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

    real = cv2.VideoCapture
    monkeypatch.setattr(cv2, "VideoCapture", Short)
    with pytest.raises(Unreadable, match="can be decoded for 2 of its 4 frames"):
        frames_in(root / "data/p/digital/tilt" / f"{IMAGES[0]}.mp4")


def test_a_file_that_changes_during_the_run_is_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other frames, fewer frames, or no video any more."""
    monkeypatch.setattr(imagenet_p, "_REMEMBERED_BYTES", 0)
    file = root / "data/p/digital/tilt" / f"{IMAGES[0]}.mp4"
    for content in (
        (root / "data/p/digital/tilt" / f"{IMAGES[1]}.mp4").read_bytes(),
        b"nothing",
    ):
        data = opened(root)
        place = [row.id for row in data.index()].index(f"tilt/{IMAGES[0]}/00")
        before = file.read_bytes()
        file.write_bytes(content)
        with pytest.raises(DataError, match="changed during the run"):
            data.item(place)
        file.write_bytes(before)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"perturbation": "snow"}, "expected the perturbations snow, found gaussian_noise_2, tilt"),
        ({"limit": 3}, "limit 3 is more than the 2 images"),
        ({"path": "data/p/empty"}, "expected videos as PERTURBATION/WNID/NAME"),
    ],
)
def test_what_is_not_there_is_refused(root: Path, given: dict[str, Any], said: str) -> None:
    """With what is."""
    (root / "data/p/empty").mkdir()
    with pytest.raises(DataError, match=said.replace("(", r"\(")):
        opened(root, **given)


def test_perturbations_hold_the_same_images_once(root: Path) -> None:
    """One that is missing would be another benchmark, and one that is there twice counts double."""
    file = root / "data/p/noise/gaussian_noise_2" / f"{IMAGES[1]}.mp4"
    content = file.read_bytes()
    file.unlink()
    with pytest.raises(DataError, match="gaussian_noise_2 lacks 1 of the 2 images, such as n01443"):
        opened(root)
    file.write_bytes(content)
    again = root / "data/p/copy/gaussian_noise_2" / f"{IMAGES[1]}.mp4"
    again.parent.mkdir(parents=True)
    again.write_bytes(content)
    with pytest.raises(DataError, match="is there twice"):
        opened(root)


def test_without_opencv_the_command_is_said(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not among what comes with the product."""
    monkeypatch.setattr(_video_frames, "can_decode", lambda: False)
    with pytest.raises(DataError, match=r"needs OpenCV.*adversity\[video\]"):
        opened(root)
