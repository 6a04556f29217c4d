"""One forced step of a project: what the command spends beside the step's own work.

`adversity run --force STEP` computes one step of an otherwise finished pipeline and draws the page.
Its own work are the shards; all else is divided into parts, each without what another part inside
it took. A module that is imported late counts as an import, wherever that happens.
"""

from __future__ import annotations

import builtins
import importlib
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import contextmanager
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["OWN", "forced", "lines"]

OWN = "the step's own work"
Forced = dict[str, dict[str, dict[str, float]]]
"""Run to part to `wall` and `cpu` seconds."""
PARTS = {
    "plan the pipeline": ["adversity_flows.cli.project:plan_of"],
    "decide what is stale": [
        "adversity_flows.steps.run_steps:StepRecorder.prepare",
        "adversity_flows.steps.run_steps:StepRecorder.decide",
        "adversity_flows.steps.remaining_steps:Agenda.pass_unchanged",
        "adversity_flows.dvc.recorder:DvcRecorder.open",
    ],
    "begin the step": ["adversity_flows.steps.run_steps:StepRecorder.begin"],
    "write its artifact": ["adversity.engine.stages.stage:StageRun.finish"],
    "record it in DVC": [
        "adversity_flows.steps.run_steps:StepRecorder.complete",
        "adversity_flows.dvc.recorder:DvcRecorder.recorded",
    ],
    "judge and draw the page": [
        "adversity_flows.session:_Session._conclude",
        "adversity_flows.session:_Session._judge",
        "adversity_flows.session:_Session._keep_plots_page",
    ],
    "Prefect": ["adversity_flows.prefect_flows.run_pipeline:_through_prefect"],
}
"""What people would call it, and the calls that do it."""
PIPELINE = """\
name: forced
data:
  train: {{uses: dataset/digits, with: {{split: train, limit: 400}}}}
  images: {{uses: dataset/digits, with: {{split: test, limit: {count}}}}}
steps:
  net: {{uses: classifier/small_cnn, fit_on: train, with: {{epochs: 4}}}}
  noisy: {{uses: degradation/gaussian_noise, from: images, with: {{sigma: 0.08}}}}
  predictions: {{uses: net, from: noisy}}
  quick: {{uses: attack/fgsm, from: noisy, against: predictions, with: {{eps: 8/255}}}}
  attacked:
    uses: attack/pgd
    from: noisy
    against: predictions
    with: {{eps: 8/255, steps: {steps}}}
run: {{workers: 1}}
"""


class Clock:
    """Seconds of each part, without those of the parts inside it; one thing at a time."""

    def __init__(self, since: float) -> None:
        """Begin with what the interpreter took since the command was given."""
        self.spent: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        self._parts = ["all else"]
        self._at = time.monotonic(), time.process_time()
        self.spent["start and imports"] = [self._at[0] - since, self._at[1]]

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count what happens inside to a part."""
        self._turn()
        self._parts.append(name)
        try:
            yield
        finally:
            self._turn()
            self._parts.pop()

    def _turn(self) -> None:
        now = time.monotonic(), time.process_time()
        for kind in (0, 1):
            self.spent[self._parts[-1]][kind] += now[kind] - self._at[kind]
        self._at = now

    def end(self) -> dict[str, list[float]]:
        """Return wall and CPU seconds of each part."""
        self._turn()
        return dict(self.spent)

    def watch(self, call: str, name: str) -> None:
        """Count a call, `module:Class.method`, to a part."""
        module, _, path = call.partition(":")
        *owners, last = path.split(".")
        owner: Any = importlib.import_module(module)
        for each in owners:
            owner = getattr(owner, each)
        found = vars(owner)[last]
        inner = getattr(found, "__func__", found)

        @wraps(inner)
        def timed(*args: Any, **options: Any) -> Any:
            with self.part(name):
                return inner(*args, **options)

        setattr(owner, last, classmethod(timed) if isinstance(found, classmethod) else timed)

    def watch_imports(self) -> None:
        """Count each import of a module that is not there yet."""
        for owner, name in ((builtins, "__import__"), (importlib, "import_module")):
            setattr(owner, name, partial(self._imported, getattr(owner, name)))

    def _imported(self, load: Callable[..., Any], name: str, *args: Any, **options: Any) -> Any:
        if name in sys.modules:
            return load(name, *args, **options)
        with self.part("start and imports"):
            return load(name, *args, **options)


def _command(since: float, arguments: Sequence[str], into: Path) -> None:
    """Be the command `adversity`, and write what each part took."""
    clock = Clock(since)
    clock.watch_imports()
    from adversity.engine.stages.table_stage import TableRun
    from adversity_flows.cli import main

    for name, calls in PARTS.items():
        for call in calls:
            clock.watch(call, name)
    clock.watch(f"{TableRun.__module__}:{TableRun.__name__}.run_shard", OWN)
    code = main(arguments)
    into.write_text(json.dumps(clock.end()), encoding="utf-8")
    sys.exit(code)


def forced(folder: Path, *, count: int, steps: int, repetitions: int) -> Forced:
    """Force each attack of a project of its own a few times, with Prefect and without.

    Args:
        folder: Where the project is made.
        count: Images.
        steps: Of PGD; FGSM, the cheap one, takes one.
        repetitions: How often each is forced, all in turns; 0 forces the cheap one once, directly.

    Returns:
        For each run its `wall` and `cpu` seconds, and those of each part, medians.
    """
    program = str(Path(sys.executable).with_name("adversity"))
    root = folder / "project"
    _call([program, "init", str(root)], folder)
    file = root / "pipelines" / "forced.yaml"
    file.with_name("first_look.yaml").unlink()
    file.write_text(PIPELINE.format(count=count, steps=steps), encoding="utf-8")
    _call([program, "run", "pipelines/forced.yaml", "--quiet", "--direct"], root)
    found: dict[str, list[dict[str, list[float]]]] = defaultdict(list)
    runs = [(step, door) for step in ("quick", "attacked") for door in ("--direct", "")]
    for step, door in runs * repetitions or runs[:1]:
        name = f"{step}, {'direct' if door else 'with Prefect'}"
        found[name].append(_once(root, ["--force", step, "--quiet", *filter(None, [door])]))
    return {name: _medians(turns) for name, turns in found.items()}


def _once(root: Path, options: Sequence[str]) -> dict[str, list[float]]:
    """Run once, and return wall and CPU seconds of each part and of the whole."""
    into = root.parent / "parts.json"
    before, since = _children(), time.monotonic()
    arguments = ["run", "pipelines/forced.yaml", *options]
    _call([sys.executable, __file__, "--child", str(since), str(into), *arguments], root)
    whole = [time.monotonic() - since, _children() - before]
    parts: dict[str, list[float]] = json.loads(into.read_text(encoding="utf-8"))
    ended = [whole[kind] - sum(took[kind] for took in parts.values()) for kind in (0, 1)]
    parts["all else"] = [own + more for own, more in zip(parts["all else"], ended, strict=True)]
    return {**parts, "the whole command": whole}


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _call(command: Sequence[str], folder: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(
            f"{' '.join(command)} ended with {done.returncode}; expected 0:\n{done.stderr}"
        )


def _medians(turns: Sequence[dict[str, list[float]]]) -> dict[str, dict[str, float]]:
    names = dict.fromkeys(name for turn in turns for name in turn)
    return {
        name: {
            clock: statistics.median([turn.get(name, [0.0, 0.0])[kind] for turn in turns])
            for kind, clock in enumerate(("wall", "cpu"))
        }
        for name in names
    }


def lines(record: Forced) -> list[str]:
    """Return a table for people: a row for each part, wall and CPU seconds of each run."""
    runs = list(record)
    shown = ["", f"{'seconds, wall / CPU':26}" + "".join(f"{name:>24}" for name in runs)]
    order = [OWN, "start and imports", *PARTS, "all else", "the whole command"]
    for part in order:
        cells = [record[name].get(part) for name in runs]
        if any(cells):
            texts = [f"{took['wall']:.2f} / {took['cpu']:.2f}" if took else "" for took in cells]
            shown.append(f"{part:26}" + "".join(f"{text:>24}" for text in texts))
    ratios = [
        record[name]["the whole command"]["wall"] / record[name][OWN]["wall"] for name in runs
    ]
    return [*shown, f"{'of its own work':26}" + "".join(f"{ratio:>24.2f}" for ratio in ratios)]


if __name__ == "__main__" and sys.argv[1:2] == ["--child"]:
    _command(float(sys.argv[2]), sys.argv[4:], Path(sys.argv[3]))
