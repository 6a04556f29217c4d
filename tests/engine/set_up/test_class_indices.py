"""Which class of the classifier a label means, and what is said where there is none."""

from __future__ import annotations

import pytest

from adversity.engine.set_up.class_indices import class_indices
from adversity.errors import DataError


class Answers:
    """A classifier that has class names only."""

    name = "answers"
    synsets = None

    def __init__(self, *names):
        self.class_names = names


def test_accents_are_the_same_however_they_are_written():
    """A data set from macOS and weights from elsewhere mean the same class."""
    theirs = Answers("a", "Ren\u00e9")
    assert class_indices(["Rene\u0301"], [0], theirs).tolist() == [1]
    assert class_indices(["Ren\u00e9"], [0], Answers("a", "Rene\u0301")).tolist() == [1]
    found = class_indices(["e\u0301"], [0], theirs, labels={"\u00e9": "Ren\u00e9"})
    assert found.tolist() == [1]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (None, r"'Katze'; the classifier 'answers' has 'cat', 'dog'. Give a `labels:` file"),
        ({"Katze": "cta"}, r"'Katze' \(mapped to 'cta'\) \(did you mean cat\?\)"),
        ({"Katze": "Cat"}, r"'Katze' \(mapped to 'Cat'\) \(did you mean cat\?\)"),
        ({"Katze": "cta"}, r"Correct the column `to` of the `labels:` file"),
        ({"Hund": "dog"}, r"The `labels:` file has no row for 'Katze'; add one for each"),
    ],
)
def test_a_class_that_is_not_there(labels, said):
    """The message names what the map makes of it, the nearest class, and what to fix."""
    with pytest.raises(DataError, match=said) as error:
        class_indices(["Katze", "Hund"], [0], Answers("cat", "dog"), labels=labels)
    assert labels is None or "Give a `labels:` file" not in str(error.value)


def test_a_model_whose_classes_nobody_named():
    """Then names are what is missing, not a map to `class_0`; one whose names are such keeps them."""
    model = Answers("class_0", "class_1")
    model.classes_file = None
    with pytest.raises(DataError, match=r"write `classes:` or `classes_file:` under `with:`"):
        class_indices(["cat", "dog"], [0, 1], model)
    assert class_indices(["class_1", "class_0"], [0, 1], model).tolist() == [1, 0]


def test_classes_that_no_sample_has_may_be_unknown():
    """Only what samples are labelled with must be the classifier's."""
    assert class_indices(["cat", "newt"], [0], Answers("cat", "dog")).tolist() == [0, -1]
