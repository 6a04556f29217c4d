"""How large the page of a large study is, how long it takes to draw, and to open.

75 cells (three degradations, five severities, five seeds), five restorations, 24 rows of photos of
noise, which no format makes small, and one such photo through everything. It is drawn for the
first time, again as it was, and after a change in one step, each time by a process that has drawn
nothing. Chromium opens it without a window and says when it was loaded and first painted, in turn
with an empty page. Without Chromium those figures are left out, and said to be.
"""

from __future__ import annotations

import multiprocessing
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import contest
import numpy as np

from adversity.contracts.measure_info import MeasureInfo
from adversity.contracts.values import Measure
from adversity.report.charts.drawings import Drawings
from adversity.report.values.example_row import ImageRow, ShownImage
from adversity.report.values.model import CellResult, DataSummary, Gain, Report, StepSummary
from adversity.report.values.sheets import Seen, Sheet, SheetRow
from adversity.report.writers import html
from adversity.report.writers.html import write_html

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

CELLS, METHODS, ROWS, SHEETS = 75, 5, 24, 1
SIZE, OPENS, AGAIN = 10.0, 1.0, 2.0
"""Limits: megabytes of the page, seconds to open it, and to draw it after a change in one step."""
FILES = ("report.html", "empty.html")
PARTS = (
    (html, "contents", "texts, tables, charts"),
    (html, "svg", "charts drawn"),
    (html, "grid", "images of rows"),
    (html, "fitting_sheets", "images of sheets"),
    (html, "vega_embed", "script of charts"),
    (html, "_specs", "data of charts"),
    (html, "_rendered", "template"),
)
"""Where the functions are looked up that draw a page, and what they do."""
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
        sheets=tuple(sheet(number, rng) for number in range(SHEETS)),
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


def sheet(number: int, rng: np.random.Generator) -> Sheet:
    """Return a photo of noise through every degradation and restoration at every severity."""
    clean = rng.random((224, 224, 3), dtype=np.float32)
    names = [(name, "degraded") for name in DEGRADATIONS]
    names += [(f"{name}_r{at}", "restored") for name in DEGRADATIONS for at in range(METHODS)]
    rows = [SheetRow("photos", (Seen({}, "clean", clean, "cat", 0.9, "right", 1, 1),))]
    for at, (name, role) in enumerate(names):
        seen = tuple(
            Seen({"severity": str(level)}, role, clean * np.float32(0.9 - level / 10 - at / 200))
            for level in range(1, 6)
        )
        rows.append(SheetRow(name, seen))
    return Sheet("photos", f"sheet-{number}", "cat", tuple(rows))


def changed(report: Report) -> Report:
    """Return the report after a change in one step, which measured something else."""
    *others, last = report.steps
    rng = np.random.default_rng(1)
    new = predictions(last.condition["degradation"], last.method["restoration"], rng)
    return replace(report, steps=(*others, new))


def draw(folder: Path, which: str) -> dict[str, float]:
    """Draw a page as a run does, in this process, which has drawn none; return CPU seconds.

    Args:
        folder: Where it is written, and where drawings are kept.
        which: `first`, `again` or `changed`.
    """
    report = changed(study()) if which == "changed" else study()
    spent: Counter[str] = Counter()
    for module, name, part in PARTS:
        setattr(module, name, clocked(getattr(module, name), part, spent))
    drawings = Drawings(folder / "drawings")
    started, processor = time.perf_counter(), time.process_time()
    write_html(report, folder / "report.html", drawings=drawings)
    drawings.tidy()
    wall, total = time.perf_counter() - started, time.process_time() - processor
    return {**spent, "the rest": total - sum(spent.values()), "in all": total, "wall time": wall}


def clocked(function: Callable[..., Any], part: str, spent: Counter[str]) -> Callable[..., Any]:
    """Return the function, whose time is added up."""

    def call(*arguments: Any, **options: Any) -> Any:
        started = time.process_time()
        try:
            return function(*arguments, **options)
        finally:
            spent[part] += time.process_time() - started  # type: ignore[assignment]

    return call


def drawn(folder: Path, which: str) -> dict[str, float]:
    """Draw in a process of its own: nothing is loaded there yet."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as process:
        return process.submit(draw, folder, which).result()


def opening(page: Path, browser: str) -> dict[str, float]:
    """Return the seconds from the start of loading to the load event and to the first paint."""
    text = page.read_text(encoding="utf-8")
    copy = page.with_name(f"clocked-{page.name}")
    # Its policy lets no other script run, and the one that tells the times is another.
    copy.write_text(re.sub(r"<meta http-equiv=[^>]*>", "", text) + CLOCK, encoding="utf-8")
    said = subprocess.run(
        [
            *(browser, "--headless", "--no-sandbox", "--window-size=1280,720"),
            *("--enable-logging=stderr", f"--screenshot={page.with_suffix('.png')}"),
            copy.as_uri(),
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stderr
    found = dict(re.findall(r"clock ([a-z-]+) ([\d.]+)", said))
    if not {"load", "first-contentful-paint"} <= found.keys():
        raise SystemExit(f"expected the times of {page.name} from {browser}, got {sorted(found)}")
    loaded, painted = float(found["load"]), float(found["first-contentful-paint"])
    return {"to the load event": loaded / 1000, "to the first paint": painted / 1000}


CLOCK = """<script>
new PerformanceObserver((seen) => seen.getEntries().forEach((one) =>
  console.log(`clock ${one.name} ${one.startTime}`))).observe({ type: "paint", buffered: true });
addEventListener("load", () => console.log(`clock load ${performance.now()}`));
</script>"""


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    asked = contest.options(__doc__).parse_args(arguments)
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        times = {which: drawn(folder, which) for which in ("first", "again", "changed")}
        page, empty = folder / "report.html", folder / "empty.html"
        empty.write_text("<!doctype html><html><title>empty</title>empty", encoding="utf-8")
        megabytes = page.stat().st_size / 1e6
        repetitions = 0 if browser is None or asked.quick else 5
        opened = [
            {one.name: opening(one, str(browser)) for one in (page, empty)}
            for _ in range(repetitions)
        ]
    opens = {
        what: [statistics.median(one[file][what] for one in opened) for file in FILES]
        for what in (opened[0]["report.html"] if opened else ())
    }
    met = [
        ("megabytes", megabytes, SIZE),
        ("seconds after a change", times["changed"]["wall time"], AGAIN),
    ]
    met += [(f"seconds {what}", page, OPENS) for what, (page, _) in opens.items()]
    record: dict[str, Any] = {
        "benchmark": "report_page",
        "quick": asked.quick,
        "machine": contest.machine("vl-convert-python", "jinja2", "pillow"),
        "seconds_to_draw": times,
        "seconds_to_open": {
            what: dict(zip(FILES, took, strict=True)) for what, took in opens.items()
        },
        "limits": [
            {"what": what, "limit": limit, "measured": value, "met": value <= limit}
            for what, value, limit in met
        ],
    }
    contest.write(record, lines(record), as_json=asked.json)


def lines(record: dict[str, Any]) -> list[str]:
    """Return the table for people."""
    times = record["seconds_to_draw"]
    shown = [
        "",
        f"{CELLS} cells x {METHODS} methods, {ROWS} rows of photos of noise; CPU seconds to draw:",
    ]
    shown.append(f"{'':24}" + "".join(f"{which:>9}" for which in times))
    for part in times["first"]:
        row = "".join(f"{took.get(part, 0.0):9.2f}" for took in times.values())
        shown.append(f"{part:24}{row}")
    for what, took in record["seconds_to_open"].items():
        page, empty = took.values()
        shown.append(f"{what}: {page:.2f} s, {page / empty:.1f} times an empty page's")
    for limit in record["limits"]:
        word = "met" if limit["met"] else "MISSED"
        shown.append(f"{word}: {limit['measured']:.2f} {limit['what']}, limit {limit['limit']:.0f}")
    if not record["seconds_to_open"]:
        shown.append("how long it takes to open was not measured: no browser, or --quick")
    return shown


if __name__ == "__main__":
    main(sys.argv[1:])
