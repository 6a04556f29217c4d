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
        ("bsd", ["MIT", "BSD-3-Clause"], "did you mean BSD-3-Clause?"),
        ("noise", ["shot_noise_of_a_camera", "blur"], "did you mean shot_noise_of_a_camera?"),
        ("bl", ["blurred_images"], "choose one"),
        ("xyz", ["photos"], "choose one"),
        ("xyz", [], "choose one"),
    ],
)
def test_the_nearest_word(word: object, known: list[object], expected: str) -> None:
    """Either case counts, the first of equals, abbreviations; what is far from all is no guess."""
    assert did_you_mean(word, iter(known), "choose one") == expected
