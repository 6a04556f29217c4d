"""What belongs to one victim and one version of the data, and what starts a new page."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

import adversity
from adversity.data.ledger import Ledger
from adversity.engine.set_up.workspace import Workspace
from adversity.engine.summary.ledger import entries
from adversity.engine.summary.summarise import summarise
from adversity.metrics import robust_accuracy
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline
from adversity.registry import discover

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.contracts import Measure

NAME = "worst_case_robust_accuracy"
NOISE = """\
name: {name}
seed: 3
data:
  train: {{uses: dataset/folder, with: {{path: data/train}}}}
  images: {{uses: dataset/folder, with: {{path: data/test}}}}
steps:
  linear: {{uses: classifier/logistic_regression, fit_on: train, with: {{c: 1.0}}}}
  answers: {{uses: linear, from: images}}
  noise:
    uses: attack/random_noise
    from: images
    against: answers
    with: {{eps: {eps}}}
gates:
  - {gate}
"""


def keys(project: Any) -> tuple[str, str, str]:
    """Return the keys of victim, data and attack of what the small pipeline left."""
    (entry,) = entries(project.artifact)
    return entry.victim, entry.data, entry.attack


def changed(project: Any, change: Any) -> list[str]:
    """Return which of the keys a change changes."""
    before = keys(project)
    change(project)
    project.run_steps()
    after = keys(project)
    names = ("victim", "data", "attack")
    return [n for n, a, b in zip(names, before, after, strict=True) if a != b]


def one_level_up(image: Path) -> None:
    """Change one byte of one image."""
    with Image.open(image) as file:
        pixels = file.copy()
    value = pixels.getpixel((3, 3))
    assert isinstance(value, int)
    pixels.putpixel((3, 3), value + 1 if value < 255 else value - 1)
    pixels.save(image)


def renamed(project: Any) -> None:
    """Give pipeline, data set and steps of the victim other names."""
    for old, new in (
        ("name: small", "name: small\nmatrix: {}"),
        ("  test:", "  images:"),
        ("predictions: {uses: linear, from: test}", "answers: {uses: linear, from: images}"),
        ("from: test\n    against: predictions", "from: images\n    against: answers"),
    ):
        project.edit(old, new)


def varied(project: Any) -> None:
    """Let a variable of the matrix stand for a parameter of the victim, with the same value."""
    project.edit("c: 1.0", "c: $strength")
    project.edit("name: small", "name: small\nmatrix: {strength: [1.0]}")


@pytest.mark.parametrize(
    ("change", "keys_of"),
    [
        (lambda p: one_level_up(p.root / "data/test/left/00.png"), ["data"]),
        (lambda p: one_level_up(p.root / "data/train/left/00.png"), ["victim"]),
        (lambda p: p.edit("c: 1.0", "c: 0.5"), ["victim"]),
        (lambda p: p.edit("steps: 3", "steps: 4"), ["attack"]),
        (lambda p: p.edit("seed: 3", "seed: 4"), ["attack"]),
        (lambda p: p.edit("run: {shard_size: 7}", "run: {shard_size: 5}"), []),
        (renamed, []),
        (varied, []),
    ],
    ids=["data", "weights", "victim", "attack", "seed", "shards", "names", "variables"],
)
def test_3_28_what_starts_a_new_page_or_a_new_entry(
    ran: Any, change: Any, keys_of: list[str]
) -> None:
    """A byte of data or weights is another page; another attack, another entry; a name nothing."""
    assert changed(ran, change) == keys_of


def measured(project: Any, name: str = "small") -> dict[str, Measure]:
    """Return what the one attack of a pipeline measured, as it stands now."""
    loaded = load_pipeline(project.root / f"pipelines/{name}.yaml", root=project.root)
    plan = make_plan(loaded, discover())
    workspace = Workspace(project.root, project.out, project.out / "store")
    summaries = summarise(plan, workspace, ledger=Ledger(project.out / "ledger"))
    (cell,) = next(s for s in summaries.values() if s.kind == "attack").cells
    return dict(cell.measures)


def write_noise(project: Any, gate: str, name: str = "noise", eps: str = "8/255") -> Path:
    """Write a pipeline that attacks the same victim with noise alone, under other names."""
    path: Path = project.root / f"pipelines/{name}.yaml"
    path.write_text(NOISE.format(name=name, gate=gate, eps=eps))
    return path


def test_a_gate_sees_what_another_pipeline_did_to_the_same_victim(project: Any) -> None:
    """Noise alone leaves more; after gradients were tried, it may not claim more than they left."""
    gate = f"noise.{NAME} <= 1"
    noise = write_noise(project, gate)
    alone = adversity.run(noise, into=project.out, root=project.root).gates[0].measure
    own = measured(project, "noise")["robust_accuracy"].value
    assert alone is not None
    assert alone.value == own
    table = project.run()
    left = robust_accuracy(table["start_correct"], table["fooled"]).value
    assert left < own  # else the test shows nothing
    after = adversity.run(noise, into=project.out, root=project.root).gates[0].measure
    assert after is not None
    assert after.value == left
    assert after.details["by"] == {
        "noise": round(alone.details["fooled"]),
        "small: attacked": int(table["fooled"].sum()),
    }
    assert after.details["earlier"] == 1


def test_a_smaller_budget_is_not_charged_with_a_larger_one(ran: Any) -> None:
    """What gradients found at 8/255 lies beyond 1/255, and does not count there."""
    noise = write_noise(ran, "noise.robust_accuracy >= 0", eps="1/255")
    adversity.run(noise, into=ran.out, root=ran.root)
    found = measured(ran, "noise")
    inside = (ran.table["distance"] <= 1 / 255) & ran.table["fooled"]
    assert not inside.any()
    assert found[NAME].value == found["robust_accuracy"].value
    assert found[NAME].details["attacks"] == 2


def test_what_history_there_is_changes_nothing_that_is_tracked(
    project: Any, tmp_path: Path
) -> None:
    """Artifacts and metrics, the tracked report included, are the same bytes with and without."""

    def tracked(folder: Path) -> dict[str, str]:
        return {
            path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for part in ("artifacts/small", "metrics/small")
            for path in sorted((folder / part).rglob("*"))
            if path.is_file()
        }

    write_noise(project, "noise.robust_accuracy >= 0")
    adversity.run(project.root / "pipelines/noise.yaml", into=project.out, root=project.root)
    project.run()
    fresh = tmp_path / "fresh"
    adversity.run(project.root / "pipelines/small.yaml", into=fresh, root=project.root)
    found = tracked(fresh)
    assert found == tracked(project.out)
    assert "artifacts/small/report/report.json" in found
    assert NAME not in (fresh / "artifacts/small/report/report.json").read_text()
    assert len(list((fresh / "ledger").rglob("*.parquet"))) == 1


def test_a_ledger_that_is_gone_leaves_this_runs_attacks(ran: Any) -> None:
    """The worst case is then over what stands in the artifacts, never over nothing."""
    before = measured(ran)[NAME]
    shutil.rmtree(ran.out / "ledger")
    assert measured(ran)[NAME] == before
    assert before.value == measured(ran)["robust_accuracy"].value


def test_a_grey_box_step_gets_no_worst_case(project: Any) -> None:
    """A gate on it must not find a figure to rest on."""
    project.edit("against: predictions", "against: predictions\n    knowledge: grey-box")
    project.run()
    found = measured(project)
    assert "robust_accuracy" in found
    assert NAME not in found


def test_the_ledger_says_what_each_sample_cost_and_how_wrong_it_is(ran: Any) -> None:
    """The margin is what the other logit has more; of two classes the loss is log(1 + e^margin)."""
    table = ran.table
    (entry,) = entries(ran.artifact)
    rows = entry.rows
    assert rows["sample"].tolist() == table["id"].tolist()
    assert (rows["success"] == table["fooled"]).all()
    assert (rows["gradients"] == table["gradients"]).all()
    assert ((rows["margin"] > 0) == ~table["correct"]).all()
    logits, index = table["logits"].astype(np.float64), np.arange(len(table["id"]))
    margin = logits[index, 1 - table["target"]] - logits[index, table["target"]]
    # Float64 throughout; a logarithm and back lose a few units in the last place.
    np.testing.assert_allclose(rows["margin"], margin, atol=1e-12)
    np.testing.assert_allclose(rows["loss"], np.log1p(np.exp(margin)), atol=1e-12)
