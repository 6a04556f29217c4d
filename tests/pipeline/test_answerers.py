"""Who gives an answer, told apart while planning: fits that draw are as many networks as steps."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import pytest

from adversity.contracts import State
from adversity.errors import PipelineError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.plan import answerers
from adversity.pipeline.plan.answerers import answerer
from adversity.pipeline.read.load import load_pipeline
from adversity.registry import discover

if TYPE_CHECKING:
    from pathlib import Path

    from adversity.pipeline.plan.model import Plan

FILE = """\
name: p
data:
  train: {uses: dataset/digits, with: {split: train, limit: 40}}
  held: {uses: dataset/digits, with: {split: calibration, limit: 20}}
  test: {uses: dataset/digits, with: {split: test, limit: 20}}
steps:
  answers: {uses: classifier/NET, fit_on: train, from: test}
  learnt: {uses: classifier/NET, fit_on: train, from: held}
"""


def planned(root: Path, net: str, steps: str) -> Plan:
    """Plan two steps that each fit a network of their own, and more."""
    file = root / "p.yaml"
    file.write_text(FILE.replace("NET", net) + steps, encoding="utf-8")
    return make_plan(load_pipeline(file, root=root), discover())


@pytest.mark.parametrize("net", ["small_cnn", "random_forest"])
@pytest.mark.parametrize(
    "method", ["temperature_scaling", "conformal", "threshold, with: {score: entropy}"]
)
def test_two_fits_that_are_written_alike_are_two_networks(
    tmp_path: Path, net: str, method: str
) -> None:
    """Each draws from the stream of its own step: a threshold of one is none of the other."""
    with pytest.raises(PipelineError, match="fitted on the answers of learnt, and used on others"):
        planned(
            tmp_path,
            net,
            f"  sure: {{uses: uncertainty/{method}, from: answers, fit_on: learnt}}\n",
        )


def test_members_that_are_written_alike_are_others(tmp_path: Path) -> None:
    """Their weights are those of the networks that they were found with."""
    steps = "".join(
        f"  {name}2: {{uses: classifier/small_cnn, fit_on: train, from: {data}, with: {{seed: 1}}}}\n"
        for name, data in (("answers", "test"), ("learnt", "held"))
    )
    steps += (
        "  both: {uses: uncertainty/deep_ensemble, from: [learnt, learnt2]}\n"
        "  stacked: {uses: uncertainty/stacking, from: [answers, answers2], fit_on: both}\n"
    )
    with pytest.raises(PipelineError, match="fitted on the members of both, and used on others"):
        planned(tmp_path, "small_cnn", steps)


def test_draws_of_rows_are_of_a_step_too(tmp_path: Path) -> None:
    """Calibrators that are written alike are one, unless their rows are drawn."""
    net = "  net: {uses: classifier/small_cnn, fit_on: train}\n"
    steps = net + "".join(
        f"  {name}: {{uses: net, from: {data}}}\n" for name, data in (("a", "test"), ("b", "held"))
    )
    for rows, alike in (("", True), (", weights: balanced", True), (", bootstrap: 1", False)):
        steps_ = steps + "".join(
            f"  {name}_sure: {{uses: uncertainty/temperature_scaling, from: a, fit_on: b{rows}}}\n"
            for name in ("one", "two")
        )
        found = planned(tmp_path, "small_cnn", steps_).steps
        assert (answerer("one_sure", found) == answerer("two_sure", found)) == alike


class _Fit:
    """Ways to be given a generator, and whether a fit in which they stand may draw."""

    def unread(self, data, rng):
        return list(data)

    def renamed(self, data, _):
        return data

    def read(self, data, rng):
        return rng.normal()

    def handed_on(self, data, rng):
        return self.read(data, rng)

    def inside(self, data, rng):
        return [rng.normal() for _ in data]

    def later(self, data, rng):
        return lambda: rng

    def anything(self, *given):
        return given[1].normal()

    wrapped = functools.cache(unread)


@pytest.mark.parametrize(
    ("name", "draws"),
    [
        ("unread", False),
        ("renamed", False),
        ("read", True),
        ("handed_on", True),
        ("inside", True),
        ("later", True),
        ("anything", True),
        ("wrapped", True),
    ],
)
def test_a_fit_that_reads_its_generator_may_draw(name: str, draws: bool) -> None:
    """Whether or not it has a parameter `seed`; what cannot be looked into may, too."""
    assert answerers._may_draw(getattr(_Fit, name)) is draws


def test_calibrators_that_draw_are_one_a_step(tmp_path: Path, monkeypatch) -> None:
    """Without a `seed`, two that are written alike are two: each draws from its own step's stream."""
    steps = "  net: {uses: classifier/small_cnn, fit_on: train}\n" + "".join(
        f"  {name}: {{uses: net, from: {data}}}\n" for name, data in (("a", "test"), ("b", "held"))
    )
    steps += "".join(
        f"  {name}_sure: {{uses: uncertainty/temperature_scaling, from: a, fit_on: b}}\n"
        for name in ("one", "two")
    )
    plan = planned(tmp_path, "small_cnn", steps).steps
    assert answerer("one_sure", plan) == answerer("two_sure", plan)

    def fit(self, data, rng):
        return State({"temperature": rng.normal(size=1)})

    method = type(next(iter(plan["one_sure"].plugins.values())))
    assert "seed" not in method.model_fields
    monkeypatch.setattr(method, "fit", fit)
    assert answerer("one_sure", plan) != answerer("two_sure", plan)
