"""A folder with clean partners: what belongs together, and what happens when one of them changes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from adversity.data.reading import Source
from adversity.errors import DataError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline
from adversity.registry import discover
from adversity_plugins.dataset import folder as folder_module
from adversity_plugins.dataset.folder import Folder

if TYPE_CHECKING:
    from pathlib import Path


def paint(path: Path, *, size: tuple[int, int] = (6, 8), level: int = 100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full(size, level, np.uint8)).save(path)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Two small dark images, and their bright partners of twice the size."""
    for number, name in enumerate(("cat/1.png", "dog/2.png")):
        paint(tmp_path / "data/dark" / name, level=20 + number)
        paint(tmp_path / "data/bright" / name, size=(12, 16), level=200 + number)
    return tmp_path


def opened(root: Path, references: str = "data/bright") -> Folder:
    data = Folder(path="data/dark", references=references)
    data.open(root)
    return data


def test_what_is_odd_in_a_partner_is_said_of_it(pairs: Path) -> None:
    """Ignored metadata and pixels laid on the background, under the partner's own path."""
    clear = Image.new("LA", (16, 12), (200, 0))
    exif = Image.Exif()
    exif[274] = 9
    clear.save(pairs / "data/bright/cat/1.png", exif=exif)
    facts = opened(pairs).describe()
    assert "(images: 1, such as data/bright/cat/1.png)" in facts["odd_metadata"]
    assert facts["on_background"] == 1


def test_each_file_is_read_once_for_a_pair(pairs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Image and partner come together, whether or not they stayed in memory."""
    monkeypatch.setattr(folder_module, "_REMEMBERED_BYTES", 0)
    source = Source(opened(pairs))
    read: list[str] = []
    decoded = folder_module.decode.read
    monkeypatch.setattr(
        folder_module.decode,
        "read",
        lambda path, *more: read.append(path.name) or decoded(path, *more),
    )
    source.pairs([0, 1])
    assert sorted(read) == ["1.png", "1.png", "2.png", "2.png"]


def test_the_partner_has_the_same_path(pairs: Path) -> None:
    """Pixels, hash and size of the file in the other folder, at its own size."""
    data = opened(pairs)
    source = Source(data)
    assert source.ids == ("cat/1.png", "dog/2.png")
    references = source.pairs([0, 1])[1]
    assert references is not None
    assert references.shape == (2, 1, 12, 16)
    assert (references * 255).round()[:, 0, 0, 0].tolist() == [200, 201]
    assert (source.images([0, 1]) * 255).round()[:, 0, 0, 0].tolist() == [20, 21]
    row = data.index()[1]
    content = (pairs / "data/bright/dog/2.png").read_bytes()
    assert (row.reference, row.reference_shape) == (
        hashlib.sha256(content).hexdigest(),
        (12, 16, 1),
    )
    assert data.describe()["references"] == "data/bright"


def test_an_edited_partner_is_other_data(pairs: Path) -> None:
    """One grey level of one reference: another content, so all that was measured is stale."""
    before = Source(opened(pairs)).content
    assert Source(opened(pairs)).content == before
    paint(pairs / "data/bright/dog/2.png", size=(12, 16), level=202)
    assert Source(opened(pairs)).content != before


def test_a_partner_that_changes_during_the_run_is_refused(
    pairs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it is decoded again when it is used; removed, too."""
    monkeypatch.setattr(folder_module, "_REMEMBERED_BYTES", 0)
    source = Source(opened(pairs))
    paint(pairs / "data/bright/dog/2.png", size=(12, 16), level=202)
    with pytest.raises(DataError, match=r"data/bright/dog/2.png changed during the run"):
        source.pairs([1])
    (pairs / "data/bright/cat/1.png").unlink()
    with pytest.raises(DataError, match=r"data/bright/cat/1.png changed during the run"):
        source.pairs([0])


def test_images_without_a_usable_partner_are_left_out(pairs: Path) -> None:
    """And listed, with the reason: none there, or none that can be read."""
    paint(pairs / "data/dark/dog/3.png")
    paint(pairs / "data/dark/dog/4.png")
    (pairs / "data/bright/dog/4.png").write_bytes(b"x")
    data = opened(pairs)
    assert len(data) == 2
    reasons = dict(data.quarantined)
    assert reasons["dog/3.png"] == "data/bright has no clean image of this path"
    assert reasons["dog/4.png"].startswith("its clean image in data/bright: not an image")


@pytest.mark.parametrize("references", ["data/dark", "data/dark/clean", "data"])
def test_partners_lie_in_a_folder_of_their_own(pairs: Path, references: str) -> None:
    """Inside the other folder they would be samples."""
    with pytest.raises(DataError, match="expected a folder beside data/dark, got"):
        opened(pairs, references)


def test_dvc_watches_both_folders(pairs: Path) -> None:
    """Each is a dependency of what reads the data, so an edit makes it stale before anything runs."""
    file = pairs / "pipelines/p.yaml"
    file.parent.mkdir()
    data = "uses: dataset/folder, with: {path: data/dark, references: data/bright}"
    file.write_text(
        f"name: p\ndata:\n  photos: {{{data}}}\nsteps:\n"
        "  quality: {uses: metric/psnr, from: photos}\n",
        encoding="utf-8",
    )
    plan = make_plan(load_pipeline(file, root=pairs), discover())
    assert set(plan.stage("quality").deps) >= {"data/dark", "data/bright"}


def test_a_link_out_of_the_folder_of_partners_is_refused(pairs: Path) -> None:
    """As in the folder of images: what lies elsewhere is watched by nobody."""
    (pairs / "data/bright/cat/1.png").unlink()
    paint(pairs / "elsewhere.png")
    (pairs / "data/bright/cat/1.png").symlink_to(pairs / "elsewhere.png")
    with pytest.raises(DataError, match="data/bright"):
        opened(pairs)
