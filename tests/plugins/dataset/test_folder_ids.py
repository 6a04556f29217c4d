"""Samples of a folder that are known by their content: moved or renamed, they stay the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

import adversity
from adversity.data.reading import Source
from adversity.provenance import pixels_sha256
from adversity_plugins.dataset.folder import Folder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    """Three images of random pixels in two classes, in `data/`."""
    rng = np.random.default_rng(0)
    for name in ("cat/a.png", "cat/b.png", "dog/c.png"):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(path)
    return tmp_path


def opened(root: Path, **parameters: object) -> Source:
    data = Folder(path="data", **parameters)
    data.open(root)
    return Source(data)


def test_a_sample_that_moved_is_the_same(animals: Path) -> None:
    """Id, place in the order, pixels and noise stay; class and path are the new ones."""

    def noisy(source: Source) -> np.ndarray:
        noise = adversity.create("degradation", "gaussian_noise", severity=3)
        return noise(source.images(range(3)), ids=source.ids, seed=0).numpy()

    before = opened(animals, ids="content")
    first = noisy(before)
    (animals / "data/cat/a.png").rename(animals / "data/dog/z.png")
    after = opened(animals, ids="content")
    assert before.ids == after.ids
    np.testing.assert_array_equal(first, noisy(after))
    at = [one["file"] for one in after.attributes].index("dog/z.png")
    assert before.attributes[at]["file"] == "cat/a.png"
    names = [source.class_names[source.targets[at]] for source in (before, after)]
    assert names == ["cat", "dog"]
    assert before.content != after.content
    assert [*opened(animals).ids] == ["cat/b.png", "dog/c.png", "dog/z.png"]


def test_the_id_is_the_start_of_the_hash_of_the_pixels(animals: Path) -> None:
    """In the order of the ids; the same pixels in another format are the same sample."""
    source = opened(animals, ids="content")
    pixels = [
        np.asarray(Image.open(animals / "data" / str(one["file"]))) for one in source.attributes
    ]
    assert [*source.ids] == sorted(pixels_sha256(one)[:20] for one in pixels)
    assert [*source.ids] == [pixels_sha256(one)[:20] for one in pixels]
    Image.open(animals / "data/cat/a.png").save(animals / "data/cat/a.bmp")
    (animals / "data/cat/a.png").unlink()
    assert opened(animals, ids="content").ids == source.ids


def test_equal_images_are_numbered(animals: Path) -> None:
    """In the order of their paths, so that each has an id of its own."""
    (animals / "data/dog/again.png").write_bytes((animals / "data/cat/a.png").read_bytes())
    source = opened(animals, ids="content")
    files = dict(zip(source.ids, (one["file"] for one in source.attributes), strict=True))
    (twin,) = (id_ for id_ in files if id_.endswith("-2"))
    assert (files[twin.removesuffix("-2")], files[twin]) == ("cat/a.png", "dog/again.png")
    assert len({*source.ids}) == 4


def test_partners_are_found_by_the_path(animals: Path) -> None:
    """A clean image belongs to the file, whatever its sample is called."""
    for path in (animals / "data").rglob("*.png"):
        clean = animals / "clean" / path.relative_to(animals / "data")
        clean.parent.mkdir(parents=True, exist_ok=True)
        Image.open(path).transpose(Image.Transpose.ROTATE_180).save(clean)
    images, references = opened(animals, ids="content", references="clean").pairs([0, 1, 2])
    assert references is not None
    np.testing.assert_array_equal(references.flip(2, 3).numpy(), images.numpy())


def test_ids_of_another_sort_are_refused() -> None:
    """One of the two."""
    with pytest.raises(ValidationError, match="ids"):
        Folder(path="data", ids="name")
