"""How large the page of a large study is, how long it takes to draw, and to open.

75 cells (three degradations, five severities, five seeds), five restorations, and 24 rows of photos
of noise, which no format makes small. Chromium opens it without a window and draws the first screen;
what an empty page takes is taken off. Without Chromium that figure is left out, and said to be.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import contest
import numpy as np

from adversity.contracts.measure_info import MeasureInfo
from adversity.contracts.values import Measure
from adversity.report.values.example_row import ImageRow, ShownImage
from adversity.report.values.model import CellResult, DataSummary, Gain, Report, StepSummary
from adversity.report.writers.html import write_html

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CELLS, METHODS, ROWS = 75, 5, 24
SIZE, OPENS = 10.0, 1.0
"""Limits: megabytes of the page, and seconds to open it."""
INFOS = {
    "accuracy": MeasureInfo(0, 1, better="higher", scale="share", group="accuracy", headline=1),
    "nll": MeasureInfo(0, title="NLL", unit="nats", better="lower", group="uncertainty"),
    "brier": MeasureInfo(0, 2, title="Brier score", better="lower", group="uncertainty"),
    "psnr_db": MeasureInfo(title="PSNR", unit="dB", better="higher", group="quality"),
}
DEGRADATIONS = ("noise", "dark", "blur")


def study() -> Report:
    """Return the report of a study that never ran."""
    rng = np.random.default_rng(0)
    methods = ["none", *(f"restoration_{number}" for number in range(METHODS))]
    steps = [predictions(name, method, rng) for name in DEGRADATIONS for method in methods]
    seeds = tuple(map(str, range(CELLS // 15)))
    return Report(
        pipeline="study",
        file="pipelines/study.yaml",
        text="name: study\n",
        seed=0,
        matrix={"severity": ("1", "2", "3", "4", "5"), "seed": seeds},
        data=(DataSummary("photos", "dataset/folder", 2000, 100),),
        steps=tuple(steps),
        gains=tuple(gains(steps, rng)),
        rows=tuple(row(number, rng) for number in range(ROWS)),
        sides={"severity": "condition", "seed": "seed"},
    )


def cells() -> Iterator[dict[str, str]]:
    """Yield the cells of one degradation."""
    for severity in range(1, 6):
        for seed in range(CELLS // 15):
            yield {"severity": str(severity), "seed": str(seed)}


def predictions(degradation: str, method: str, rng: np.random.Generator) -> StepSummary:
    """Return the step of one method behind one degradation."""
    name = f"{degradation}_{method}"
    return StepSummary(
        id=name,
        uses="classifier/net",
        kind="classifier",
        makes="predictions",
        source=(degradation,),
        path=("photos", degradation, *(() if method == "none" else (method,)), name),
        cells=tuple(CellResult(cell, 2000, measures(rng)) for cell in cells()),
        method={"restoration": method, "classifier": "net"},
        condition={"data": "photos", "degradation": degradation, "attack": "none"},
    )


def measures(rng: np.random.Generator) -> dict[str, Measure]:
    """Return measures of one cell."""
    values = {name: float(rng.uniform(0.2, 0.9)) for name in INFOS}
    return {
        name: Measure(value, 2000, value - 0.02, value + 0.02).known_as(INFOS[name])
        for name, value in values.items()
    }


def gains(steps: Sequence[StepSummary], rng: np.random.Generator) -> Iterator[Gain]:
    """Yield what each restoration did in each cell."""
    untreated = {step.source: step for step in steps if step.method["restoration"] == "none"}
    for step in steps:
        before = untreated[step.source]
        if step is not before:
            for cell in step.cells:
                value = float(rng.uniform(-0.1, 0.1))
                difference = Measure(value, 2000, value - 0.03, value + 0.03)
                yield Gain(step.path[2], before.id, step.id, cell.cell, difference, 90, 70, 0.1)


def row(number: int, rng: np.random.Generator) -> ImageRow:
    """Return a photo of noise on its way."""
    clean = rng.random((224, 224, 3), dtype=np.float32)
    delta = (rng.choice([-1.0, 1.0], clean.shape) * 8 / 255).astype(np.float32)
    shown = (
        ShownImage("clean", "photos", clean, "cat", 0.9, "right"),
        ShownImage("degraded", "dark", clean * np.float32(0.2), "dog", 0.4, "flipped", 9.0),
        ShownImage("restored", "brighter", np.sqrt(clean), "cat", 0.6, "recovered", 20.0),
        ShownImage("adversarial", "attacked", np.clip(clean + delta, 0, 1), "dog", 0.7, "flipped", 30.0),
    )  # fmt: skip
    cell = {"severity": "3", "seed": "0"}
    sizes = {"linf": 8 / 255, "l2": float(np.sqrt(np.square(delta.astype(float)).sum()))}
    return ImageRow(f"photo-{number}", "cat", cell, "flipped", shown, delta, "linf", 8 / 255, sizes)


def opening(page: Path, browser: str) -> float:
    """Return the seconds that a browser takes for the first screen of a page."""
    started = time.perf_counter()
    subprocess.run(
        [
            *(browser, "--headless", "--no-sandbox", "--window-size=1280,720"),
            *(f"--screenshot={page.with_suffix('.png')}", page.as_uri()),
        ],
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - started


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    asked = contest.options(__doc__).parse_args(arguments)
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder:
        page, empty = Path(folder, "report.html"), Path(folder, "empty.html")
        empty.write_text("<!doctype html><title>empty</title>", encoding="utf-8")
        report = study()
        started = time.perf_counter()
        write_html(report, page)
        drawn = time.perf_counter() - started
        megabytes = page.stat().st_size / 1e6
        repetitions = 0 if browser is None or asked.quick else 3
        opens = [
            opening(page, str(browser)) - opening(empty, str(browser)) for _ in range(repetitions)
        ]
    took = min(opens, default=None)
    record: dict[str, Any] = {
        "benchmark": "report_page",
        "quick": asked.quick,
        "machine": contest.machine("altair", "jinja2", "pillow"),
        "seconds_to_draw": drawn,
        "limits": [
            {"what": "megabytes", "limit": SIZE, "measured": megabytes, "met": megabytes <= SIZE},
            *(
                []
                if took is None
                else [{"what": "seconds to open", "limit": OPENS, "measured": took, "met": took <= OPENS}]
            ),
        ],
    }  # fmt: skip
    contest.write(record, lines(record), as_json=asked.json)


def lines(record: dict[str, Any]) -> list[str]:
    """Return the table for people."""
    shown = ["", f"{CELLS} cells x {METHODS} methods, {ROWS} rows of photos of noise"]
    shown.append(f"drawn in {record['seconds_to_draw']:.1f} s")
    for limit in record["limits"]:
        word = "met" if limit["met"] else "MISSED"
        shown.append(f"{word}: {limit['measured']:.2f} {limit['what']}, limit {limit['limit']:.0f}")
    if len(record["limits"]) == 1:
        shown.append("how long it takes to open was not measured: no browser, or --quick")
    return shown


if __name__ == "__main__":
    main(sys.argv[1:])
