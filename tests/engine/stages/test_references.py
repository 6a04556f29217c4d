"""What images are compared with: their clean references, what was degraded first, or nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from adversity.data.tables import read_table
from adversity.engine.set_up.toolbox import Toolbox
from adversity.engine.summary.example_images import image_rows
from adversity.engine.summary.shown_views import ShownViews
from adversity.engine.summary.summarise import build_report
from adversity.errors import DataError
from adversity.report.sections.data_sets import data_section
from adversity.report.words.reading import labels

CHAIN = """
  darker: {uses: degradation/darker, from: photos}
  net: {uses: classifier/bright}
  answers: {uses: net, from: darker}
  attacked: {uses: attack/random_noise, from: darker, against: answers, with: {eps: 4/255}}
"""
REFUSED = "photos has no clean references, and its images are degraded already"


def column(workspace: Any, step: str, name: str = "psnr_db") -> Any:
    """Return a column of a step's table."""
    return read_table(workspace.outputs / "artifacts/p" / step / "table.parquet")[name]


def test_degraded_images_without_references_are_scored_against_nothing(run_pairs: Any) -> None:
    """Behind a degradation and behind an attack: no value, no measure, and the step says why."""
    _, workspace, results = run_pairs("images: degraded", CHAIN)
    for step in ("answers", "attacked"):
        assert np.isnan(column(workspace, step)).all()
        assert "psnr_db" not in results[step].measures[""]
        assert any(f"psnr_db, ssim cannot be measured: {REFUSED}" in n for n in results[step].notes)


def test_clean_images_are_scored_against_what_was_degraded(run_pairs: Any) -> None:
    """0.05 darker is a mean squared error of 0.0025: 26.02 dB, whether or not it is written."""
    for written in ("images: clean", "with: {size: 12}"):
        _, _, results = run_pairs(written, CHAIN)
        value = results["answers"].measures[""]["psnr_db"].value
        assert value == pytest.approx(-10 * np.log10(0.0025), abs=1e-4)


def test_references_count_whatever_the_images_are_taken_for(run_pairs: Any) -> None:
    """0.1 brighter is 20 dB on the data themselves; 0.05 darker than that, 26.02 dB."""
    steps = f"{CHAIN}\n  quality: {{uses: metric/psnr, from: photos}}\n"
    for images in ("degraded", "clean"):
        _, _, results = run_pairs(f"with: {{partners: all}}, images: {images}", steps)
        assert results["quality"].measures[""]["psnr_db"].value == pytest.approx(20, abs=1e-4)
        value = results["answers"].measures[""]["psnr_db"].value
        assert value == pytest.approx(-10 * np.log10(0.0025), abs=1e-4)


def test_a_step_that_needs_clean_images_refuses_degraded_ones(run_pairs: Any) -> None:
    """With its line, before anything is computed."""
    steps = f"{CHAIN}\n  quality: {{uses: metric/psnr, from: darker}}\n"
    with pytest.raises(DataError) as caught:
        run_pairs("images: degraded", steps, only="quality")
    assert f"compares images with clean ones: {REFUSED} (images: degraded)" in str(caught.value)
    assert "pipelines/p.yaml:" in str(caught.value)
    run_pairs("images: clean", steps, only="quality")


def test_what_the_images_are_taken_for_is_in_the_keys(run_pairs: Any) -> None:
    """In one store: rows that were measured with another partner are not taken."""
    _, workspace, _ = run_pairs("images: clean", CHAIN)
    assert np.isfinite(column(workspace, "answers")).all()
    _, workspace, _ = run_pairs("images: degraded", CHAIN)
    assert np.isnan(column(workspace, "answers")).all()


@pytest.mark.parametrize("images", ["clean", "degraded"])
def test_the_report_calls_only_clean_images_clean(run_pairs: Any, images: str) -> None:
    """Example images, the names of paths, and the table of data sets."""
    steps = f"{CHAIN}\n  plain: {{uses: net, from: photos}}\n"
    plan, workspace, _ = run_pairs(f"images: {images}", steps)
    rows, _ = image_rows(ShownViews(Toolbox(plan, workspace)))
    assert rows
    for row in rows:
        assert [shown.role for shown in row.images] == [images, "degraded", "adversarial"]
        assert all((shown.psnr_db is None) == (images == "degraded") for shown in row.images[1:])
    report = build_report(plan, workspace)
    assert labels(report, [step for step in report.steps if step.path])["plain"] == images
    table = data_section(report).blocks[0]  # type: ignore[union-attr]
    said = {"clean": "taken for clean", "degraded": "degraded, no references"}
    assert table.rows[0][4] == said[images]  # type: ignore[union-attr]


def test_the_report_shows_the_reference_as_the_clean_image(run_pairs: Any) -> None:
    """The sample's image is degraded then, 20 dB from it."""
    plan, workspace, _ = run_pairs("with: {partners: all}", CHAIN)
    rows, _ = image_rows(ShownViews(Toolbox(plan, workspace)))
    for row in rows:
        clean, given = row.images[:2]
        assert (clean.role, given.role) == ("clean", "degraded")
        np.testing.assert_array_equal(given.image, clean.image + np.float32(0.1))
        assert given.psnr_db == pytest.approx(20, abs=1e-4)
    report = build_report(plan, workspace)
    assert (report.data[0].images, report.data[0].references) == ("degraded", 10)
