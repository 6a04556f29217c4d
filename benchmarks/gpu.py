"""Does a graphics card answer as the CPU does, and how much sooner?

The shipped small pipeline runs on the CPU, then on the card: degradation, restoration, classifier,
calibration, attack, metrics. The network's weights are the CPU's both times, since training is
another computation on a card; how far its own training leads away is said apart. Exit code 1 if
logits differ by more than 1e-5 of the largest one. Verdicts that flipped are counted: an attack
takes the sign of gradients near zero, so its images may differ while its figures agree.

    .venv/bin/python benchmarks/gpu.py --device cuda
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import contest
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adversity.engine.set_up.workspace import Workspace
    from adversity.pipeline.plan.model import Plan, Stage

ROOT = Path(__file__).resolve().parents[1]
PIPELINE = ROOT / "pipelines" / "smoke.yaml"
LIMIT = 1e-5
"""Of the largest logit: what is promised between two devices (docs/reproducibility.md)."""


def planned(device: str) -> Plan:
    """Plan the pipeline for a device."""
    from adversity.pipeline.make_plan import make_plan
    from adversity.pipeline.read.load import load_pipeline
    from adversity.registry import discover

    plan = make_plan(load_pipeline(PIPELINE, root=ROOT), discover())
    run = plan.spec.run.model_copy(update={"device": device})
    return replace(plan, spec=plan.spec.model_copy(update={"run": run}))


def compute(plan: Plan, stage: Stage, workspace: Workspace) -> float:
    """Compute a stage in this thread and return how many seconds it took."""
    from adversity.engine.public.open_stage import open_stage

    started = time.perf_counter()
    run = open_stage(plan, stage, workspace)
    for wave in run.waves():
        for shard in wave:
            run.run_shard(shard)
    run.finish(workspace.outputs / stage.out)
    return time.perf_counter() - started


def run_all(plan: Plan, into: Path, weights: Path | None = None) -> dict[str, float]:
    """Compute every stage but the report; return seconds by step.

    Args:
        plan: The pipeline.
        into: A new folder.
        weights: The folder of a run whose data sets and fitted definitions are taken.
    """
    from adversity.engine.set_up.workspace import Workspace

    workspace = Workspace(ROOT, into, into / "store")
    seconds = {}
    for stage in plan.stages[:-1]:
        is_given = stage.step not in plan.steps or plan.steps[stage.step].role == "define"
        if weights is not None and is_given:
            shutil.copytree(weights / stage.out, into / stage.out)
        else:
            seconds[stage.step] = compute(plan, stage, workspace)
    return seconds


def fit_gap(plan: Plan, ours: Path, into: Path) -> float:
    """Fit the definitions on the device; return how far their weights are, of the largest one."""
    from adversity.data.arrays import read_arrays
    from adversity.engine.set_up.workspace import Workspace

    gaps = [0.0]
    workspace = Workspace(ROOT, into, into / "store")
    for stage in plan.stages[:-1]:
        if stage.step not in plan.steps:
            shutil.copytree(ours / stage.out, into / stage.out)
        elif plan.steps[stage.step].role == "define":
            compute(plan, stage, workspace)
            for file in sorted((ours / stage.out / "states").glob("*.safetensors")):
                one = read_arrays(file)[0]
                other = read_arrays(into / stage.out / "states" / file.name)[0]
                numbers = [name for name in one if one[name].dtype.kind == "f"]
                gaps += [_relative(one[name], other[name]) for name in numbers]
    return max(gaps)


def differences(plan: Plan, ours: Path, theirs: Path) -> dict[str, dict[str, Any]]:
    """Compare the tables of two runs, and an attack's images, by step."""
    from adversity.data.tables import read_table

    found: dict[str, dict[str, Any]] = {}
    for stage in plan.stages[:-1]:
        if stage.step not in plan.steps or not plan.steps[stage.step].is_measured:
            continue
        folders = [run / stage.out for run in (ours, theirs)]
        one, other = (read_table(folder / "table.parquet") for folder in folders)
        if list(one["id"]) != list(other["id"]):
            raise SystemExit(f"{stage.step}: the two runs have rows of other samples")
        row: dict[str, Any] = {"rows": len(one["id"])}
        for name in ("logits", "probs"):
            if name in one:
                row[name] = _relative(_stacked(one[name]), _stacked(other[name]))
        for name in ("prediction", "correct", "fooled"):
            if name in one:
                row[f"flipped_{name}"] = int((one[name] != other[name]).sum())
        row |= _images(*folders)
        found[stage.step] = row
    return found


def _images(ours: Path, theirs: Path) -> dict[str, float]:
    """Return the largest difference of stored images, where a step has some."""
    from adversity.data.arrays import read_arrays

    gaps = []
    for file in sorted((ours / "images").rglob("*.safetensors")):
        one, other = (read_arrays(run / file.relative_to(ours))[0] for run in (ours, theirs))
        gaps += [float(np.abs(one[name] - other[name]).max()) for name in one]
    return {"images": max(gaps)} if gaps else {}


def _stacked(column: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.stack([np.asarray(row, np.float64) for row in column])


def _relative(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    """Return the largest difference, as a share of the largest value."""
    a, b = one.astype(np.float64), other.astype(np.float64)
    return float(np.abs(a - b).max() / max(np.abs(a).max(), 1e-300)) if a.size else 0.0


def measure(device: str) -> dict[str, Any]:
    """Run on the CPU and on a device, and compare.

    Raises:
        SystemExit: If this machine has no such device.
    """
    from adversity.engine.calls.device import absent_device

    fault = absent_device(device)
    if fault is not None:
        raise SystemExit(f"nothing was measured: {fault}")
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs, apart = (Path(folder) / name for name in ("cpu", "device", "fit"))
        plan = planned("cpu")
        seconds = {"cpu": run_all(plan, ours)}
        there = planned(device)
        run_all(there, Path(folder) / "warm-up", weights=ours)  # kernels are loaded once
        seconds[device] = run_all(there, theirs, weights=ours)
        steps = differences(plan, ours, theirs)
        for step, row in steps.items():
            row["seconds"] = {name: round(took[step], 3) for name, took in seconds.items()}
        fitted = fit_gap(there, ours, apart)
    judged = {s: row["logits"] for s, row in steps.items() if plan.steps[s].role == "predict"}
    return {
        "device": device,
        "name": _name(device),
        "steps": steps,
        "largest_logit_gap": max(judged.values()),
        "limit": LIMIT,
        "agrees": max(judged.values()) <= LIMIT,
        "flipped": {
            name: sum(row.get(f"flipped_{name}", 0) for row in steps.values())
            for name in ("prediction", "correct", "fooled")
        },
        "fit_gap": fitted,
    }


def _name(device: str) -> str:
    if not device.startswith("cuda"):
        return device
    import torch

    return torch.cuda.get_device_name(device)


def lines(record: Mapping[str, Any]) -> list[str]:
    """Return what people read."""
    device = record["device"]
    shown = [f"on {record['name']}, beside the CPU, one thread:"]
    for step, row in record["steps"].items():
        took = row["seconds"]
        gap = row.get("logits", row.get("probs"))
        parts = [f"{row['rows']} rows", f"{took['cpu']:.2f} s -> {took[device]:.2f} s"]
        parts += [f"values differ by {gap:.2g} of the largest"] if gap is not None else []
        parts += [f"{n} {k} flipped" for k, n in row.items() if k.startswith("flipped_") and n]
        parts += [f"images by {row['images']:.2g}"] if "images" in row else []
        shown.append(f"  {step}: " + ", ".join(parts).replace("flipped_", ""))
    verdict = "within" if record["agrees"] else "ABOVE"
    shown.append(
        f"logits of classifiers differ by at most {record['largest_logit_gap']:.2g} of the largest, "
        f"{verdict} {record['limit']:g}; training there leads {record['fit_gap']:.2g} away"
    )
    return shown


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and say by the exit code whether the devices agree."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--device", default="cuda", help="as torch names it")
    parser.add_argument("--json", action="store_true", help="write one JSON object")
    asked = parser.parse_args(arguments)
    record = measure(asked.device)
    record = {"benchmark": "gpu", "machine": contest.machine("torch"), **record}
    print(json.dumps(record, indent=1) if asked.json else "\n".join(lines(record)))
    return 0 if record["agrees"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
