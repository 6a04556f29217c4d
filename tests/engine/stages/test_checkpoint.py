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
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from adversity import State
from adversity.data.arrays import read_arrays, write_arrays
from adversity.data.store import Store
from adversity.engine.calls.fit_watch import FitWatch
from adversity.engine.stages.checkpoint import Checkpoint
from adversity.seeding import fit_generator

if TYPE_CHECKING:
    from collections.abc import Callable

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


LEARNS = '''"""A detector that takes its time."""
import time
from typing import ClassVar

import numpy as np

from adversity import Detector, Fitted, State


class Slow(Fitted):
    """Learn a number by adding up draws."""

    def fit(self, data, rng):
        kept = data.watch.resume()
        total = np.zeros(2) if kept is None else kept.arrays["total"]
        for epoch in range(1 + int(total[1]), 201):
            total = total + [rng.normal(), 1]
            time.sleep(0.01)
            data.watch.row(epoch)
            data.watch.save(lambda: State({"total": total}))
        return State({"total": total})

    def load(self, state):
        self._total = float(state.arrays["total"][0])


class SlowDetector(Slow, Detector):
    """Score by a number."""

    name: ClassVar[str] = "slow_detector"
    fits_on: ClassVar[str] = "features"
    _total: float = 0.0

    def score(self, features, logits):
        return features.sum(1) * self._total
'''
BESIDE = """name: p
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  held: {uses: dataset/folder, with: {path: data/held}}
  free: {uses: dataset/folder, with: {path: data/free}}
steps:
  net: {uses: classifier/small_cnn, fit_on: train, with: {epochs: 2}}
  learnt: {uses: net, from: held}
  clean: {uses: net, from: free}
  judged: {uses: "./learns.py:SlowDetector", from: clean, fit_on: learnt}
run: {checkpoint_s: 0, shard_size: 5}
"""


SCRIPT = Path(__file__).with_name("fit_to_kill.py")


@pytest.fixture(scope="module")
def warm(put_program: Callable[[str, str], str]) -> str:
    """A program that is the script, without the seconds that imports take."""
    return put_program(SCRIPT.name, SCRIPT.read_text(encoding="utf-8"))


def hashes(out: Path, step: str = "net") -> dict[str, str]:
    folder = out / "artifacts/p" / step
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def checkpoints(out: Path) -> list[Path]:
    return list((out / "store").rglob("checkpoint.safetensors"))


@pytest.mark.slow
@pytest.mark.parametrize("more", ["", ", dropout: 0.5, redraw: true"])
def test_three_kills_change_no_byte(doubles: Path, tmp_path: Path, warm: str, more: str) -> None:
    """Killed with SIGKILL after some epochs, three times: state and history are those undisturbed.

    With dropout, masks are drawn from the generator of the fit, too; with fresh draws each epoch
    has its own noise.
    """
    steps = STEPS.replace("epochs: 60", f"epochs: 60{more}")
    (doubles / "pipelines/p.yaml").write_text(steps, encoding="utf-8")
    whole = killed_three_times(warm, doubles, tmp_path, "net", epochs=60)
    assert {"history/all.json", "states/all.safetensors", "measures.json"} <= whole.keys()


@pytest.mark.slow
def test_what_is_fitted_in_its_own_step_goes_on_too(
    doubles: Path, tmp_path: Path, warm: str
) -> None:
    """A detector with `fit_on` beside `from`: state, rows and table are the same bytes."""
    (doubles / "learns.py").write_text(LEARNS, encoding="utf-8")
    (doubles / "pipelines/p.yaml").write_text(BESIDE, encoding="utf-8")
    whole = killed_three_times(warm, doubles, tmp_path, "judged", epochs=200)
    assert {"states/all.safetensors", "table.parquet"} <= whole.keys()


def killed_three_times(
    warm: str, root: Path, out: Path, step: str, *, epochs: int
) -> dict[str, str]:
    """Run a step undisturbed and with three kills; see that it went on, and return its files.

    The one undisturbed is a real process, as tests/warm/server.py asks of bytes that are compared.
    """
    real = [sys.executable, str(SCRIPT), str(root), str(out / "whole"), step]
    subprocess.run(real, check=True)
    command = [warm, str(root), str(out / "killed"), step]
    draw, before = random.Random(0), 0
    for _ in range(3):
        process = subprocess.Popen(command)
        wanted = before + draw.randint(2, 12)
        while process.poll() is None:
            kept = [len(read_rows(path)) for path in checkpoints(out / "killed")]
            if kept and max(kept) >= wanted:
                break
            time.sleep(0.002)
        time.sleep(draw.random() * 0.02)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "it ended before it was killed"
        (kept_file,) = checkpoints(out / "killed")
        after = len(read_rows(kept_file))
        assert before < after < epochs  # it went on, and did not begin anew
        before = after
    subprocess.run(command, check=True)
    assert checkpoints(out / "killed") == []
    whole = hashes(out / "whole", step)
    assert hashes(out / "killed", step) == whole
    return whole


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
