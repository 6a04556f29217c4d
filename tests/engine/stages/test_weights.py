"""Weights of samples: what a fit gets of them, from where, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fit_runs import FitRuns
from sklearn.utils.class_weight import compute_sample_weight
from toy_weights import Sampled

from adversity.errors import DataError, PipelineError

if TYPE_CHECKING:
    from pathlib import Path

STEPS = """
  net: {uses: classifier/seen, fit_on: {train: train, validate: check}, WEIGHTS}
  answers: {uses: net, from: held}
  scaled: {uses: uncertainty/answered, from: judged, fit_on: answers, WEIGHTS}
  judged: {uses: net, from: test}
"""


SIZES = {"train": (24, 0), "held": (12, 100), "test": (8, 200), "check": (6, 300)}


@pytest.fixture
def run(tmp_path: Path, registry_with: Any) -> Any:
    """A function that runs the pipeline; returns what each fit saw, and each step's notes."""
    runs = FitRuns(tmp_path, registry_with)

    def ran(
        weights: str, says: str = "weights", *overrides: str, steps: str = STEPS, **more: Any
    ) -> Any:
        found = runs.run(steps.replace("WEIGHTS", weights), SIZES, *overrides, says=says, **more)
        fitted = [step for step in found.notes if (found.folder / step / "states").exists()]
        return {step: found.state(step)[1] for step in fitted}, found.notes

    return ran


def test_a_fit_gets_the_attribute_of_each_sample(run: Any) -> None:
    """By id, of the first source alone; images and rows of a table alike; those of 0 are left out."""
    states, notes = run("weights: worth")
    for step, first, count in (("net", 0, 24), ("scaled", 100, 12)):
        seen = states[step]["train"]
        numbers = [n for n in range(first, first + count) if n % 4]
        assert seen["ids"] == [f"s{n:03d}" for n in numbers]
        assert seen["weights"] == [float(n % 4) for n in numbers]
        assert seen["targets"] == [int(n % 3 == 0) for n in numbers]
        assert seen["n"] == len(numbers)
        data = {"net": "train", "scaled": "answers"}[step]
        said = (
            f"{step} was fitted without {count // 4} samples of {data}, whose weight (worth) is 0"
        )
        assert said in notes[step]
    assert states["net"]["validate"]["weights"] is None
    assert states["net"]["validate"]["n"] == 6


def test_balanced_counts_as_much_of_each_class(run: Any) -> None:
    """Against scikit-learn, for images and for rows of a table."""
    states, notes = run("weights: balanced", "none")
    for step in ("net", "scaled"):
        seen = states[step]["train"]
        expected = compute_sample_weight("balanced", seen["targets"])
        assert seen["weights"] == pytest.approx(expected.tolist(), abs=1e-15)
        assert not any("weight" in note for note in notes[step])


def test_without_weights_there_are_none(run: Any) -> None:
    """And every sample is there."""
    states, _ = run("classes: null")
    assert states["net"]["train"]["weights"] is None
    assert states["scaled"]["train"]["weights"] is None
    assert states["net"]["train"]["n"] == 24


def test_neither_shard_nor_batch_changes_what_a_fit_gets(run: Any) -> None:
    """The same ids with the same weights."""
    states = [
        run("weights: worth", "weights", *sizes)[0]
        for sizes in ((), ("run.shard_size=5", "run.batch_size=2"))
    ]
    assert states[0] == states[1]


@pytest.mark.parametrize(
    ("says", "words"),
    [
        ("nan", r"p\.yaml:\d+: net: weights: worth: .* finite weight .* got nan of sample 's007'"),
        ("below", r"got -1 of sample 's003', -2 of sample 's007', in train; correct the data"),
        ("nothing", r"weights: worth: expected a weight above 0, got 24 of 0"),
        ("groups", r"weights: worth: expected balanced, or an attribute of the samples of train"),
    ],
)
def test_what_is_no_weight_is_refused(run: Any, says: str, words: str) -> None:
    """By file, line and sample."""
    with pytest.raises(DataError, match=words):
        run("weights: worth", says, only="net")


def test_numbers_that_stand_as_text_are_weights(run: Any) -> None:
    """The columns of a CSV file are texts, whatever is in them."""
    assert run("weights: worth", "texts", only="net") == run("weights: worth", only="net")


@pytest.mark.parametrize("text", ["1_000", "nan", "inf", "1e999", "0x10", "\u0661", "1,5", ""])
def test_what_python_alone_reads_is_no_number(
    run: Any, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """`float` takes 1_000 for a thousand, and digits of other scripts; a person might not."""
    said = {"worth": text}
    monkeypatch.setattr(Sampled, "_said", lambda _, number: said if number == 9 else {"worth": "1"})
    with pytest.raises(
        DataError, match=r"worth: expected finite numbers such as 2\.5, got the text"
    ) as caught:
        run("weights: worth", only="net")
    assert str(caught.value).endswith(f"got the text {text!r} of sample 's009'")


def test_a_text_is_no_weight(run: Any) -> None:
    """Nor is an attribute that a sample lacks."""
    with pytest.raises(
        DataError, match=r"weights: camera: expected finite numbers .*, got the text 'left'"
    ):
        run("weights: camera", only="net")
    with pytest.raises(
        DataError, match=r"worth: expected finite numbers .*, got none of sample 's005'"
    ):
        run("weights: worth", "lacking", only="net")


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (
            "net: {uses: classifier/nearest_neighbours, fit_on: train, weights: w}",
            "nearest.* does not go by weights",
        ),
        (
            "net: {uses: classifier/efficientnet_lite0, weights: balanced}",
            "weights: is for what is fitted",
        ),
        (
            "net: {uses: classifier/seen, fit_on: train}\n  more: {uses: net, from: held, weights: w}",
            "weights: belongs to the definition",
        ),
    ],
)
def test_where_weights_mean_nothing_they_are_refused(run: Any, step: str, words: str) -> None:
    """While planning."""
    with pytest.raises(PipelineError, match=words):
        run("", steps=f"\n  {step}\n  answers: {{uses: net, from: test}}\n")
