"""An attack whose threat is none of ours: measured, checked, stored, compared and reported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
import torch
from PIL import Image

from adversity import Attack, Classifier, Norm, NormBall, Threat
from adversity.data.ledger import Ledger
from adversity.data.stored import StoredTable
from adversity.data.tables import read_table
from adversity.engine.public.open_stage import open_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.engine.summary.ledger import keep
from adversity.engine.summary.summarise import build_report
from adversity.engine.summary.worst_case import threats, worst_case
from adversity.errors import PluginError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline
from adversity.report.sections.attacks import attack_section
from adversity.report.sections.worst_case import threat_words

if TYPE_CHECKING:
    from pathlib import Path

FEW, MANY, SIDE = 2, 12, 8
PIPELINE = """
name: own
data: {test: {uses: dataset/folder, with: {path: data/test}}}
matrix: {eps: [2, 12]}
steps:
  answers: {uses: classifier/bright, from: test}
  painted: {uses: attack/few_pixels, from: test, against: answers, with: {eps: $eps, more: MORE}}
"""
ELSEWHERE = """
  beside:
    uses: attack/few_pixels
    from: test
    against: answers
    with: {eps: 12, where: corner}
"""


class Bright(Classifier):
    """Dark or bright, by the mean."""

    name: ClassVar[str] = "bright"

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("bright", "dark")

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        margin = 40 * (images.flatten(1).double().mean(1) - 0.5).float()
        return torch.stack([margin, -margin], 1)


@dataclass(frozen=True, kw_only=True)
class Pixels(Threat):
    """At most so many pixels changed, by any amount."""

    word = "pixels"

    where: str = "image"

    @property
    def measured(self) -> str:
        """What is counted."""
        return "number of changed pixels"

    def measure(self, images: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
        """Count them."""
        return (images != clean).any(1).flatten(1).sum(1).double()


class FewPixels(Attack):
    """Paint the first pixels white, those of bright images black; `more` than it may, if told."""

    name: ClassVar[str] = "few_pixels"
    threat = Pixels
    access = "nothing"
    stochastic: ClassVar[bool] = False
    eps: int = 2
    more: int = 0
    where: str = "image"

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> torch.Tensor:
        changed = images.clone().flatten(2)
        changed[:, :, : self.eps + self.more] = labels[:, None, None].float()
        return changed.view_as(images)


@pytest.fixture(scope="module")
def levels(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray[Any, Any]]:
    """A project with twelve grey images of each class, and their levels of 0 to 255."""
    root, draw = tmp_path_factory.mktemp("own"), np.random.default_rng(0)
    (root / "pipelines").mkdir()
    found = []
    for name, sign in (("bright", 1), ("dark", -1)):
        folder = root / "data/test" / name
        folder.mkdir(parents=True)
        for i in range(12):
            level = round(127.5 + sign * draw.uniform(1, 110))
            Image.fromarray(np.full((SIDE, SIDE), level, np.uint8)).save(folder / f"{i:02d}.png")
            found.append(level)
    return root, np.array(found)


def run(root: Path, out: Path, registry: Any, *, more: int = 0, extra: str = "") -> Any:
    """Run all stages but the report; return the plan and the workspace."""
    file = root / "pipelines/own.yaml"
    file.write_text(PIPELINE.replace("MORE", str(more)) + extra, encoding="utf-8")
    plan = make_plan(load_pipeline(file, root=root), registry)
    workspace = Workspace(root, out, out / "store")
    for stage in plan.stages[:-1]:
        opened = open_stage(plan, stage, workspace)
        for shard in opened.pending():
            opened.run_shard(shard)
        opened.finish(workspace.outputs / stage.out)
    return plan, workspace


def standing(levels: np.ndarray[Any, Any], pixels: int) -> float:
    """Return the share that is right with so many of 64 pixels painted: a mean, by hand."""
    values = levels / 255
    bright = values > 0.5
    painted = ((SIDE**2 - pixels) * values + pixels * ~bright) / SIDE**2
    return float(((painted > 0.5) == bright).mean())


def test_a_threat_of_a_third_party_runs_end_to_end(
    levels: Any, tmp_path: Path, registry_with: Any
) -> None:
    """Sizes are its own; accuracy within each budget is what the mean of the pixels says."""
    root, greys = levels
    plan, workspace = run(root, tmp_path, registry_with(Bright, FewPixels))
    artifact = workspace.outputs / plan.stage("painted").out
    rows = read_table(artifact / "table.parquet")
    kept_classes = StoredTable(artifact / "table.parquet").classes
    assert kept_classes == dict.fromkeys(("eps=2", "eps=12"), ("bright", "dark"))
    for eps in (FEW, MANY):
        assert set(rows["distance"][rows["cell"] == f"eps={eps}"]) == {float(eps)}

    ledger = Ledger(tmp_path / "ledger")
    assert keep(ledger, artifact) == 2
    report = build_report(plan, workspace, ledger=ledger)
    step = next(step for step in report.steps if step.id == "painted")
    for cell, eps in zip(step.cells, (FEW, MANY), strict=True):
        expected = standing(greys, eps)
        assert cell.measures["robust_accuracy"].value == pytest.approx(expected, abs=1e-12)
        # What 12 pixels did lies outside of 2; what 2 did lies inside of 12.
        worst = cell.measures["worst_case_robust_accuracy"]
        assert worst.value == pytest.approx(expected, abs=1e-12)
        assert worst.details["threat"]["eps"] == eps
    assert 0 < standing(greys, MANY) < standing(greys, FEW) < 1

    assert step.threat["type"] == step.threat["norm"] == "pixels"
    assert step.threat["measure"] == "number of changed pixels"
    section = attack_section(report)
    assert section is not None
    texts = [getattr(block, "text", "") for block in section.blocks]
    assert any("Budget: number of changed pixels, at most 2, 12." in text for text in texts)

    (page,) = ledger.pages()
    kept = threats(page)
    assert [entry.facts["threat"] for entry in page] == ["pixels", "pixels"]
    assert [threat_words(threat.as_json()) for threat in kept] == [
        "few_pixels (eps 2)",
        "few_pixels (eps 12)",
    ]
    measures = [worst_case(page, threat) for threat in kept]
    assert [m.value for m in measures if m] == [standing(greys, FEW), standing(greys, MANY)]


def test_a_threat_of_a_third_party_is_checked(
    levels: Any, tmp_path: Path, registry_with: Any
) -> None:
    """One pixel more than allowed is the plugin's fault, in the words of its threat."""
    root, _ = levels
    with pytest.raises(PluginError, match="overstepped its budget: expected pixels <= 2, got 3"):
        run(root, tmp_path, registry_with(Bright, FewPixels), more=1)


def test_sizes_that_mean_something_else_are_not_compared(
    levels: Any, tmp_path: Path, registry_with: Any
) -> None:
    """Of the same plugin, where another field of its threat differs: each has a space of its own."""
    root, greys = levels
    plan, workspace = run(root, tmp_path, registry_with(Bright, FewPixels), extra=ELSEWHERE)
    ledger = Ledger(tmp_path / "ledger")
    for step in ("painted", "beside"):
        keep(ledger, workspace.outputs / plan.stage(step).out)
    (page,) = ledger.pages()
    spaces = {entry.names["cell"]: entry.facts["space"] for entry in page}
    assert spaces["eps=2"] == spaces["eps=12"] != spaces[""]
    few = next(threat for threat in threats(page) if threat.threat.eps == FEW)
    measure = worst_case(page, few)
    assert measure is not None
    assert (measure.value, measure.details["attacks"]) == (standing(greys, FEW), 2)


PARTS = """
  moved: {uses: attack/move, from: test, against: answers, with: {eps: 0.2}}
  moved_rows: {uses: attack/move_rows, from: test, against: answers, with: {eps: 0.2}}
"""


@dataclass(frozen=True, kw_only=True)
class RowsBall(NormBall):
    """A ball in the first rows of the image alone."""

    word = "rows_ball"

    rows: int


class Move(Attack):
    """Move each value of the first rows by the whole budget, bright ones down."""

    name: ClassVar[str] = "move"
    access = "nothing"
    stochastic: ClassVar[bool] = False
    norm: Norm = "linf"
    eps: float
    rows: int = SIDE

    def perturb(self, target: Any, images: Any, labels: Any, rng: Any) -> torch.Tensor:
        changed = images.clone()
        changed[:, :, : self.rows] += self.eps * (2.0 * labels[:, None, None, None] - 1)
        return changed.clamp(0, 1)


class MoveRows(Move):
    """Move one row alone."""

    name: ClassVar[str] = "move_rows"
    threat = RowsBall
    rows: int = 1


def test_a_part_of_a_ball_has_a_worst_case_of_its_own(
    levels: Any, tmp_path: Path, registry_with: Any
) -> None:
    """Another attack in the whole ball is no failure within the part, nor the other way round."""
    root, greys = levels
    registry = registry_with(Bright, FewPixels, Move, MoveRows)
    plan, workspace = run(root, tmp_path, registry, extra=PARTS)
    ledger = Ledger(tmp_path / "ledger")
    for step in ("moved", "moved_rows"):
        keep(ledger, workspace.outputs / plan.stage(step).out)
    (page,) = ledger.pages()
    margin = np.abs(greys / 255 - 0.5)
    # One row of eight moves the mean by an eighth.
    expected = {"move": (margin > 0.2).mean(), "move_rows": (margin > 0.2 / SIDE).mean()}
    found = {}
    for threat in threats(page):
        measure = worst_case(page, threat)
        assert measure is not None
        found[threat.plugin.rpartition("/")[2] or "move"] = measure.value
    assert found == {
        name: pytest.approx(float(value), abs=1e-12) for name, value in expected.items()
    }
    assert 0 < found["move"] < found["move_rows"] < 1
