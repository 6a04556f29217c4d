"""Steps that measure, run: the number is the metric's on what `from:` and `against:` name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from adversity.data.tables import read_table
from adversity.engine.set_up.workspace import Workspace
from adversity.engine.summary.summarise import summarise
from adversity.report.doubts.void_figures import why_void
from adversity.report.values.model import Caveat
from adversity.report.values.paired import cell_key

if TYPE_CHECKING:
    from pathlib import Path

MORE = """
  quality: {uses: metric/psnr, from: dark}
  bright: {uses: metric/bright, from: test}
  exact: {uses: metric/ece, from: answers}
  same: {uses: metric/same, from: answers, against: calm}
  surer: {uses: metric/more, from: clean, against: learnt}
  over_gain: {uses: metric/seen, from: answers, over: gain}
  over_both: {uses: metric/seen, from: answers, over: [gain, sigma]}
  of_quality: {uses: metric/seen, from: quality, over: sigma, with: {measure: psnr_db}}
  of_surer: {uses: metric/seen, from: same, over: [sigma, gain], with: {measure: same_share}}
"""


@pytest.fixture(scope="module")
def finished(measure: Any) -> Any:
    """Everything, run once."""
    return measure(MORE)


def rows(folder: Path, step: str, cell: str) -> dict[str, Any]:
    """Return the rows of one cell of a step."""
    table = read_table(folder / step / "table.parquet")
    inside = table["cell"] == cell
    return {name: values[inside] for name, values in table.items()}


CELLS = [
    f"sigma={sigma},gain={gain}" for sigma in ("0.05", "0.3") for gain in ("0.5", "0.2", "0.1")
]


def test_images_are_measured_as_on_the_way_to_a_classifier(finished: Any) -> None:
    """The same numbers, to the bit, as the column that predictions of these images have."""
    folder, results = finished
    assert list(results["quality"].measures) == CELLS
    for cell in CELLS:
        ours, theirs = rows(folder, "quality", cell), rows(folder, "answers", cell)
        assert np.array_equal(ours["id"], theirs["id"])
        assert np.array_equal(ours["psnr_db"], theirs["psnr_db"])
        measures = results["quality"].measures[cell]
        assert measures == {"psnr_db": results["answers"].measures[cell]["psnr_db"]}
        assert np.isclose(measures["psnr_db"].value, ours["psnr_db"].mean(), rtol=1e-12)


def test_a_no_reference_metric_measures_what_has_no_partner(finished: Any, quarters: Any) -> None:
    """Of clean images it gives the mean of what the files hold."""
    folder, results = finished
    stored = rows(folder, "bright", "")
    files = [quarters / "data/test" / name for name in stored["id"]]
    means = [np.asarray(Image.open(file), np.float64).mean() / 255 for file in files]
    # Images are float32 in [0, 1]: 255 levels are apart by far more than its rounding.
    np.testing.assert_allclose(stored["brightness"], means, rtol=1e-6)
    assert results["bright"].measures[""]["brightness"].n == 24


def test_one_table_is_measured_as_under_metrics(finished: Any) -> None:
    """ECE in a step of its own is the ECE that the predictions have."""
    _, results = finished
    for cell in CELLS:
        mine, theirs = results["exact"].measures[cell], results["answers"].measures[cell]
        assert mine == {name: theirs[name] for name in mine}
        assert mine


def test_two_tables_are_joined_by_id(finished: Any) -> None:
    """The share by hand, in each cell; the second table has no gain, so its one cell serves all."""
    folder, results = finished
    for cell in CELLS:
        ours = rows(folder, "answers", cell)
        theirs = rows(folder, "calm", cell.split(",", maxsplit=1)[0])
        by_id = dict(zip(theirs["id"], theirs["prediction"], strict=True))
        equal = [
            by_id[name] == said for name, said in zip(ours["id"], ours["prediction"], strict=True)
        ]
        assert results["same"].measures[cell]["same_share"].value == np.mean(equal)
        kept = rows(folder, "same", cell)
        assert kept["same_share"].tolist() == equal
        assert kept["id"].tolist() == ours["id"].tolist()
    values = {m["same_share"].value for m in results["same"].measures.values()}
    assert len(values) > 1  # a metric of one table with itself would say 1 everywhere


def test_tables_of_other_data_are_compared_as_they_are(finished: Any) -> None:
    """24 samples against 25: the metric gets both whole, in their order."""
    folder, results = finished
    ours, theirs = rows(folder, "clean", "")["confidence"], rows(folder, "learnt", "")["confidence"]
    measure = results["surer"].measures[""]["surer"]
    assert (measure.value, measure.n) == (ours.mean() - theirs.mean(), 49)
    assert not (folder / "surer/table.parquet").exists()  # no mean over samples: no rows


def test_over_gives_the_cells_that_agree_in_the_rest(finished: Any) -> None:
    """Values, measures and rows of each, in the order of the matrix."""
    _, results = finished
    assert list(results["over_gain"].measures) == ["sigma=0.05", "sigma=0.3"]
    for sigma, cells in (("0.05", CELLS[:3]), ("0.3", CELLS[3:])):
        details = results["over_gain"].measures[f"sigma={sigma}"]["seen"].details
        assert details["values"] == [
            {"sigma": sigma, "gain": gain} for gain in ("0.5", "0.2", "0.1")
        ]
        accuracy = [results["answers"].measures[cell]["accuracy"].value for cell in cells]
        assert details["measured"] == accuracy
        assert details["rows"] == [24, 24, 24]
    both = results["over_both"].measures[""]["seen"]
    assert (both.n, len(both.details["values"])) == (6, 6)


def test_measures_of_steps_that_measure_are_folded_too(finished: Any) -> None:
    """With rows, as a metric of images keeps them, and of a table without any."""
    _, results = finished
    details = results["of_quality"].measures["gain=0.2"]["seen"].details
    cells = ("sigma=0.05,gain=0.2", "sigma=0.3,gain=0.2")
    quality = [results["quality"].measures[cell]["psnr_db"].value for cell in cells]
    assert details["measured"] == quality
    assert details["rows"] == [24, 24]
    assert details["units"] == ["dB", "dB"]  # what is known of the measure comes with it
    found = results["of_quality"].measures["gain=0.2"]["seen"]
    assert (found.info.title, found.unit) == ("seen psnr_db", "dB")  # as `gives` says
    assert results["of_surer"].measures[""]["seen"].n == 6


def test_a_doubt_of_what_is_compared_with_passes_through_what_folds_it(
    finished: Any, plan_measures: Any, measured_project: Path
) -> None:
    """The mean of an agreement rests on either table: one void cell of either voids it."""
    folder, _ = finished
    out = folder.parents[1]
    summaries = summarise(plan_measures(MORE), Workspace(measured_project, out, out / "store"))
    mean, same = summaries["of_surer"], summaries["same"]
    assert (mean.path, mean.compared) == (
        ("test", "noisy", "dark", "answers", "same", "of_surer"),
        ("calm",),
    )
    doubt = Caveat("void", "calm failed.", "calm", {"sigma": "0.3"})
    for step, cells in ((mean, {""}), (same, set(CELLS[3:])), (summaries["answers"], set())):
        void = {
            cell_key(cell.cell)
            for cell in step.cells
            if why_void("any", step, cell, steps=summaries, caveats=(doubt,))
        }
        assert void == cells


@pytest.mark.parametrize("overrides", [("run.shard_size=5", "run.batch_size=3")])
def test_shards_and_workers_leave_the_same_bytes(
    measure: Any, finished: Any, overrides: tuple[str, ...]
) -> None:
    """Images measured in other pieces by two workers, the same file."""
    folder, _ = finished
    again, _ = measure(MORE, *overrides, only="quality", workers=2)
    for name in ("table.parquet", "measures.json"):
        assert (again / "quality" / name).read_bytes() == (folder / "quality" / name).read_bytes()
