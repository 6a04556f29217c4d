"""References of another size than their images, of some images alone, and those that a fit gets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from adversity.data.arrays import read_arrays
from adversity.data.tables import read_table
from adversity.engine.set_up.toolbox import Toolbox
from adversity.errors import DataError


def column(workspace: Any, step: str, name: str = "psnr_db") -> Any:
    """Return a column of a step's table."""
    return read_table(workspace.outputs / "artifacts/p" / step / "table.parquet")[name]


def states(workspace: Any, step: str) -> dict[str, Any]:
    """Return what fitting left in the info of a state."""
    (file,) = (workspace.outputs / "artifacts/p" / step / "states").iterdir()
    return dict(read_arrays(file)[1])


FIT = """
  darker: {uses: degradation/darker, from: photos}
  fitted: {uses: restoration/learner, fit_on: darker}
"""


def test_a_fit_gets_no_references_of_degraded_images(run_pairs: Any) -> None:
    """Of clean ones it gets what they were."""
    _, workspace, _ = run_pairs("images: degraded", FIT)
    assert states(workspace, "fitted")["sizes"] == [None]
    _, workspace, _ = run_pairs("images: clean", FIT)
    assert states(workspace, "fitted")["sizes"] == [[10, 1, 12, 12]]


SOME = """
  darker: {uses: degradation/darker, from: photos}
  net: {uses: classifier/bright}
  answers: {uses: net, from: darker}
"""
ENLARGED = """
  larger: {uses: restoration/repeat, from: photos}
  net: {uses: classifier/bright}
  kept: {uses: restoration/keep, from: photos}
  small: {uses: net, from: kept}
  answers: {uses: net, from: larger}
  quality: {uses: metric/psnr, from: larger}
  fitted: {uses: restoration/learner, fit_on: photos}
"""


def test_references_of_another_size_are_compared_where_the_size_is_one(run_pairs: Any) -> None:
    """Twice as large: 20 dB behind a restoration that enlarges, nothing before it, and it is said."""
    _, workspace, results = run_pairs("with: {partners: all, scale: 2}", ENLARGED)
    for step in ("answers", "quality"):
        assert results[step].measures[""]["psnr_db"].value == pytest.approx(20, abs=1e-4)
    assert np.isnan(column(workspace, "small")).all()
    assert "psnr_db" not in results["small"].measures[""]
    missing = "psnr_db is missing for 10 of 10 rows: the image has another size than the clean one"
    assert any(missing in note for note in results["small"].notes)


def test_a_step_that_could_compare_no_image_says_which_size(run_pairs: Any) -> None:
    """All are smaller than their references: an error with the step's line, no empty mean."""
    steps = f"{ENLARGED}  bad: {{uses: metric/psnr, from: photos}}\n"
    with pytest.raises(
        DataError, match=r"could measure none of the images of photos: each has another size"
    ):
        run_pairs("with: {partners: all, scale: 2}", steps, only="bad")


def test_references_of_another_size_reach_a_fit(run_pairs: Any) -> None:
    """Their size and their mean, which is the images' less 0.1."""
    plan, workspace, _ = run_pairs("with: {partners: all, scale: 2}", ENLARGED)
    learnt = states(workspace, "fitted")
    assert learnt["sizes"] == [[10, 1, 24, 24]]
    images = Toolbox(plan, workspace).source("photos").images(range(10))
    assert learnt["means"] == pytest.approx([float(images.mean()) - 0.1], abs=1e-5)


@pytest.mark.parametrize("sizes", [(64, 256), (3, 4), (1, 1)])
def test_samples_without_references_change_nothing_for_those_with(
    run_pairs: Any, sizes: Any
) -> None:
    """Whatever the batches: 20 dB from the reference; nothing where there is none to compare with.

    Data with references are degraded: behind a degradation those without are not compared with
    what they were before it either, and the step says why.
    """
    batch, shard = f"run.batch_size={sizes[0]}", f"run.shard_size={sizes[1]}"
    steps = f"{SOME}  plain: {{uses: metric/psnr, from: photos}}\n"
    _, workspace, results = run_pairs("with: {partners: some}", steps, batch, shard)
    for step, decibels in (("plain", 20), ("answers", -10 * np.log10(0.0025))):
        values = dict(zip(column(workspace, step, "id"), column(workspace, step), strict=True))
        assert all(np.isnan(values[f"s{i}"]) for i in range(1, 10, 2))
        assert [values[f"s{i}"] for i in range(0, 10, 2)] == pytest.approx([decibels] * 5, abs=1e-4)
    why = "psnr_db is missing for 5 of 10 rows: the image has no clean one to be compared with"
    assert any(why in note for note in results["answers"].notes)
    assert results["plain"].measures[""]["psnr_db"].n == 5


def test_a_crop_to_a_multiple_reaches_the_references(run_pairs: Any) -> None:
    """13 pixels become 12, the references 24; enlarged they are as large again."""
    data = "with: {partners: all, scale: 2, size: 13}, prepare: {multiple_of: 4}"
    _, workspace, results = run_pairs(data, ENLARGED)
    assert states(workspace, "fitted")["sizes"] == [[10, 1, 24, 24]]
    assert results["quality"].measures[""]["psnr_db"].value == pytest.approx(20, abs=1e-4)
