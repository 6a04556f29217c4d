"""What a fit records: checked row by row, stored, measured, gated and shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from scipy.stats import binomtest

import adversity
from adversity import MeasureInfo
from adversity.engine.calls.fit_watch import FitWatch
from adversity.engine.public.open_stage import open_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.engine.stages.history import last_epoch
from adversity.engine.stages.stage import Progress
from adversity.engine.summary.summarise import summarise
from adversity.errors import PipelineError, PluginError
from adversity.pipeline.gates.verdicts import judge
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline
from adversity.registry import discover

if TYPE_CHECKING:
    from pathlib import Path

DECLARED = {"loss": MeasureInfo(0.0), "validation_accuracy": MeasureInfo(0, 1, scale="share")}


@pytest.mark.parametrize(
    ("epoch", "numbers", "message"),
    [
        (1, {"loss": 0.5, "validation_accuracy": 1}, "expected an epoch after 1, got 1"),
        (2.0, {"loss": 0.5, "validation_accuracy": 1}, "expected an epoch after 1, got 2.0"),
        (2, {"loss": 0.5}, "expected loss, validation_accuracy, got loss"),
        (2, {"loss": 0.5, "validation_accuracy": 1, "f1": 1}, "got loss, validation_accuracy, f1"),
        (
            2,
            {"loss": float("nan"), "validation_accuracy": 1},
            r"loss must lie in \[0, inf\], got nan",
        ),
        (2, {"loss": 0.5, "validation_accuracy": 97}, r"must lie in \[0, 1\], got 97"),
    ],
)
def test_a_wrong_row_is_refused(epoch: Any, numbers: Any, message: str) -> None:
    """Epochs rise, every declared number is there, none else, and each is a number in its range."""
    watch = FitWatch(DECLARED, 'classifier "x"')
    watch.row(1, loss=2, validation_accuracy=0.5)
    with pytest.raises(PluginError, match=f'classifier "x": the history of its fit: .*{message}'):
        watch.row(epoch, **numbers)
    assert watch.rows == [{"epoch": 1, "loss": 2.0, "validation_accuracy": 0.5}]


def test_a_fit_without_a_row_is_refused() -> None:
    """Where the class declares what each epoch records."""
    with pytest.raises(PluginError, match="expected a row an epoch with loss, validation_accuracy"):
        FitWatch(DECLARED, 'classifier "x"').require_rows()
    FitWatch({}, 'classifier "x"').require_rows()


def test_going_on_after_a_row_is_refused() -> None:
    """What was recorded would be lost."""
    watch = FitWatch(DECLARED, 'classifier "x"')
    watch.row(1, loss=2, validation_accuracy=0.5)
    with pytest.raises(PluginError, match="before the first row of the history, got it after 1"):
        watch.resume()


def test_the_last_epoch_is_measured() -> None:
    """A share of the validation images has Wilson's interval, as SciPy has it."""
    rows = [
        {"epoch": 1, "loss": 2.0, "validation_accuracy": 0.2},
        {"epoch": 2, "loss": 1.0, "validation_accuracy": 17 / 20},
    ]
    measures = last_epoch(rows, DECLARED, {"train": 60, "validate": 20})
    loss, accuracy = measures["loss"], measures["validation_accuracy"]
    assert (loss.value, loss.n, loss.low, loss.high) == (1.0, 60, None, None)
    assert (accuracy.value, accuracy.n, accuracy.method) == (0.85, 20, "wilson")
    expected = binomtest(17, 20).proportion_ci(method="wilson")
    assert (accuracy.low, accuracy.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert accuracy.convention == {"epoch": 2}
    assert accuracy.details["plot"]["y"] == [0.2, 0.85]
    assert accuracy.details["plot"]["x"] == [1.0, 2.0]
    smooth = last_epoch(
        [{"epoch": 1, "loss": 1.0, "validation_accuracy": 0.123}],
        DECLARED,
        {"train": 60, "validate": 20},
    )
    assert smooth["validation_accuracy"].low is None  # no count of 20 images gives this


def pipeline(root: Path, gates: str, fit_on: str = "{train: train, validate: held}") -> Path:
    """Write a pipeline that trains and judges."""
    file = root / "pipelines/h.yaml"
    file.write_text(
        f"""name: h
data:
  train: {{uses: dataset/folder, with: {{path: data/train}}}}
  held: {{uses: dataset/folder, with: {{path: data/held}}}}
  free: {{uses: dataset/folder, with: {{path: data/free}}}}
steps:
  net: {{uses: classifier/small_cnn, fit_on: {fit_on}, with: {{epochs: 3, width: 2}}}}
  clean: {{uses: net, from: free}}
gates: {gates}
""",
        encoding="utf-8",
    )
    return file


def test_a_run_stores_measures_gates_and_draws_it(doubles: Path, tmp_path: Path) -> None:
    """A row an epoch in JSON; the last one as measures, for gates, `dvc metrics` and the report."""
    file = pipeline(doubles, '["net.validation_accuracy >= 0.0001", "net.loss <= 0.001"]')
    adversity.run(file, into=tmp_path, root=doubles)
    folder = tmp_path / "artifacts/h"
    rows = json.loads((folder / "net/history/all.json").read_text())["rows"]
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert rows[0].keys() == {"epoch", "loss", "validation_accuracy"}
    measures = json.loads((folder / "net/measures.json").read_text())["cells"][""]
    assert measures["loss"]["value"] == rows[-1]["loss"]
    assert measures["validation_accuracy"]["value"] == rows[-1]["validation_accuracy"]
    assert measures["validation_accuracy"]["n"] == 110
    plan = make_plan(load_pipeline(file, root=doubles), discover())
    steps = summarise(plan, Workspace(doubles, tmp_path, tmp_path / "store"))
    judged = judge(plan.gates, steps)
    assert [(gate.verdict, gate.measure.value) for gate in judged] == [
        ("pass", rows[-1]["validation_accuracy"]),
        ("fail", rows[-1]["loss"]),
    ]
    told = json.loads((folder / "report/report.json").read_text())
    (net,) = (step for step in told["steps"] if step["id"] == "net")
    assert net["cells"][0]["measures"]["loss"]["value"] == rows[-1]["loss"]
    report = (folder / "report/report.md").read_text()
    assert "## Training" in report
    assert "Validation accuracy" in report
    assert "None of the 110 images of held, on which net is judged, is among the 40" in report


def test_a_fit_tells_its_epochs_while_it_goes_on(
    doubles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the numbers of the row and its share of the epochs; no oftener than a person reads."""
    file = pipeline(doubles, "[]")
    plan = make_plan(load_pipeline(file, root=doubles), discover())
    for every, expected in (0.0, [1, 2, 3]), (3600.0, [1]):
        monkeypatch.setattr("adversity.engine.stages.fit_stage._EVERY", every)
        out = tmp_path / str(every)
        run = open_stage(plan, plan.stage("net"), Workspace(doubles, out, out / "store"))
        heard: list[Progress] = []
        run.on_progress = lambda _shard, progress, heard=heard: heard.append(progress)
        (shard,) = run.pending()
        run.run_shard(shard)
        run.finish(out / "net")
        rows = json.loads((out / "net/history/all.json").read_text())["rows"]
        assert heard == [
            Progress(
                f"epoch {epoch}/3 · loss {rows[epoch - 1]['loss']:.3g} · "
                f"validation_accuracy {rows[epoch - 1]['validation_accuracy']:.3g}",
                epoch / 3,
            )
            for epoch in expected
        ]


REFUSED = {
    '["net.validation_acuracy >= 0.9"]': "net has no measure validation_acuracy; did you mean "
    "validation_accuracy?",
    '["net.accuracy >= 0.9"]': "net has no measure accuracy: it is measured of other steps; net can "
    "have loss, validation_accuracy",
    '["net.validation_accuracy >= 90"]': "validation_accuracy lies in .* did you mean 0.9?",
}


@pytest.mark.parametrize("gates", REFUSED)
def test_a_gate_on_what_is_not_recorded_is_refused(
    doubles: Path, tmp_path: Path, gates: str
) -> None:
    """While planning, with what can be had."""
    with pytest.raises(PipelineError, match=REFUSED[gates]):
        adversity.run(pipeline(doubles, gates), into=tmp_path, root=doubles)


def test_without_validation_there_is_no_accuracy_of_it(doubles: Path, tmp_path: Path) -> None:
    """The gate names what is missing; the loss is recorded all the same."""
    with pytest.raises(PipelineError, match="net has no measure validation_accuracy"):
        adversity.run(
            pipeline(doubles, '["net.validation_accuracy >= 0.9"]', "train"),
            into=tmp_path,
            root=doubles,
        )
