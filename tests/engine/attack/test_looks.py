"""What is looked at once a sample stays right in every cell that starts from the same images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
import torch
from PIL import Image

from adversity import Classifier
from adversity.engine.attack.looks import Answers, look_once
from adversity.engine.chain.answer import Answer
from adversity.engine.public.open_stage import open_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE = """
name: looks
data: {{test: {{uses: dataset/folder, with: {{path: data}}}}}}
matrix: {{severity: [1, 5], eps: [{eps}]}}
steps:
  noisy: {{uses: degradation/gaussian_noise, from: test, with: {{severity: $severity}}}}
  answers: {{uses: classifier/counting, from: noisy}}
  pgd: {{uses: attack/pgd, from: test, against: answers, with: {{eps: $eps, steps: 1}}}}
  control: {{uses: attack/random_noise, from: test, against: answers, with: {{eps: $eps}}}}
"""
COUNT = 4


class Counting(Classifier):
    """Dark or bright, by the mean; red is rounded and hides from gradients; it counts its rows."""

    name: ClassVar[str] = "counting"
    rows: ClassVar[int] = 0

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("dark", "bright")

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        type(self).rows += len(images)
        seen = torch.cat([(images[:, :1] * 255).round() / 255, images[:, 1:]], 1)
        margin = 40 * (seen.flatten(1).double().mean(1) - 0.5).float()
        return torch.stack([-margin, margin], 1)


def test_a_sample_that_was_looked_at_is_not_looked_at_again() -> None:
    """Only new ones are, and each answer goes to the sample that it is of."""
    looks: list[list[int]] = []

    def odd(index: torch.Tensor) -> torch.Tensor:
        looks.append(index.tolist())
        return index % 2 == 1

    ids, seen = ("a", "b", "c", "d"), dict[str, bool]()
    assert look_once(ids, torch.tensor([3, 0]), seen, odd).tolist() == [True, False]
    assert look_once(ids, torch.tensor([0, 1, 2, 3]), seen, odd).tolist() == [0, 1, 0, 1]
    assert look_once(ids, torch.tensor([], dtype=torch.int64), seen, odd).tolist() == []
    assert looks == [[3, 0], [1, 2]]


@pytest.fixture
def run(tmp_path: Path, registry_with: Any) -> Any:
    """A function from eps and a step to rows and forward rows of each cell of that attack."""
    for label, name in enumerate(("dark", "bright")):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(COUNT // 2):
            pixels = np.full((8, 8, 3), 60 + 130 * label + number, np.uint8)
            Image.fromarray(pixels).save(tmp_path / f"data/{name}/{number}.png")

    def cells(eps: str, step: str = "pgd") -> dict[str, tuple[dict[str, Any], int]]:
        file = tmp_path / "looks.yaml"
        file.write_text(PIPELINE.format(eps=eps), encoding="utf-8")
        plan = make_plan(load_pipeline(file, root=tmp_path), registry_with(Counting))
        workspace = Workspace(tmp_path, tmp_path / f"out{len(eps)}", tmp_path / f"store{len(eps)}")
        found = {}
        for stage in plan.stages[:-1]:
            stage_run = open_stage(plan, stage, workspace)
            for shard in stage_run.pending():
                before = Counting.rows
                stage_run.run_shard(shard)
                if stage.step == step:
                    found[shard.cell.key] = stage_run.shard_rows(shard), Counting.rows - before
            stage_run.finish(workspace.outputs / stage.out)
        return found

    return cells


def test_cells_that_differ_in_eps_share_their_looks(run: Any) -> None:
    """The second eps costs less and has the columns that it has alone; a severity costs anew."""
    both, alone = run("1/255, 3/255"), run("3/255")
    assert len(both) == 4
    for severity in (1, 5):
        first, second = (both[f"severity={severity},eps={eps}/255"] for eps in (1, 3))
        rows, cost = alone[f"severity={severity},eps=3/255"]
        assert first[1] == cost > 2 * second[1]
        assert {str(name) for name in rows} >= {"hidden_pixels", "random_output"}
        assert rows["hidden_pixels"].tolist() == [1.0] * COUNT
        for name, values in rows.items():
            assert np.array_equal(values, second[0][name], equal_nan=values.dtype.kind == "f"), name


def test_two_attacks_on_one_victim_share_what_it_says_before(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control asks about its own images alone, and has every column that it has without."""
    shared = run("1/255, 3/255", "control")
    monkeypatch.setattr(Answers, "MOST", 0)
    asked = run("1/255,  3/255", "control")
    assert shared.keys() == asked.keys()
    assert len(shared) == 4
    for cell, (rows, cost) in asked.items():
        assert shared[cell][1] > 0
        assert cost == 2 * shared[cell][1]  # one block before and one after, or after alone
        assert rows["start_prediction"].tolist() == rows["target"].tolist()
        for name, values in rows.items():
            same = np.array_equal(values, shared[cell][0][name], equal_nan=values.dtype.kind == "f")
            assert same, name


def test_answers_that_came_first_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """What no longer fits is asked for each time; the step and the cell distinguish answers."""
    monkeypatch.setattr(Answers, "MOST", 2 * (Answers.OBJECTS + 3 * 4))  # two rows of three float32
    answers, asked = Answers(), []

    class Judge:
        ids = ("a",)

        def answer(self, images: torch.Tensor) -> Answer:
            asked.append(len(images))
            return Answer(torch.full((1, 3), 9.0), "logits")

    def value(step: str, cell: str) -> float:
        answer = answers.ask(Judge(), torch.zeros(1, 1, 1, 1), (step, cell))  # type: ignore[arg-type]
        return float(answer.values[0, 0])

    answers.keep(("a", "b"), Answer(torch.tensor([[1.0] * 3, [2.0] * 3]), "logits"), ("one", ""))
    assert (value("one", ""), asked) == (1.0, [])
    assert (value("one", "eps=1"), asked) == (9.0, [1])
    assert (value("one", "eps=1"), asked) == (9.0, [1, 1])  # it did not fit
    answers.keep(("a",), Answer(torch.tensor([[3.0] * 3]), "logits"), ("one", ""))
    assert (value("one", ""), asked) == (1.0, [1, 1])
