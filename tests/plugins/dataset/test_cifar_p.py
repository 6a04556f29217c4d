"""CIFAR-10-P: which frame is which, where labels come from, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from cifar_files import LABELS, write_binary

from adversity.data.reading import Source
from adversity.errors import DataError
from adversity_plugins.dataset.cifar_p import CifarP

if TYPE_CHECKING:
    from pathlib import Path

N = len(LABELS)
LENGTHS = {"translate": 4, "shot_noise": 6}


def level(name: str, image: int, frame: int) -> int:
    """Return a grey level that no other frame of the copy has."""
    return 100 * list(LENGTHS).index(name) + 10 * image + frame


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two perturbations of six images: sequences of four and of six frames.

    As `make_cifar_p.py` in hendrycks/robustness stacks them: images, and in each its frames.
    """
    (tmp_path / "data/p").mkdir(parents=True)
    for name, frames in LENGTHS.items():
        levels = [[level(name, image, frame) for frame in range(frames)] for image in range(N)]
        sequences = np.array(levels, np.uint8)[:, :, None, None, None]
        np.save(tmp_path / f"data/p/{name}.npy", np.broadcast_to(sequences, (N, frames, 32, 32, 3)))
    write_binary(tmp_path / "data/test_batch.bin", np.zeros((N, 32, 32, 3), np.uint8))
    return tmp_path


def opened(root: Path, **given: Any) -> CifarP:
    data = CifarP(path="data/p", **{"perturbation": list(LENGTHS), **given})
    data.open(root)
    return data


def test_rows_are_images_and_frames_follow_each_other(root: Path) -> None:
    """Each frame is where the published code puts it: its grey level says which one it is."""
    data = opened(root)
    assert len(data) == data.at_most(root) == N * (4 + 6)
    for index in range(len(data)):
        sample = data.item(index)
        name, image, frame = sample.id.split("/")
        assert (sample.image == level(name, int(image), int(frame))).all()
        assert sample.attributes == {"perturbation": name, "frame": int(frame)}
        assert sample.group == image
        assert sample.target is None
    assert [data.item(index).id for index in (0, 1, 4)] == [
        "translate/00000/00",
        "translate/00000/01",
        "translate/00001/00",
    ]
    assert not Source(data).labelled


def test_labels_come_from_the_test_set_or_from_a_file(root: Path) -> None:
    """The same for all frames of an image; where both say something, they must agree."""
    labelled = opened(root, test_set="data/test_batch.bin", limit=3)
    assert [row.target for row in labelled.index()] == [
        label for frames in LENGTHS.values() for label in LABELS[:3] for _ in range(frames)
    ]
    np.save(root / "data/p/labels.npy", np.array(LABELS))
    assert opened(root).item(4).target == LABELS[1]
    np.save(root / "data/p/labels.npy", np.array(LABELS[::-1]))
    with pytest.raises(DataError, match="image 0 has 3 and should have 6"):
        opened(root, test_set="data/test_batch.bin")
    np.save(root / "data/p/labels.npy", np.array(LABELS[:3]))
    with pytest.raises(DataError, match="expected one label for each of 6 sequences, got 3"):
        opened(root)


def test_a_test_set_of_another_length_is_refused(root: Path) -> None:
    """Labels of other images would give accuracies of nothing."""
    write_binary(root / "data/test_batch.bin", np.zeros((2, 32, 32, 3), np.uint8), LABELS[:2])
    with pytest.raises(DataError, match="expected the 6 images whose sequences data/p has, got 2"):
        opened(root, test_set="data/test_batch.bin")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((30, 32, 32, 3), np.uint8), r"\(images, frames, 32, 32, 3\), got uint8 of shape"),
        (np.zeros((6, 4, 32, 32, 3)), "got float64"),
        (np.zeros((6, 0, 32, 32, 3), np.uint8), "expected uint8 of shape"),
        (
            np.zeros((5, 4, 32, 32, 3), np.uint8),
            r"got 5 in translate\.npy and 6 in shot_noise\.npy",
        ),
        (np.array([None] * 6), "cannot be mapped"),  # a pickle inside
    ],
    ids=str,
)
def test_other_files_are_refused(root: Path, values: np.ndarray[Any, Any], message: str) -> None:
    """With what was expected and what came."""
    np.save(root / "data/p/translate.npy", values)
    with pytest.raises(DataError, match=message):
        opened(root)


def test_missing_changed_and_too_few(root: Path) -> None:
    """A perturbation that is not there, a limit beyond the file, a file that is written to."""
    with pytest.raises(DataError, match=r"data/p/tilt\.npy: expected the sequences of tilt"):
        opened(root, perturbation="tilt")
    assert CifarP(path="data/p", perturbation="tilt").at_most(root) is None
    with pytest.raises(DataError, match="limit 7 is more than the 6 sequences"):
        opened(root, limit=7)
    data = opened(root)
    array = np.lib.format.open_memmap(root / "data/p/translate.npy", mode="r+")
    array[1, 0, 0, 0, 0] += 1
    array.flush()
    assert data.item(3).id == "translate/00000/03"
    with pytest.raises(DataError, match=r"translate\.npy changed during the run"):
        data.item(4)
