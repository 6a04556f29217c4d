"""What a defence seemed to be and what it was: counted from the tables, paired by sample."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

import adversity
from adversity.data.tables import read_table
from adversity.numerals import parse_number

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE = """
name: defended
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  test: {uses: dataset/folder, with: {path: data/test}}
matrix:
  eps: [20/255, 40/255]
  angle: [5, 20]
steps:
  net: {uses: classifier/small_cnn, fit_on: train, with: {epochs: 6, width: 8}}
  bare: {uses: net, from: test}
  gamma: {uses: restoration/gamma_correction, from: test, with: {gamma: 0.5}}
  behind: {uses: net, from: gamma}
  bare_grey:
    uses: attack/pgd
    from: test
    against: bare
    knowledge: grey-box
    with: {eps: $eps, steps: 3}
  bare_white: {uses: attack/pgd, from: test, against: bare, with: {eps: $eps, steps: 3}}
  grey:
    uses: attack/pgd
    from: test
    against: behind
    knowledge: grey-box
    with: {eps: $eps, steps: 3}
  adaptive: {uses: attack/pgd, from: test, against: behind, with: {eps: $eps, steps: 3}}
  one_size: {uses: attack/pgd, from: test, against: behind, with: {eps: 20/255, steps: 3}}
  longer: {uses: attack/pgd, from: test, against: behind, with: {eps: $eps, steps: 4}}
  other: {uses: attack/fgsm, from: test, against: behind, with: {eps: $eps}}
  noise_grey:
    uses: attack/random_noise
    from: test
    against: behind
    knowledge: grey-box
    with: {eps: $eps}
  noise: {uses: attack/random_noise, from: test, against: behind, with: {eps: $eps}}
  nearest: {uses: attack/deepfool, from: test, against: bare, with: {steps: 3}}
  turned:
    uses: attack/spatial
    from: test
    against: bare
    with: {method: random, draws: 1, angle_deg: $angle, shift: 0.25}
"""


def write_images(folder: Path, per_class: int, seed: int) -> None:
    """Write stripes that lie or stand, with noise so that they are not trivial."""
    rng = np.random.default_rng(seed)
    for label in ("lying", "standing"):
        place = folder / label
        place.mkdir(parents=True)
        for i in range(per_class):
            wave = 0.5 + 0.12 * np.sin(np.arange(16) * rng.uniform(0.8, 1.2) + rng.uniform(0, 6))
            image = np.tile(wave, (16, 1))
            image = image if label == "standing" else image.T
            image = (image + rng.normal(0, 0.08, image.shape)).clip(0, 1)
            Image.fromarray((image * 255).astype(np.uint8)).save(place / f"{i:03d}.png")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pipeline, run once."""
    root = tmp_path_factory.mktemp("defended")
    write_images(root / "data/train", 24, 0)
    write_images(root / "data/test", 10, 2)
    (root / "pipelines").mkdir()
    (root / "pipelines/defended.yaml").write_text(PIPELINE)
    adversity.run(root / "pipelines/defended.yaml", into=root / "out", root=root)
    return root / "out/artifacts/defended"


@pytest.fixture(scope="module")
def found(finished: Path) -> Any:
    """The pairs of the report."""
    return json.loads((finished / "report/report.json").read_text(encoding="utf-8"))["illusions"]


def withstood(folder: Path, step: str, eps: str) -> dict[str, bool]:
    """Count by hand: right from the start, and not fooled, by id."""
    table = read_table(folder / step / "table.parquet")
    keep = table["eps"] == parse_number(eps) if "eps" in table else np.full(len(table["id"]), True)
    columns = (table[name][keep] for name in ("id", "start_correct", "fooled"))
    return {
        str(name): bool(right) and not bool(fell)
        for name, right, fell in zip(*columns, strict=True)
    }


def test_only_attacks_that_differ_in_knowledge_are_compared(found: Any) -> None:
    """Not another plugin, not other parameters, no control, nothing without a defence."""
    pairs = {(item["grey_box"], item["adaptive"], item["cell"]["eps"]) for item in found}
    assert pairs == {
        *(("grey", "adaptive", eps) for eps in ("20/255", "40/255")),
        ("grey", "one_size", "20/255"),
    }
    assert all(item["defence"] == ["gamma"] and item["attack"] == "pgd" for item in found)


def test_the_difference_is_counted_by_sample(found: Any, finished: Path) -> None:
    """Shares, difference and counts are those of the two tables joined by id."""
    moved = 0
    for item in found:
        eps = item["cell"]["eps"]
        seems, is_so = (withstood(finished, item[side], eps) for side in ("grey_box", "adaptive"))
        assert seems.keys() == is_so.keys()
        fell = sum(seems[name] and not is_so[name] for name in seems)
        held = sum(is_so[name] and not seems[name] for name in seems)
        n = len(seems)
        assert (item["fell"], item["held"], item["difference"]["n"]) == (fell, held, n)
        # 1e-12: sums of 20 ones divided by 20, rounding only.
        assert item["difference"]["value"] == pytest.approx((fell - held) / n, abs=1e-12)
        assert item["seeming"]["value"] == pytest.approx(sum(seems.values()) / n, abs=1e-12)
        assert item["actual"]["value"] == pytest.approx(sum(is_so.values()) / n, abs=1e-12)
        both = sum(seems[name] and is_so[name] for name in seems) / n
        assert item["both"]["value"] == pytest.approx(both, abs=1e-12)
        moved += fell + held
    assert moved, "a test in which both attacks do the same would prove nothing"


def test_the_threat_says_access_control_and_bounds(finished: Path) -> None:
    """The report's steps carry what an attack may do and see: bounds are the widest cell's."""
    record = json.loads((finished / "report/report.json").read_text(encoding="utf-8"))
    threats = {step["id"]: step["threat"] for step in record["steps"] if step["kind"] == "attack"}
    assert threats["adaptive"] == {
        "type": "norm",
        "access": "gradients",
        "control": False,
        "targeted": False,
        "norm": "linf",
        "eps": "$eps",
    }
    assert (threats["nearest"]["type"], threats["nearest"].get("eps")) == ("minimum", None)
    assert threats["turned"]["bounds"] == {
        "angle_deg": [-20, 20],
        "shift_x": [-0.25, 0.25],
        "shift_y": [-0.25, 0.25],
    }
    assert threats["noise"]["control"] is True
    assert threats["noise"]["access"] == "decisions"
