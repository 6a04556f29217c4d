"""A synthetic but realistic report: two matrices, four verdicts, two attacks, real photos."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from adversity.contracts.values import Measure
from adversity.report.model import (
    Caveat,
    CellResult,
    DataSummary,
    Gain,
    GateResult,
    Outcome,
    Picture,
    PictureRow,
    Provenance,
    Report,
    StepSummary,
)

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
  enhanced:    {uses: restoration/retinex, from: dark}
  net:         {uses: classifier/efficientnet_lite0}
  predictions: {uses: net, from: enhanced}
  attacked:    {uses: attack/pgd, from: photos, against: clean, with: {norm: linf, eps: $eps}}
gates:
  - lower predictions[severity=3].accuracy >= 0.60
"""


def share(value: float, n: int, better: str = "higher") -> Measure:
    """A share with Wilson's interval."""
    z2 = 1.959963984540054**2
    centre = (value + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (value * (1 - value) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return Measure(
        value, n, max(0.0, centre - half), min(1.0, centre + half), method="wilson", better=better
    )


def ece(value: float, n: int, slope: float) -> Measure:
    """A calibration error with bins, two of them empty."""
    counts = [0, 0, 12, 20, 35, 60, 90, 140, 190, n - 547]
    bins = []
    for index, count in enumerate(counts):
        sure = 0.05 + 0.1 * index
        right = min(1.0, max(0.0, sure * slope)) if count else 0.0
        bins.append({"confidence": sure, "accuracy": right, "count": count})
    return Measure(
        value,
        n,
        value - 0.008,
        value + 0.011,
        method="bootstrap",
        better="lower",
        convention={"bins": 10, "edges": "equal width, (lo, hi]", "norm": "L1"},
        details={"bins": bins},
    )


def predicted(accuracy: float, n: int, slope: float) -> dict[str, Measure]:
    """What a prediction step measures."""
    spread = {"method": "bootstrap", "better": "lower"}
    nll = 2.4 * (1 - accuracy) + 0.2
    brier = 1.3 * (1 - accuracy)
    return {
        "accuracy": share(accuracy, n),
        "accuracy_top5": share(min(0.99, accuracy + 0.12), n),
        "ece": ece(0.03 + 0.25 * (1 - accuracy), n, slope),
        "nll": Measure(nll, n, nll - 0.09, nll + 0.1, unit="nats", **spread),
        "brier": Measure(brier, n, brier - 0.02, brier + 0.02, **spread),
    }


def plugin(name: str, **more: str) -> dict[str, str]:
    return {
        "distribution": "adversity",
        "version": "0.1.0",
        "licence": "MIT",
        "reference": f"Authors of {name}, the paper, 2018.",
        **more,
    }


def _steps() -> tuple[StepSummary, ...]:
    def cells(start: float, fall: float, n: int, slope: float) -> tuple[CellResult, ...]:
        return tuple(
            CellResult(
                {"severity": str(level)},
                n,
                predicted(start - fall * level, n, slope - 0.03 * level),
            )
            for level in range(1, 6)
        )

    quality = tuple(
        replace(
            cell,
            measures={
                **cell.measures,
                "psnr_db": Measure(24.0 - level, 800, 23.8 - level, 24.2 - level, unit="dB"),
                "ssim": Measure(0.9 - 0.08 * level, 800, 0.89 - 0.08 * level, 0.91 - 0.08 * level),
            },
        )
        for level, cell in enumerate(cells(0.84, 0.07, 800, 0.97), start=1)
    )
    view = {"makes": "images", "plugin": plugin("a view")}
    net = "classifier/efficientnet_lite0"
    weights = plugin("EfficientNet", weights_licence="Apache-2.0")

    def attacked(
        values: tuple[float, ...], severity: str = "", **more: object
    ) -> tuple[CellResult, ...]:
        beside = {"severity": severity} if severity else {}
        return tuple(
            CellResult(
                {**beside, "eps": eps},
                800,
                {
                    "robust_accuracy": share(value, 800),
                    "attack_success": share((0.86 - value) / 0.86, 688),
                },
                parameters={"norm": "linf", "eps": eps, **more},
            )
            for eps, value in zip(("1/255", "2/255", "4/255", "8/255"), values, strict=True)
        )

    pgd = {"steps": 20, "step_size": 0.002, "restarts": 2, "random_start": True, "targeted": False}
    threat = {"norm": "linf", "eps": "$eps"}
    return (
        StepSummary(
            "dark",
            "degradation/low_light",
            "degradation",
            source=("photos",),
            path=("photos", "dark"),
            **view,
        ),
        StepSummary(
            "enhanced",
            "restoration/retinex",
            "restoration",
            source=("dark",),
            path=("photos", "dark", "enhanced"),
            **view,
        ),
        StepSummary(
            "clean",
            net,
            "classifier",
            "predictions",
            ("photos",),
            ("photos", "clean"),
            cells=(CellResult({}, 800, predicted(0.86, 800, 0.99)),),
            plugin=weights,
        ),
        StepSummary(
            "dark_predictions",
            net,
            "classifier",
            "predictions",
            ("dark",),
            ("photos", "dark", "dark_predictions"),
            cells=cells(0.80, 0.12, 800, 0.9),
            plugin=weights,
        ),
        StepSummary(
            "predictions",
            net,
            "classifier",
            "predictions",
            ("enhanced",),
            ("photos", "dark", "enhanced", "predictions"),
            cells=quality,
            plugin=weights,
        ),
        StepSummary(
            "digit_predictions",
            "classifier/small_cnn",
            "classifier",
            "predictions",
            ("digits",),
            ("digits", "digit_predictions"),
            fit_on="train",
            cells=(CellResult({}, 1797, predicted(0.97, 1797, 1.0)),),
            plugin=weights,
        ),
        StepSummary(
            "attacked",
            "attack/pgd",
            "attack",
            "adversarial",
            ("photos",),
            ("photos", "attacked"),
            against="clean",
            knowledge="white-box",
            threat=threat,
            links=({"step": "clean", "uses": net, "gradient": "exact"},),
            cells=attacked((0.71, 0.52, 0.24, 0.03), **pgd),
            plugin=plugin("PGD"),
        ),
        StepSummary(
            "grey",
            "attack/pgd",
            "attack",
            "adversarial",
            ("dark",),
            ("photos", "dark", "grey"),
            against="predictions",
            knowledge="grey-box",
            threat=threat,
            links=(
                {"step": "enhanced", "uses": "restoration/retinex", "gradient": "not used"},
                {"step": "predictions", "uses": net, "gradient": "exact"},
            ),
            cells=attacked((0.61, 0.52, 0.40, 0.31), severity="3", **pgd),
            plugin=plugin("PGD"),
            notes=("2 of 800 gradients were zero.",),
        ),
        StepSummary(
            "control",
            "attack/random_noise",
            "attack",
            "adversarial",
            ("photos",),
            ("photos", "control"),
            against="clean",
            knowledge="white-box",
            threat=threat,
            cells=attacked((0.86, 0.85, 0.85, 0.83)),
            plugin=plugin("noise"),
        ),
    )


def _gates(steps: tuple[StepSummary, ...]) -> tuple[GateResult, ...]:
    by_id = {step.id: step for step in steps}
    third = by_id["predictions"].cells[2].measures["accuracy"]
    robust = by_id["attacked"].cells[2].measures["robust_accuracy"]
    return (
        GateResult(
            "lower predictions[severity=3].accuracy >= 0.62",
            "undecided",
            "The interval crosses the limit.",
            "pipelines/photos.yaml:17",
            third,
            {"severity": "3"},
            ">=",
            0.62,
            6500,
            "predictions",
        ),
        GateResult(
            "attacked.robust_accuracy >= 0.40",
            "fail",
            "The whole interval is below the limit.",
            "pipelines/photos.yaml:18",
            robust,
            {"eps": "4/255"},
            ">=",
            0.40,
            None,
            "attacked",
        ),
        GateResult(
            "clean.ece <= 0.10",
            "pass",
            "The whole interval is below the limit.",
            "pipelines/photos.yaml:19",
            by_id["clean"].cells[0].measures["ece"],
            {},
            "<=",
            0.10,
            None,
            "clean",
        ),
        GateResult(
            "grey.robust_accuracy >= 0.5",
            "error",
            "A grey-box attack cannot carry a gate.",
            "pipelines/photos.yaml:20",
            step="grey",
        ),
    )


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


def picture_row(label: str, clean: np.ndarray, stratum: str, seed: int) -> PictureRow:
    """A sample on its way; the perturbation is ±8/255 with exact zeros at the border."""
    rng = np.random.default_rng(seed)
    dark = (clean * 0.2).astype(np.float32)
    restored = np.clip(dark * 4.6 + rng.normal(0, 0.03, clean.shape), 0, 1).astype(np.float32)
    delta = (rng.choice([-1.0, 1.0], clean.shape) * 8 / 255).astype(np.float32)
    adversarial = np.clip(clean + delta, 0, 1).astype(np.float32)
    change = adversarial - clean
    return PictureRow(
        f"{label}-{seed:04d}.jpg",
        label,
        {"severity": "3", "eps": "8/255"},
        stratum,
        (
            Picture("clean", "photos", clean, label, 0.91, "right"),
            Picture("degraded", "dark", dark, "curtain", 0.22, "flipped", 9.4),
            Picture("restored", "enhanced", restored, label, 0.64, "recovered", 21.7),
            Picture("adversarial", "attacked", adversarial, "wig", 0.77, "flipped", 30.1),
        ),
        change,
        "linf",
        8 / 255,
        {"linf": float(abs(change).max()), "l2": float(np.sqrt((change.astype(float) ** 2).sum()))},
    )


@pytest.fixture(scope="session")
def full_report() -> Report:
    """A report with everything in it."""
    steps = _steps()
    photos = _photos()
    strata = ("flipped by the attack", "recovered by restoration", "unchanged")
    rows = [
        picture_row(label, photo, strata[index % 3], index)
        for index, (label, photo) in enumerate(photos)
    ]
    digit = np.random.default_rng(3).random((32, 32)).astype(np.float32)
    rows.append(picture_row("seven", digit, "newly broken by restoration", 9))
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
        gates=_gates(steps),
        caveats=(
            Caveat("void", "the attack does not beat random noise at eps = 1/255.", "grey"),
            Caveat("warning", "nothing was fitted on darkened pictures.", "predictions"),
            Caveat("note", "20 of 800 pictures are smaller than 224 pixels."),
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
    """The least a report can be: no matrix, gates, attack, pictures or provenance."""
    return Report(
        pipeline="bare",
        file="pipelines/bare.yaml",
        text="name: bare\n",
        seed=0,
        matrix={},
        data=(DataSummary("one", "dataset/folder", 3, 1),),
        steps=(
            StepSummary(
                "predictions",
                "classifier/net",
                "classifier",
                "predictions",
                ("one",),
                ("one", "predictions"),
                cells=(CellResult({}, 3, {"accuracy": share(1.0, 3)}),),
            ),
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
    pictures = tuple(replace(picture, prediction=image, step=script) for picture in first.pictures)
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
            replace(first, id=script, label=bidi, stratum=image, pictures=pictures),
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
