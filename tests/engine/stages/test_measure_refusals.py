"""Steps that measure, run: what they refuse, and what they note where there is no number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from adversity.errors import DataError, InputError, PluginError

if TYPE_CHECKING:
    from pathlib import Path


def test_samples_that_one_table_lacks_are_named(measure: Any) -> None:
    """Other data, other samples: whose they are, how many, and some by name."""
    with pytest.raises(DataError) as caught:
        measure("  bad: {uses: metric/same, from: clean, against: learnt}\n")
    text = str(caught.value)
    assert "bad compares clean with learnt sample by sample: expected the same samples" in text
    assert "learnt has 1 that clean lacks (class_0/more.png)" in text
    assert "pipelines/m.yaml:" in text


def test_columns_that_are_missing_are_named(measure: Any) -> None:
    """The table of a metric of images has neither a target nor answers."""
    with pytest.raises(DataError, match=r"measures tables with prediction; that of bright lacks"):
        measure(
            "  bright: {uses: metric/bright, from: test}\n"
            "  bad: {uses: metric/same, from: clean, against: bright}\n"
        )


def test_a_step_that_keeps_no_rows_is_named(measure: Any) -> None:
    """What it measures is no mean, so that there is nothing to measure in turn."""
    with pytest.raises(DataError, match=r"bad measures rows, and surer keeps none.*another step"):
        measure(
            "  surer: {uses: metric/more, from: clean, against: learnt}\n"
            "  bad: {uses: metric/ece, from: surer}\n"
        )


def test_what_a_metric_refuses_says_line_step_and_cell(measure: Any) -> None:
    """Of a table, and of cells; the pipeline's line is in front."""
    with pytest.raises(InputError, match=r"m\.yaml:\d+: bad in the cell sigma=0\.05,gain=0\.5: fu"):
        measure("  bad: {uses: metric/fussy, from: answers}\n")
    with pytest.raises(
        InputError, match=r"m\.yaml:\d+: bad in the cell gain=0\.5: fussy_cells: ex"
    ):
        measure("  bad: {uses: metric/fussy_cells, from: answers, over: sigma}\n")


def test_a_flat_clean_image_is_named(measure: Any, measured_project: Path) -> None:
    """It has no range: line, step and which of the images, though a block has sixteen."""
    flat = measured_project / "data/test/class_2/flat.png"
    Image.fromarray(np.full((8, 8), 99, np.uint8)).save(flat)
    try:
        with pytest.raises(DataError) as caught:
            measure(
                "  bad: {uses: metric/psnr, from: noisy, with: {data_range: reference}}\n",
                only="bad",
            )
    finally:
        flat.unlink()
    text = str(caught.value)
    assert "m.yaml:" in text
    assert ": bad in the cell sigma=0.05: metric" in text
    assert "sample class_2/flat.png: expected clean images of two values or more" in text


def test_a_cell_without_a_finite_value_is_noted(measure: Any) -> None:
    """Images that nothing changed are equal to the clean ones: no mean, and a note that says so."""
    _, results = measure(
        "  same_images: {uses: degradation/nothing, from: test}\n"
        "  quality: {uses: metric/psnr, from: same_images}\n",
        only="quality",
    )
    assert results["quality"].measures == {"": {}}
    assert any(
        "quality: psnr_db is infinite for all 24 rows that could be measured" in note
        for note in results["quality"].notes
    )


def test_images_are_never_compared_with_themselves(measure: Any) -> None:
    """Nothing degrades the images and they have no partners: refused before anything is computed."""
    with pytest.raises(
        DataError, match="test has no clean references, and nothing degrades its images"
    ):
        measure("  bad: {uses: metric/psnr, from: test}\n", only="bad")


def test_images_that_are_too_small_are_an_error_not_an_empty_mean(measure: Any) -> None:
    """SSIM needs 11 pixels; these images have 8. One alone is not said to lack a clean one."""
    words = r"could measure none of the images of noisy.*: each .*is smaller than 11 pixels"
    with pytest.raises(DataError, match=words):
        measure("  bad: {uses: metric/ssim, from: noisy}\n", only="bad")
    words = r"none of the images of noisy.*: each is smaller than 100 pixels in height or width$"
    with pytest.raises(DataError, match=words):
        measure("  bad: {uses: metric/tall, from: noisy}\n", only="bad")


def test_a_metric_that_pairs_more_than_there_is_is_named(measure: Any) -> None:
    """Its author is told, not the user."""
    with pytest.raises(PluginError, match=r'"odd".*expected 24 booleans or floats for same_share'):
        measure("  bad: {uses: metric/odd, from: clean, against: clean}\n")
