"""Versions of data that lie in packed files: their samples are told apart by what they are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from adversity_flows.datasets import versions as data_versions
from adversity_flows.runs.sample_list import SampleList
from adversity_plugins.dataset.cifar10 import Cifar10
from adversity_plugins.dataset.cifar_c import CifarC
from adversity_plugins.dataset.mnist import MNIST
from adversity_plugins.dataset.svhn import SVHN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RECORD = 3073


def batch(folder: Path, name: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.fromfile(folder / name, np.uint8).reshape(-1, RECORD)


@pytest.fixture
def cifar(project: Path, git: Callable[..., None]) -> Path:
    """A project in a commit, and six batches of eight images in data/cifar."""
    git("add", "-A")
    git("commit", "-q", "-m", "before")
    folder = project / "data" / "cifar"
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for name in (*(f"data_batch_{n}.bin" for n in range(1, 6)), "test_batch.bin"):
        rows = random.integers(0, 256, (8, RECORD), np.uint8)
        rows[:, 0] = np.arange(8)
        rows.tofile(folder / name)
    return folder


@pytest.fixture
def versions(cifar: Path, call: Callable[..., Any], git: Callable[..., None]) -> Path:
    """Two versions: of the test images one is gone, one relabelled, one changed, one is a leak."""
    add = ("data", "add", "data/cifar", "--no-look")
    assert call(*add, "--uses", "cifar10").code == 0
    commit(git, "v1")
    rows = batch(cifar, "test_batch.bin").copy()
    rows[4, 0], rows[6, 100] = 9, rows[6, 100] ^ 255
    leak = batch(cifar, "data_batch_1.bin")[:1]
    np.concatenate([np.delete(rows, 2, 0), leak]).tofile(cifar / "test_batch.bin")
    assert call(*add).code == 0  # how they are read stands in the list
    commit(git, "v2")
    return cifar


def commit(git: Callable[..., None], tag: str) -> None:
    git("add", "-A")
    git("commit", "-q", "-m", tag)
    git("tag", tag)


def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing open images."""

    def opened(*_: object) -> None:
        raise AssertionError("images were opened")

    monkeypatch.setattr(data_versions, "opened_in", opened)


EXPECTED = {
    "relabelled": [("test/00004", "test/00003")],
    "changed": [("test/00006", "test/00005")],
    "added": [("", "test/00007")],
    "removed": [("test/00002", "")],
    "moved": [(f"test/0000{n}", f"test/0000{n - 1}") for n in (3, 5, 7)],
}


def of(found: dict[str, Any]) -> dict[str, list[tuple[str, str]]]:
    return {
        kind: sorted((one["id_before"], one["id_after"]) for one in found[kind])
        for kind in EXPECTED
    }


@pytest.mark.parametrize("after", [[], ["v2"]], ids=["the disk", "v2"])
def test_each_change_is_told_without_reading_an_image(
    versions: Path,
    call: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    after: list[str],
) -> None:
    """By the lists that git has; a sample behind the one that is gone is the same, moved."""
    unread(monkeypatch)
    answer = call("data", "diff", "data/cifar", "v1", *after, "--json")
    assert (answer.code, answer.err) == (0, "")
    found = json.loads(answer.out)
    assert (found["same"], of(found)) == (45, EXPECTED)
    (one,) = found["relabelled"]
    assert (one["class_before"], one["class_after"]) == ("deer", "truck")


def test_the_page_shows_the_images(versions: Path, call: Callable[..., Any]) -> None:
    """And what it counts is what the lists say."""
    answer = call("data", "diff", "data/cifar", "v1", "v2", "--page", "page.html", "--json")
    assert of(json.loads(answer.out)) == EXPECTED
    page = (versions.parents[1] / "page.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") >= 8
    assert 'alt="before: test/00002"' in page


def test_what_the_disk_has_and_dvc_has_not_is_read(
    versions: Path, call: Callable[..., Any]
) -> None:
    """The list says nothing of bytes that were written since."""
    rows = batch(versions, "test_batch.bin").copy()
    rows[0, 7] ^= 255
    rows.tofile(versions / "test_batch.bin")
    found = json.loads(call("data", "diff", "data/cifar", "v2", "--json").out)
    assert [one["id_after"] for one in found["changed"]] == ["test/00000"]


def test_an_old_version_without_a_list_is_read_and_it_is_said(
    cifar: Path, call: Callable[..., Any], git: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the command that writes one; a list of the same bytes that came later serves as well."""
    call("data", "add", "data/cifar", "--uses", "cifar10", "--no-look")
    (cifar.parent / "cifar.samples.parquet").rename(cifar.parent / "kept")
    commit(git, "old")
    rows = batch(cifar, "test_batch.bin")[1:].copy()
    rows.tofile(cifar / "test_batch.bin")
    call("data", "add", "data/cifar", "--uses", "cifar10", "--no-look")
    commit(git, "new")
    answer = call("data", "diff", "data/cifar", "old", "new", "--json")
    assert [one["id_before"] for one in json.loads(answer.out)["removed"]] == ["test/00000"]
    said = (
        "old has a list of other samples than its own: its images were read; `adversity data add "
    )
    assert said + "data/cifar --uses cifar10` with that version in its place" in answer.err
    (cifar.parent / "kept").rename(cifar.parent / "cifar.samples.parquet")
    unread(monkeypatch)
    answer = call("data", "diff", "data/cifar", "old", "new", "--json")
    assert [one["id_before"] for one in json.loads(answer.out)["removed"]] == ["test/00000"]
    assert answer.err == ""


def test_leaks_between_splits_are_found(versions: Path, call: Callable[..., Any]) -> None:
    """An image that stands in the training and in the test set, on the card and by `data check`."""
    said = "images that stand in several splits: 1: train/00000 = test/00007"
    assert said in call("data", "check", "data/cifar", "--no-look").out
    card = (versions.parent / "cifar.card.md").read_text(encoding="utf-8")
    assert "| Images that stand in several splits | 1 | train/00000, test/00007 |" in card


PIPELINE = """\
name: packed
data:
  images: {uses: dataset/cifar10, with: {path: data/cifar}}
steps:
  blurred: {uses: degradation/gaussian_blur, from: images, with: {severity: 1}}
  psnr: {uses: metric/psnr, from: blurred}
"""


def test_a_list_makes_no_step_stale(cifar: Path, call: Callable[..., Any], project: Path) -> None:
    """It lies beside the data, and is in no step's key: the same bytes have the same keys."""
    (project / "pipelines" / "packed.yaml").write_text(PIPELINE, encoding="utf-8")
    assert call("run", "pipelines/packed.yaml", "--direct").code == 0
    assert call("data", "add", "data/cifar", "--uses", "cifar10", "--no-look").code == 0
    (pipeline,) = json.loads(call("status", "pipelines/packed.yaml", "--json").out)["pipelines"]
    assert {one["state"] for one in pipeline["steps"]} == {"unchanged"}


@pytest.mark.parametrize(
    ("plugin", "uses", "place", "starts"),
    [
        (Cifar10, "cifar10", "cifar-10-batches-bin", {"train", "test"}),
        (SVHN, "dataset/svhn", "svhn", {"train", "test"}),
        (MNIST, "mnist", "mnist", {"test"}),
        (CifarC, "cifar_c", "cifar-10-c", {"fog"}),
    ],
    ids=["bin", "mat", "idx", "npy"],
)
def test_each_packed_format(
    project: Path,
    call: Callable[..., Any],
    plugin: Any,
    uses: str,
    place: str,
    starts: set[str],
) -> None:
    """All splits that are there, under the ids that pipelines know them by."""
    (project / "data").mkdir(exist_ok=True)
    plugin.write_example_files(project / "data")
    given = ["--with", "corruption=fog"] if plugin is CifarC else []
    add = ("data", "add", f"data/{place}", "--uses", uses, *given)
    answer = call(*add, "--no-look", "--json")
    assert answer.code == 0, answer.err
    samples = SampleList.read(project / "data" / f"{place}.samples.parquet")
    assert len(samples) == json.loads(answer.out)["data"][0]["images"] > 1
    assert {id_.split("/")[0] for id_ in samples.ids} == starts


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "such as --uses cifar10"),
        (["--uses", "cifar1"], "cifar1"),
        (["--uses", "mnist"], "no such file"),
        (["--uses", "cifar10", "--with", "limit"], "expected --with NAME=VALUE"),
        (["--uses", "cifar10", "--with", "limit=x"], "limit"),
        (["--with", "limit=1"], "expected --uses"),
        (["--uses", "cifar10", "--labels", "a.csv"], "expected --uses or --labels, got both"),
    ],
)
def test_what_cannot_be_read_is_refused(
    cifar: Path,
    call: Callable[..., Any],
    refused: Callable[..., str],
    options: list[str],
    said: str,
) -> None:
    """In one message, and nothing is written."""
    before = sorted(cifar.parent.iterdir())
    refused(call("data", "add", "data/cifar", *options), said)
    assert sorted(cifar.parent.iterdir()) == before


def test_a_split_that_is_not_there_is_said(cifar: Path, call: Callable[..., Any]) -> None:
    """With the reason: it may be damaged."""
    (cifar / "data_batch_3.bin").unlink()
    answer = call("data", "add", "data/cifar", "--uses", "cifar10", "--no-look")
    assert "  ! without its split train: cifar: expected data_batch_3.bin" in answer.out


@pytest.mark.slow  # two runs, with DVC and git between them
def test_runs_are_paired_by_content(
    cifar: Path, call: Callable[..., Any], git: Callable[..., None], project: Path
) -> None:
    """Where a sample came out of a batch, those behind it are compared with themselves."""
    text = PIPELINE + "gates:\n  - psnr.psnr_db not_worse_than last\n"
    (project / "pipelines" / "packed.yaml").write_text(text, encoding="utf-8")
    add = ("data", "add", "data/cifar", "--uses", "cifar10", "--no-look")
    run = ("run", "pipelines/packed.yaml", "--direct", "--json")
    assert call(*add).code == 0
    commit(git, "v1")
    first = call(*run)
    assert first.code == 0, first.err
    np.delete(batch(cifar, "test_batch.bin"), 2, 0).tofile(cifar / "test_batch.bin")
    assert call(*add).code == 0
    commit(git, "v2")
    (gate,) = json.loads(call(*run).out)["gates"]
    measure = gate["measure"]
    assert (measure["n"], measure["value"]) == (7, 0)
