"""Two versions of a set of the size of CIFAR-10: what adding, listing and comparing them cost.

    python benchmarks/packed_versions.py [--images 10000]

It writes six batch files of random images, makes two versions of them in a project of its own, and
prints seconds and bytes as one JSON document. Of the second version one sample is taken out, one is
relabelled, one is changed and one, of the training images, is added to the test images.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from adversity_flows.datasets.added import Wanted, add
from adversity_flows.datasets.compared import compare
from adversity_flows.datasets.listings import folder_data, listed_version
from adversity_flows.datasets.versions import version
from adversity_flows.runs.sample_list import Reading, SampleList, list_place

if TYPE_CHECKING:
    from collections.abc import Callable

_RECORD = 3073
_PLACE = "data/cifar"


def main() -> None:
    """Measure, and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000, help="images in each of six files")
    images = parser.parse_args().images
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        print(json.dumps(_measured(Path(folder), images), indent=1))


def _measured(root: Path, images: int) -> dict[str, Any]:
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["dvc", "init", "-q"], check=True)
    wanted = Wanted(root / _PLACE, "cifar", reading=Reading("cifar10"), look=False)
    seconds: dict[str, float] = {}
    _write(root / _PLACE, images)
    _timed(seconds, "add", lambda: add(root, wanted))
    _commit("v1")
    _change(root / _PLACE)
    _timed(seconds, "add_again", lambda: add(root, wanted))
    _commit("v2")
    listed = _timed(seconds, "diff_by_lists", lambda: _by_lists(root))
    read = _timed(seconds, "diff_by_images", lambda: _by_images(root))
    file = root / list_place(_PLACE)
    _timed(seconds, "read_list", lambda: SampleList.read(file))
    _timed(seconds, "read_head", lambda: SampleList.head(file))
    return {
        "images": 6 * images,
        "list_bytes": file.stat().st_size,
        "data_bytes": 6 * images * _RECORD,
        "equal": listed == read,
        "found": {
            "same": listed.same,
            **{
                kind: len(getattr(listed, kind))
                for kind in ("moved", "relabelled", "changed", "added", "removed")
            },
        },
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
    }


def _write(folder: Path, images: int) -> None:
    """Write the files of the binary version of CIFAR-10, of random pixels."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for name in (*(f"data_batch_{n}.bin" for n in range(1, 6)), "test_batch.bin"):
        rows = random.integers(0, 256, (images, _RECORD), np.uint8)
        rows[:, 0] %= 10
        (folder / name).write_bytes(rows.tobytes())


def _change(folder: Path) -> None:
    test = np.fromfile(folder / "test_batch.bin", np.uint8).reshape(-1, _RECORD).copy()
    train = np.fromfile(folder / "data_batch_1.bin", np.uint8).reshape(-1, _RECORD)
    test[5, 0] = (test[5, 0] + 1) % 10
    test[9, 100] ^= 255
    rows = np.concatenate([np.delete(test, 2, 0), train[:1]])
    (folder / "test_batch.bin").write_bytes(rows.tobytes())


def _by_lists(root: Path) -> Any:
    named = folder_data(root, root / _PLACE)
    with listed_version(root, named, "v1") as one, listed_version(root, named, "v2") as two:
        return compare(one[0], two[0])


def _by_images(root: Path) -> Any:
    named = folder_data(root, root / _PLACE)
    with version(root, named, "v1") as one, version(root, named, "v2") as two:
        return compare(one, two)


def _timed(seconds: dict[str, float], name: str, do: Callable[[], Any]) -> Any:
    start = time.perf_counter()
    found = do()
    seconds[name] = time.perf_counter() - start
    return found


def _commit(tag: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "add", "-A"], check=True)
    subprocess.run(["git", *who, "commit", "-q", "-m", tag], check=True)
    subprocess.run(["git", "tag", tag], check=True)


if __name__ == "__main__":
    main()
