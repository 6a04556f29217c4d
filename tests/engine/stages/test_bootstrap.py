"""Draws with replacement: what a fit gets, by whom it is drawn, and what changes nothing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fit_runs import FitRuns

from adversity.errors import PipelineError
from adversity.seeding import draw_generator

if TYPE_CHECKING:
    from pathlib import Path

SIZES = {"train": (24, 0), "held": (12, 100), "test": (8, 200)}
STEPS = """
  net: {uses: classifier/seen, fit_on: train, bootstrap: $member}
  answers: {uses: net, from: held}
  judged: {uses: net, from: test}
  scaled: {uses: uncertainty/answered, from: judged, fit_on: answers, bootstrap: 3}
"""


@pytest.fixture
def run(tmp_path: Path, registry_with: Any) -> Any:
    """A function that runs the pipeline; returns what each fit saw, by step and cell, and notes."""
    runs = FitRuns(tmp_path, registry_with)

    def ran(
        *overrides: str, steps: str = STEPS, size: int = 24, apart: int = 0, **more: Any
    ) -> Any:
        sizes = {name: (count, first + apart) for name, (count, first) in SIZES.items()}
        head = f"seed: 5\nmatrix: {{{more.pop('matrix', 'member: [0, 1]')}}}"
        found = runs.run(steps, sizes | {"train": (size, 0)}, *overrides, head=head, **more)
        return found.seen, found.notes

    return ran


def by_hand(step: str, number: int, units: list[list[str]]) -> list[str]:
    """Draw units in the order of their names, as many as there are."""
    units = sorted(units)
    chosen = draw_generator(5, step, number).integers(len(units), size=len(units))
    return sorted(id_ for place in chosen for id_ in units[place])


def test_a_draw_is_the_one_by_hand(run: Any) -> None:
    """The same multiset, another for each number; images and rows of a table alike."""
    seen, notes = run()
    train = [[f"s{n:03d}"] for n in range(24)]
    (first, second, *scaled) = seen.values()
    for number, found in enumerate((first, second)):
        assert found["ids"] == by_hand("net", number, train)
        assert found["targets"] == [int(int(name[1:]) % 3 == 0) for name in found["ids"]]
        assert found["n"] == 24
    assert first["ids"] != second["ids"]
    held = [[f"s{n:03d}"] for n in range(100, 112)]
    assert [found["ids"] for found in scaled] == [by_hand("scaled", 3, held)] * 2
    said = "net was fitted on as many of train as there are, drawn with replacement (bootstrap): 24"
    assert [note.startswith(said) for note in notes["net"]].count(True) == 1


def test_a_group_is_drawn_whole(run: Any) -> None:
    """Six groups of four: each is there whole, as often as it was drawn."""
    seen, notes = run(says="groups")
    scenes = {f"scene {k}": [f"s{n:03d}" for n in range(4 * k, 4 * k + 4)] for k in range(6)}
    named = [scenes[name] for name in sorted(scenes)]
    for number, found in enumerate([seen[key] for key in sorted(seen) if key.startswith("net")]):
        assert found["ids"] == by_hand("net", number, named)
        counts = Counter(found["ids"])
        for ids in scenes.values():
            assert len({counts[id_] for id_ in ids}) == 1
    assert any("24 samples, in 6 groups that are drawn whole" in note for note in notes["net"])


@pytest.mark.parametrize(
    "otherwise",
    [
        {"overrides": ("run.shard_size=5", "run.batch_size=2")},
        {"backwards": True},
        {"workers": 2},
    ],
    ids=lambda value: next(iter(value)),
)
def test_neither_shards_nor_order_nor_workers_change_a_draw(run: Any, otherwise: Any) -> None:
    """The same ids in the same order."""
    overrides = otherwise.pop("overrides", ())
    assert run()[0] == run(*overrides, **otherwise)[0]


def test_a_share_of_1_over_e_is_left_out(run: Any) -> None:
    """Of 2 000 samples: the share never drawn is 0.368, its standard error 0.007."""
    seen, _ = run(size=2000, matrix="member: [0]", apart=5000)
    found = next(value for key, value in seen.items() if key.startswith("net"))
    assert 1 - len(set(found["ids"])) / 2000 == pytest.approx((1 - 1 / 2000) ** 2000, abs=0.03)


def test_another_seed_draws_another(run: Any) -> None:
    """The pipeline's, that is; the step's name counts as well."""
    first, other = run()[0], run("seed=6")[0]
    assert all(first[key]["ids"] != other[key]["ids"] for key in first)


def test_weights_go_with_what_is_drawn(run: Any) -> None:
    """A sample that is drawn twice weighs twice; balanced are the classes of the draw."""
    both = STEPS.replace("bootstrap: $member", "bootstrap: $member, weights: balanced")
    seen, notes = run(steps=both)
    assert not any("whose weight" in note for note in notes["net"])  # what is not drawn has none
    for key in (key for key in seen if key.startswith("net")):
        targets, weights = np.array(seen[key]["targets"]), np.array(seen[key]["weights"])
        sums = [weights[targets == label].sum() for label in (0, 1)]
        assert sums == pytest.approx([12, 12], abs=1e-12)
    worth = STEPS.replace("bootstrap: $member", "bootstrap: $member, weights: worth")
    seen, notes = run(steps=worth, says="weights")
    for number in (0, 1):
        names = set(by_hand("net", number, [[f"s{n:03d}"] for n in range(24)]))
        lost = sum(int(name[1:]) % 4 == 0 for name in names)
        said = f"net was fitted without {lost} samples of train, whose weight (worth) is 0"
        assert said in notes["net"]
    for number, key in enumerate(key for key in seen if key.startswith("net")):
        drawn = by_hand("net", number, [[f"s{n:03d}"] for n in range(24)])
        assert seen[key]["ids"] == [name for name in drawn if int(name[1:]) % 4]
        assert seen[key]["weights"] == [int(name[1:]) % 4 for name in seen[key]["ids"]]


@pytest.mark.parametrize(
    ("steps", "matrix", "words"),
    [
        ("bootstrap: -1}", "", "must be the number of a draw, 0 or more, or a matrix variable such as .member, got -1"),
        ("bootstrap: 1.0}", "", "must be the number of a draw, 0 or more, or a matrix variable such as .member, got 1.0"),
        ("bootstrap: $membr}", "", "matrix variable .membr is not declared"),
        ("bootstrap: $word}", "word: [one, 1.5, 2]", "expected numbers of draws, 0 or more, got one, 1.5"),
        ("bootstrap: 1}\n  more: {uses: classifier/efficientnet_lite0, bootstrap: 2}", "", "bootstrap: is for what is fitted"),
        ("bootstrap: 1}\n  more: {uses: net, from: held, bootstrap: 2}", "", "bootstrap: belongs to the definition"),
        ("bootstrap: 1}\n  more: {uses: net, from: held, bootstrap: 0}", "", "bootstrap: belongs to the definition"),
    ],
)  # fmt: skip
def test_what_is_no_draw_is_refused(run: Any, steps: str, matrix: str, words: str) -> None:
    """While planning."""
    steps = f"\n  net: {{uses: classifier/seen, fit_on: train, {steps}\n  answers: {{uses: net, from: test}}\n"
    with pytest.raises(PipelineError, match=words):
        run(steps=steps, matrix=matrix)
