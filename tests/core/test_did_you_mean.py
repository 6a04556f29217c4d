"""The nearest word of a message."""

from __future__ import annotations

import pytest

from adversity.did_you_mean import did_you_mean


@pytest.mark.parametrize(
    ("word", "known", "expected"),
    [
        ("predicions", ["photos", "predictions"], "did you mean predictions?"),
        ("PGD", ["fgsm", "pgd"], "did you mean pgd?"),
        ("mit", ["Apache-2.0", "MIT"], "did you mean MIT?"),
        ("cat", ["Cat", "CAT"], "did you mean Cat?"),
        (12, [1, 13, 128], "did you mean 128?"),
        ("xyz", ["photos"], "choose one"),
        ("xyz", [], "choose one"),
    ],
)
def test_the_nearest_word(word: object, known: list[object], expected: str) -> None:
    """Either case counts, the first of equals, and what is far from all is not guessed."""
    assert did_you_mean(word, iter(known), "choose one") == expected
