"""A fit that is killed goes on where it was, and ends in the same bytes."""

from __future__ import annotations

import hashlib
import json
import logging
import random
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adversity import State
from adversity.data.arrays import read_arrays, write_arrays
from adversity.data.store import Store
from adversity.engine.calls.fit_watch import FitWatch
from adversity.engine.stages.checkpoint import Checkpoint
from adversity.seeding import fit_generator

KEY = "0123456789abcdef" * 4
STEPS = """name: p
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  held: {uses: dataset/folder, with: {path: data/held}}
  free: {uses: dataset/folder, with: {path: data/free}}
steps:
  noisy: {uses: degradation/gaussian_noise, from: train, with: {severity: 1}}
  net: {uses: classifier/small_cnn, fit_on: {train: noisy, validate: held}, with: {epochs: 60}}
  clean: {uses: net, from: free}
run: {checkpoint_s: 0}
"""


def started(root: Path, out: Path) -> subprocess.Popen[bytes]:
    script = Path(__file__).with_name("fit_to_kill.py")
    return subprocess.Popen([sys.executable, str(script), str(root), str(out)])


def hashes(out: Path) -> dict[str, str]:
    folder = out / "artifacts/p/net"
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def checkpoints(out: Path) -> list[Path]:
    return list((out / "store").rglob("checkpoint.safetensors"))


@pytest.mark.slow
@pytest.mark.parametrize("more", ["", ", dropout: 0.5, redraw: true"])
def test_three_kills_change_no_byte(doubles: Path, tmp_path: Path, more: str) -> None:
    """Killed with SIGKILL after some epochs, three times: state and history are those undisturbed.

    With dropout, masks are drawn from the generator of the fit, too; with fresh draws each epoch
    has its own noise.
    """
    steps = STEPS.replace("epochs: 60", f"epochs: 60{more}")
    (doubles / "pipelines/p.yaml").write_text(steps, encoding="utf-8")
    assert started(doubles, tmp_path / "whole").wait() == 0
    draw, before = random.Random(0), 0
    for _ in range(3):
        process = started(doubles, tmp_path / "killed")
        wanted = before + draw.randint(2, 12)
        while process.poll() is None:
            epochs = [len(read_rows(path)) for path in checkpoints(tmp_path / "killed")]
            if epochs and max(epochs) >= wanted:
                break
            time.sleep(0.002)
        time.sleep(draw.random() * 0.02)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "it ended before it was killed"
        (kept,) = checkpoints(tmp_path / "killed")
        after = len(read_rows(kept))
        assert before < after < 60  # it went on, and did not begin anew
        before = after
    assert started(doubles, tmp_path / "killed").wait() == 0
    assert checkpoints(tmp_path / "killed") == []
    whole = hashes(tmp_path / "whole")
    assert {"history/all.json", "states/all.safetensors", "measures.json"} <= whole.keys()
    assert hashes(tmp_path / "killed") == whole


def read_rows(path: Path) -> list[Any]:
    """Return the history in a checkpoint; it is replaced while we read."""
    try:
        return read_arrays(path)[1]["rows"]
    except Exception:  # noqa: BLE001  (gone, or another one by now)
        return []


def watched(store: Store, key: str = KEY) -> tuple[FitWatch, np.random.Generator]:
    """Return a watch that keeps at once, and its generator."""
    generator = fit_generator(0, "net")
    watch = FitWatch({}, "a fit", Checkpoint(store, key, seconds=0, name="net"))
    watch.bind(generator)
    return watch, generator


def test_state_rows_and_generator_come_back(tmp_path: Path) -> None:
    """Of this key alone; the draws go on where they were, in the middle of a buffer, too."""
    watch, generator = watched(Store(tmp_path))
    assert watch.resume() is None
    generator.integers(0, 9, 5, dtype=np.uint8)
    generator.random(3)
    watch.row(1)
    watch.save(lambda: State({"w": np.arange(3.0)}, {"done": 7}))
    expected = generator.random(4), generator.permutation(9)
    again, other = watched(Store(tmp_path))
    state = again.resume()
    assert state is not None
    assert (state.arrays["w"].tolist(), state.info, again.rows) == (
        [0, 1, 2],
        {"done": 7},
        [{"epoch": 1}],
    )
    assert np.array_equal(other.random(4), expected[0])
    assert np.array_equal(other.permutation(9), expected[1])
    assert watched(Store(tmp_path), KEY[::-1])[0].resume() is None


def test_a_damaged_one_is_taken_out(tmp_path: Path) -> None:
    """One byte that changed: nothing of it is used, and the store says so."""
    watch, _ = watched(Store(tmp_path))
    watch.save(lambda: State({"w": np.arange(3.0)}))
    (path,) = tmp_path.rglob("checkpoint.safetensors")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    store = Store(tmp_path)
    assert watched(store)[0].resume() is None
    assert store.damaged == [path]
    assert not path.exists()


def test_one_of_other_versions_is_left_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The fit begins anew, and says why; nothing of the generator is taken."""
    watch, generator = watched(Store(tmp_path))
    first = fit_generator(0, "net").random(2)
    generator.random(5)
    watch.save(lambda: State({"w": np.arange(3.0)}))
    monkeypatch.setattr("adversity.engine.stages.checkpoint._made_with", lambda: {"torch": "9"})
    again, other = watched(Store(tmp_path))
    with caplog.at_level(logging.WARNING):
        assert again.resume() is None
    made = f"numpy {version('numpy')}, torch {version('torch')}"
    assert f"net begins anew: its checkpoint was made with {made}" in caplog.text
    assert np.array_equal(other.random(2), first)


def test_it_is_kept_no_more_often_than_asked(tmp_path: Path) -> None:
    """Before its time nothing is written, and the state is not even made."""
    watch = FitWatch({}, "a fit", Checkpoint(Store(tmp_path), KEY, seconds=3600, name="net"))
    watch.save(lambda: pytest.fail("it is not time"))
    assert watch.resume() is None


def test_a_kept_fit_is_no_code(tmp_path: Path) -> None:
    """It is safetensors and JSON: what would need pickle is refused when it is kept."""
    watch, _ = watched(Store(tmp_path))
    with pytest.raises(TypeError, match="must hold numbers or bools"):
        watch.save(lambda: State({"w": np.array([object()])}))
    watch.save(lambda: State({"w": np.arange(2)}, {"a": [1]}))
    arrays, info = read_arrays(next(tmp_path.rglob("checkpoint.safetensors")))
    write_arrays(tmp_path / "again", arrays, json.loads(json.dumps(info)))
    assert info["info"] == {"a": [1]}
