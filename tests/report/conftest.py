"""A synthetic but realistic report: two matrices, four verdicts, two attacks, real photos."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import synthetic_gates
import synthetic_steps

from adversity.contracts.values import Measure
from adversity.report.values.model import (
    Caveat,
    CellResult,
    DataSummary,
    DefenceGap,
    Gain,
    ImageRow,
    Outcome,
    Provenance,
    Report,
    ShownImage,
    StepSummary,
)
from adversity.report.words.reading import with_words

FILE = """\
name: photos-under-adversity
seed: 7
data:
  photos: {uses: dataset/folder, with: {path: data/photos}}
  digits: {uses: dataset/digits, with: {split: test}}
matrix:
  severity: [1, 2, 3, 4, 5]
  eps: [1/255, 2/255, 4/255, 8/255]
steps:
  dark:        {uses: degradation/low_light, from: photos, with: {severity: $severity}}
  enhanced:    {uses: restoration/lime, from: dark}
  net:         {uses: classifier/efficientnet_lite0}
  predictions: {uses: net, from: enhanced}
  attacked:    {uses: attack/pgd, from: photos, against: clean, with: {norm: linf, eps: $eps}}
gates:
  - lower predictions[severity=3].accuracy >= 0.60
"""


def _photos() -> list[tuple[str, np.ndarray]]:
    from skimage import data, transform

    names = {"astronaut": data.astronaut, "cat": data.chelsea, "cup": data.coffee}
    return [
        (
            name,
            transform.resize(load()[:400, :400], (224, 224), anti_aliasing=True).astype(np.float32),
        )
        for name, load in names.items()
    ]


def image_row(label: str, clean: np.ndarray, stratum: str, seed: int) -> ImageRow:
    """A sample on its way; the perturbation is ±8/255 with exact zeros at the border."""
    rng = np.random.default_rng(seed)
    dark = (clean * 0.2).astype(np.float32)
    restored = np.clip(dark * 4.6 + rng.normal(0, 0.03, clean.shape), 0, 1).astype(np.float32)
    delta = (rng.choice([-1.0, 1.0], clean.shape) * 8 / 255).astype(np.float32)
    adversarial = np.clip(clean + delta, 0, 1).astype(np.float32)
    change = adversarial - clean
    return ImageRow(
        f"{label}-{seed:04d}.jpg",
        label,
        {"severity": "3", "eps": "8/255"},
        stratum,
        (
            ShownImage("clean", "photos", clean, label, 0.91, "right"),
            ShownImage("degraded", "dark", dark, "curtain", 0.22, "flipped", 9.4),
            ShownImage("restored", "enhanced", restored, label, 0.64, "recovered", 21.7),
            ShownImage("adversarial", "attacked", adversarial, "wig", 0.77, "flipped", 30.1),
        ),
        change,
        "linf",
        8 / 255,
        {"linf": float(abs(change).max()), "l2": float(np.sqrt((change.astype(float) ** 2).sum()))},
    )


@pytest.fixture(scope="session")
def full_report() -> Report:
    """A report with everything in it."""
    steps = synthetic_steps.steps()
    photos = _photos()
    strata = ("flipped by the attack", "recovered by restoration", "unchanged")
    rows = [
        image_row(label, photo, strata[index % 3], index)
        for index, (label, photo) in enumerate(photos)
    ]
    digit = np.random.default_rng(3).random((32, 32)).astype(np.float32)
    rows.append(image_row("seven", digit, "newly broken by restoration", 9))
    return Report(
        pipeline="photos-under-adversity",
        file="pipelines/photos.yaml",
        text=FILE,
        seed=7,
        matrix={
            "severity": ("1", "2", "3", "4", "5"),
            "eps": ("1/255", "2/255", "4/255", "8/255"),
        },
        data=(
            DataSummary(
                "photos",
                "dataset/folder",
                800,
                40,
                {"resize_short": 256, "centre_crop": 224},
                (("broken.jpg", "the file ends early"),),
                {"attribution": "NASA, S. Fink"},
                "ab" * 32,
            ),
            DataSummary("digits", "dataset/digits", 1797, 10, content="cd" * 32),
        ),
        steps=steps,
        gates=synthetic_gates.gates(steps),
        caveats=(
            Caveat("void", "the attack does not beat random noise at eps = 1/255.", "grey"),
            Caveat("warning", "nothing was fitted on darkened images.", "predictions"),
            Caveat("note", "20 of 800 images are smaller than 224 pixels."),
        ),
        gains=tuple(
            Gain(
                "enhanced",
                "dark_predictions",
                "predictions",
                {"severity": str(level)},
                Measure(0.05 * level - 0.08, 800, 0.05 * level - 0.11, 0.05 * level - 0.05),
                10 * level,
                20 - 2 * level,
                0.03,
            )
            for level in range(1, 6)
        ),
        illusions=tuple(
            DefenceGap(
                ("enhanced",),
                "grey",
                "adaptive",
                "pgd",
                {"severity": "3", "eps": eps},
                synthetic_steps.share(seeming, 800),
                synthetic_steps.share(actual, 800),
                synthetic_steps.share(actual, 800),
                Measure(seeming - actual, 800, seeming - actual - 0.03, seeming - actual + 0.03),
                int(800 * (seeming - actual)),
                0,
                1e-6,
            )
            for eps, seeming, actual in (("1/255", 0.61, 0.55), ("8/255", 0.31, 0.02))
        ),
        rows=tuple(rows),
        population={
            "flipped by the attack": 497,
            "recovered by restoration": 204,
            "newly broken by restoration": 31,
            "unchanged": 68,
        },
        provenance=Provenance(
            "2026-11-22T13-00-00-photos",
            "2026-11-22T13:00:00Z",
            192.4,
            "adversity run pipelines/photos.yaml",
            (
                Outcome("dark_predictions", "cached", "nothing it depends on changed"),
                Outcome("predictions", "ran", "with.severity changed", 121.0),
                Outcome("attacked", "ran", "never run before", 71.4),
            ),
            {"adversity": "0.1.0", "python": "3.11.2", "torch": "2.15.0"},
            {"processor": "x86-64", "cores": "2", "device": "cpu"},
            {"revision": "0123abcd", "state": "clean"},
            {"data/photos": "f00f" * 8},
        ),
    )


@pytest.fixture
def bare_report() -> Report:
    """The least a report can be: no matrix, gates, attack, images or provenance."""
    return Report(
        pipeline="bare",
        file="pipelines/bare.yaml",
        text="name: bare\n",
        seed=0,
        matrix={},
        data=(DataSummary("one", "dataset/folder", 3, 1),),
        steps=with_words(
            (
                StepSummary(
                    "predictions",
                    "classifier/net",
                    "classifier",
                    "predictions",
                    ("one",),
                    ("one", "predictions"),
                    cells=(CellResult({}, 3, {"accuracy": synthetic_steps.share(1.0, 3)}),),
                ),
            ),
            synthetic_steps.KNOWN,
        ),
    )


HOSTILE = (
    '"><img src=x onerror=alert(1)>',
    "</script><script>alert(2)</script>",
    "wolf\u202egnp.exe\u2066",
    "`] (javascript:alert(3)) | <b>",
)


@pytest.fixture(scope="session")
def hostile_report(full_report: Report) -> Report:
    """The full report with hostile text wherever a stranger's text can come in."""
    image, script, bidi, fence = HOSTILE
    first, *others = full_report.rows
    images = tuple(replace(shown, prediction=image, step=script) for shown in first.images)
    steps = tuple(
        replace(step, id=f"{step.id}{image}", notes=(script, bidi), plugin={"licence": image})
        if step.id == "control"
        else step
        for step in full_report.steps
    )
    return replace(
        full_report,
        pipeline=image,
        text=f"{script}\n```\n{bidi}\n",
        data=(replace(full_report.data[0], id=bidi, facts={"attribution": fence}),),
        steps=steps,
        gates=(replace(full_report.gates[0], text=image, why=fence), *full_report.gates[1:]),
        caveats=(Caveat("void", script, image), *full_report.caveats),
        rows=(
            replace(first, id=script, label=bidi, stratum=image, images=images),
            *others,
        ),
        population={image: 3},
    )


@pytest.fixture(scope="session")
def page(full_report: Report, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The full page as text, without the chart runtime."""
    from adversity.report import write_html

    path = tmp_path_factory.mktemp("page") / "report.html"
    write_html(full_report, path, interactive=False)
    return path.read_text(encoding="utf-8")
