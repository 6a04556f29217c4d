"""The key of an image that a page shows holds what the image depends on, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from toy_shown import CELL, STEPS, names, passed, same

from adversity.engine.set_up.toolbox import Toolbox
from adversity.engine.set_up.workspace import Workspace
from adversity.engine.stages.step_images import images_through, step_images
from adversity.engine.summary import shown_views
from adversity.engine.summary.shown_views import ShownViews
from adversity.errors import StorageError
from adversity.pipeline.plan.model import Cell

if TYPE_CHECKING:
    from pathlib import Path

IN_THE_FILE = {
    "parameter": [("amount: $amount", "amount: 0.15"), ("  amount: [0.1, 0.2]\n", "")],
    "seed": [("seed: 5", "seed: 6")],
    "image": [("with: {seed: 0}", "with: {seed: 1}")],
}
CELLS = {"parameter": Cell(), "cell": Cell((("amount", "0.2"),))}


def change(what: str, plan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change what stands in no pipeline file."""
    match what:
        case "source":
            for step in STEPS:
                plan.resolved["steps"][step]["fingerprint"] = "another"
        case "engine":
            plan.resolved["core"]["engine"]["fingerprint"] = "another"
        case "version":
            monkeypatch.setattr(shown_views, "__version__", "99")
        case "hardware":
            monkeypatch.setattr(shown_views, "hardware", lambda device: [device, "another"])
        case "file":
            (plan.root / "number.txt").write_text("0.02")


@pytest.mark.parametrize(
    "what",
    ["parameter", "cell", "seed", "source", "engine", "version", "hardware", "image", "file"],
)
def test_what_an_image_depends_on_is_in_its_key(
    shown_plan: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Another one is computed anew, as it is without the folder; the old ones stay."""
    workspace, folder = Workspace.of(tmp_path), tmp_path / "shown"
    passed(shown_plan(), workspace, folder)
    before = names(folder)
    plan, cell = shown_plan(*IN_THE_FILE.get(what, ())), CELLS.get(what, CELL)
    change(what, plan, monkeypatch)
    for one, other in zip(
        passed(plan, workspace, folder, cell=cell),
        passed(plan, workspace, None, cell=cell),
        strict=True,
    ):
        same(one, other)
    assert before < names(folder)
    assert len(names(folder)) == (3 if what == "file" else 4), "the file is of the second view"


@pytest.mark.parametrize("what", ["id", "values", "type", "layout", "order", "a name"])
def test_all_that_goes_in_is_in_the_key(shown_plan: Any, tmp_path: Path, what: str) -> None:
    """The sample's id, and side information with its order: of two that fill a need the later counts."""
    plan, folder = shown_plan(), tmp_path / "shown"
    toolbox = Toolbox(plan, Workspace.of(tmp_path))
    views = ShownViews(toolbox, folder)
    start = step_images(toolbox, "photos", CELL, [0])
    side = {"sigma": torch.full((1,), 0.1), "x.more": torch.ones(1, 2, 2)}
    start = replace(start, side=side)
    other = replace(start, side=dict(side))
    match what:
        case "id":
            other = replace(other, ids=("another",))
        case "values":
            other.side["sigma"] = torch.full((1,), 0.2)
        case "type":
            other.side["x.more"] = torch.ones(1, 2, 2, dtype=torch.float64)
        case "layout":
            other.side["x.more"] = torch.ones(1, 1, 1).expand(1, 2, 2)
        case "order":
            other = replace(other, side=dict(reversed(side.items())))
        case _:
            other.side["y.more"] = other.side.pop("x.more")
    for _ in range(2):
        views.through("clear", CELL, start)
        same(views.through("clear", CELL, other), images_through(toolbox, "clear", CELL, other))
    assert len(names(folder)) == 2


@pytest.mark.parametrize("change", ["settings", "cells", "steps", "labels", "clean", "nothing"])
def test_what_changes_no_image_is_not_in_its_key(
    shown_plan: Any, tmp_path: Path, change: str, asked: list[str]
) -> None:
    """Batches, workers, other cells and steps, the classifier, and what images are compared with."""
    workspace, folder = Workspace.of(tmp_path), tmp_path / "shown"
    passed(shown_plan(), workspace, folder)
    before, cell = names(folder), CELL
    changes = {
        "settings": [("name: p", "name: q\nrun: {batch_size: 3, shard_size: 5, workers: 2}")],
        "cells": [("amount: [0.1, 0.2]", "amount: [0.05, 0.1]")],
        "steps": [("  nudge:", "  more: {uses: degradation/darker, from: photos}\n  nudge:")],
        "labels": [("classifier/bright}", "classifier/bright, with: {level: 0.3}}")],
        "clean": [("with: {seed: 0}, images: clean", "with: {seed: 0}, images: degraded")],
        "nothing": [],
    }[change]
    asked.clear()
    plan = shown_plan(*changes)
    if change == "cells":
        cell = Cell((("amount", "0.1"), ("eps", "4/255")))
    found = passed(plan, workspace, folder, cell=cell)
    assert asked == []
    assert names(folder) == before
    for one, other in zip(found, passed(plan, workspace, None, cell=cell), strict=True):
        same(one, other)


def test_a_fitted_state_is_in_the_key(shown_run: Any, tmp_path: Path) -> None:
    """Fitted on other images, a restoration is another; a damaged state is refused as ever."""
    folder, steps = tmp_path / "shown", (*STEPS, "fitted")
    passed(*shown_run(only="learned"), folder, *steps)
    plan, workspace = shown_run(("with: {seed: 9}", "with: {seed: 8}"), only="learned")
    found = passed(plan, workspace, folder, *steps)
    assert len(names(folder)) == 4
    same(found[-1], passed(plan, workspace, None, *steps)[-1])
    (state,) = (workspace.outputs / "artifacts/p/learned/states").iterdir()
    whole = state.read_bytes()
    state.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(StorageError, match="is damaged"):
        passed(plan, workspace, folder, *steps)
