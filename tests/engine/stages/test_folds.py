"""Answers out of fold: by hand, by groups, kept apart, and what goes by them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
import torch
from fit_runs import FitRuns, Ran
from toy_weights import Sampled

import adversity
from adversity import Degradation, Fitted, State
from adversity.errors import DataError, PipelineError

if TYPE_CHECKING:
    from pathlib import Path


class Tint(Fitted, Degradation):
    """Adds the mean brightness of what it was fitted on."""

    name: ClassVar[str] = "tint"

    def fit(self, data: Any, rng: Any) -> State:
        """Learn nothing that matters."""
        return State({"mean": np.zeros(1)})

    def load(self, state: State) -> None:
        """Nothing to load."""

    def degrade(self, images: Any, rng: Any) -> Any:
        """Leave them."""
        return images


STEPS = """
  fit: {uses: classifier/NET, fit_on: train, folds: 3}
  seen: {uses: fit, from: train}
  answers: {uses: fit, from: test}
  scaled: {uses: uncertainty/temperature_scaling, from: answers, fit_on: seen}
"""


@pytest.fixture
def run(tmp_path: Path, registry_with: Any) -> Any:
    """A function that runs the pipeline; returns what it left."""
    runs = FitRuns(tmp_path, registry_with, (Tint,))

    def ran(
        *overrides: str,
        net: str = "seen",
        steps: str = STEPS,
        count: int = 24,
        test: int = 200,
        **more: Any,
    ) -> Ran:
        sizes = {"train": (count, 0), "test": (8, test)}
        return runs.run(steps.replace("NET", net), sizes, *overrides, **more)

    return ran


def drawn(numbers: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return images and labels of samples, as the pipeline reads them."""
    samples = [Sampled(count=1, first=number).item(0) for number in numbers]
    images = torch.stack(
        [torch.from_numpy(s.image.astype(np.float32) / 255)[None] for s in samples]
    )
    return images, torch.tensor([s.target for s in samples])


@pytest.mark.parametrize("net", ["logistic_regression", "small_cnn"])
def test_each_row_is_answered_as_by_hand(run: Any, net: str) -> None:
    """Fit on the others from Python, for each fold, and answer: the same to the bit.

    From Python a fit is keyed as one of a step `fit` in a pipeline of seed 0.
    """
    ran = run(net=net)
    rows = ran.rows("seen")
    numbers = np.array([int(name[1:]) for name in rows["id"]])
    assert sorted(np.bincount(rows["fold_left_out"]).tolist()) == [0, 8, 8, 8]
    made = adversity.create("classifier", net)
    for fold in (1, 2, 3):
        inside = rows["fold_left_out"] == fold
        others, labels = drawn(numbers[~inside].tolist())
        fitted = made.fit(others, labels, class_names=("a", "b"))
        answers = fitted(drawn(numbers[inside].tolist())[0])
        np.testing.assert_array_equal(rows["logits"][inside], answers.numpy())
    whole = made.fit(*drawn(list(range(24))), class_names=("a", "b"))
    test = ran.rows("answers")
    expected = whole(drawn([int(name[1:]) for name in test["id"]])[0])
    np.testing.assert_array_equal(test["logits"], expected.numpy())
    assert any(
        "by the one of 3 networks that was fitted without it" in n for n in ran.notes["seen"]
    )


def test_classes_are_dealt_evenly(run: Any) -> None:
    """Of 25 samples, 9 of the second class: they differ by one at most, in all and of each class."""
    ran = run(count=25)
    rows = ran.rows("seen")
    for targets in ([0, 1], [0], [1]):
        counts = np.bincount(rows["fold_left_out"][np.isin(rows["target"], targets)])[1:]
        assert counts.max() - counts.min() <= 1


def test_what_was_left_out_was_not_seen(run: Any) -> None:
    """By what each fit wrote down: none of its fold, all others; and all in the whole one."""
    ran = run(says="groups")
    rows = ran.rows("seen")
    for fold in (1, 2, 3):
        seen = ran.state("fit", f"folds/{fold}/all")[1]["train"]["ids"]
        inside = set(rows["id"][rows["fold_left_out"] == fold])
        assert set(seen) == set(rows["id"]) - inside
        assert len(seen) == 24 - len(inside)
    assert ran.state("fit")[1]["train"]["n"] == 24


def test_what_is_fitted_on_such_answers_says_so(run: Any) -> None:
    """It is used on the answers of another network."""
    ran = run(net="logistic_regression")
    said = "scaled was fitted on answers out of fold (seen), of networks that are each fitted on a part"
    assert any(note.startswith(said) for note in ran.notes["scaled"])
    assert not any("out of fold" in note for note in ran.notes["answers"])


def test_stacking_and_sets_go_by_them(run: Any) -> None:
    """Members are weighted, and a threshold found, by answers of networks that did not see the row."""
    steps = """
  fit: {uses: classifier/logistic_regression, fit_on: train, folds: 3, with: {c: $c}}
  seen: {uses: fit, from: train}
  answers: {uses: fit, from: test}
  both: {uses: uncertainty/deep_ensemble, from: seen, over: c}
  stacked: {uses: uncertainty/stacking, from: answers, over: c, fit_on: both}
  sets: {uses: uncertainty/conformal, from: answers, fit_on: seen, with: {alpha: 0.2}}
"""
    ran = run(steps=steps + "matrix: {c: [0.01, 10]}")
    both = ran.rows("both")
    truths = both["members"][np.arange(24), :, both["target"]]
    weights = ran.state("stacked")[0]["weights"]
    assert (truths / (truths @ weights)[:, None]).mean(0).max() - 1 < 2e-8  # none are better
    seen = ran.rows("seen")
    for cell in ("c=0.01", "c=10"):
        rows = seen["cell"] == cell
        logits = torch.from_numpy(seen["logits"][rows]).double()
        scores = 1 - logits.softmax(1)[torch.arange(24), torch.from_numpy(seen["target"][rows])]
        found = ran.state("sets", f"states/{cell}")[0]["threshold"]
        assert float(found[0]) == pytest.approx(float(scores.sort().values[19]), abs=1e-12)
    assert any("out of fold (both)" in note for note in ran.notes["stacked"])


def test_images_that_are_judged_still_fit_nothing(run: Any) -> None:
    """Neither the network nor what is fitted on its answers; nor a view on the way to both."""
    with pytest.raises(DataError, match=r"that fitted fit.*4 of the 8 images of test are among"):
        run(test=20)
    moved = """
  tint: {uses: degradation/tint, fit_on: train}
  tinted: {uses: tint, from: train}
  fit: {uses: classifier/seen, fit_on: tinted, folds: 3}
  seen: {uses: fit, from: tinted}
"""
    with pytest.raises(PipelineError, match="seen would be judged on images that fitted tint"):
        run(steps=moved)


def test_a_group_lies_in_one_fold(run: Any) -> None:
    """Six groups of four, two to a fold."""
    ran = run(says="groups")
    rows = ran.rows("seen")
    for group in set(rows["group"]):
        assert len(set(rows["fold_left_out"][rows["group"] == group])) == 1
    assert sorted(np.bincount(rows["fold_left_out"])[1:].tolist()) == [8, 8, 8]


@pytest.mark.parametrize(
    "otherwise",
    [{"overrides": ("run.shard_size=5", "run.batch_size=2")}, {"backwards": True}, {"workers": 2}],
    ids=lambda value: next(iter(value)),
)
def test_neither_shards_nor_order_nor_workers_change_it(run: Any, otherwise: Any) -> None:
    """The same rows to the bit, in the same folds."""
    overrides = otherwise.pop("overrides", ())
    first, other = (
        run(*given, net="logistic_regression", **more).rows("seen")
        for given, more in (((), {}), (overrides, otherwise))
    )
    for name in ("id", "logits", "fold_left_out"):
        np.testing.assert_array_equal(first[name], other[name])


def test_folds_change_nothing_of_the_whole_fit(run: Any, tmp_path: Path) -> None:
    """It is found in the store; the others are three fits more."""

    def kept(folds: str) -> set[str]:
        run(
            steps=f"\n  fit: {{uses: classifier/seen, fit_on: train{folds}}}\n  a: {{uses: fit, from: test}}\n"
        )
        return {file.parent.name for file in (tmp_path / "store").rglob("state.safetensors")}

    whole, more = kept(""), kept(", folds: 3")
    assert len(whole) == 1
    assert whole < more
    assert len(more) == 4


def test_images_that_are_one_lie_in_one_fold() -> None:
    """Else a network would answer about an image that it was fitted on."""
    from adversity.data.resampling import dealt, joined, units_of

    ids = [f"s{n:02d}" for n in range(12)]
    marks = [frozenset([f"id {name}", f"pixels {n % 6}"]) for n, name in enumerate(ids)]
    units = joined(units_of(ids, [None] * 12), marks)
    folds = dealt(units, np.zeros(12, int), 3, np.random.default_rng(0))
    np.testing.assert_array_equal(folds[:6], folds[6:])
    assert np.bincount(folds).tolist() == [4, 4, 4]


REFUSED = {
    "one fold": ("fit: {uses: classifier/seen, fit_on: train, folds: 1}", "greater than or equal to 2|at least 2"),
    "no classifier": (
        "fit: {uses: classifier/seen, fit_on: train}\n  t: {uses: uncertainty/temperature_scaling, fit_on: answers, folds: 2}",
        "folds: is for a classifier or regressor that is fitted",
    ),
    "a step that uses it": (
        "fit: {uses: classifier/seen, fit_on: train}\n  more: {uses: fit, from: test, folds: 2}",
        "folds: belongs to the definition",
    ),
    "an attack": (
        ("fit: {uses: classifier/small_cnn, fit_on: train, folds: 3}\n  seen: {uses: fit, from: train}\n"
        "  hit: {uses: attack/fgsm, from: train, against: seen, with: {eps: 0.1}}"),
        "goes by the gradients of one network, and 3 answer in seen",
    ),
    "features": (
        ("fit: {uses: classifier/small_cnn, fit_on: train, folds: 3}\n  seen: {uses: fit, from: train}\n"
        "  far: {uses: uncertainty/mahalanobis, from: answers, fit_on: seen}"),
        "goes by the features of one network, and 3 answer in seen",
    ),
    "draws": (
        ("fit: {uses: classifier/small_cnn, fit_on: train, folds: 3, with: {dropout: 0.5}}\n"
        "  seen: {uses: fit, from: train}\n  mc: {uses: uncertainty/mc_dropout, from: seen}"),
        "goes by the draws of one network, and 3 answer in seen",
    ),
    "what is fitted on it, judged on it": (
        ("fit: {uses: classifier/seen, fit_on: train, folds: 3}\n  seen: {uses: fit, from: train}\n"
        "  t: {uses: uncertainty/temperature_scaling, from: seen, fit_on: seen}"),
        "t would be judged on images that fitted t",
    ),
    "other folds than those it was fitted on": (
        ("fit: {uses: classifier/seen, fit_on: train, folds: 3}\n  seen: {uses: fit, from: train}\n"
        "  fit2: {uses: classifier/seen, fit_on: train, folds: 2}\n  more: {uses: fit2, from: test}\n"
        "  t: {uses: uncertainty/temperature_scaling, from: more, fit_on: seen}"),
        "expected the same network",
    ),
}  # fmt: skip


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_refused(run: Any, why: str) -> None:
    """While planning."""
    steps, words = REFUSED[why]
    with pytest.raises(PipelineError, match=words):
        run(steps=f"\n  {steps}\n  answers: {{uses: fit, from: test}}\n")


def test_without_folds_a_fit_is_not_judged_on_its_own_images(run: Any) -> None:
    """As ever."""
    with pytest.raises(PipelineError, match="seen would be judged on images that fitted fit"):
        run(steps=STEPS.replace(", folds: 3", ""))


def test_more_folds_than_groups_are_refused(run: Any) -> None:
    """With file, line and step."""
    with pytest.raises(
        DataError, match=r"p\.yaml:\d+: fit: folds: .* train has groups .*, 6, got 7"
    ):
        run(says="groups", steps=STEPS.replace("folds: 3", "folds: 7"))
