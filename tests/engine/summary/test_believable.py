"""Figures too good to be believed: victims masked on purpose, and an honest one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

TRIED = (
    "zero_gradient_share",
    "never_moved_share",
    "beaten_by_black_box_share",
    "fooled_with_less_share",
    "random_output_share",
    "probability_output_share",
)
PGD = "  pgd: {uses: attack/pgd, from: test, against: answers, with: {eps: $eps, steps: 4}}\n"
SQUARE = """
  square:
    uses: attack/square
    from: test
    against: answers
    with: {eps: $eps, queries: 60}
  noise: {uses: attack/random_noise, from: test, against: answers, with: {eps: $eps}}
"""


def test_honest_victim_raises_no_flag(finish: Any) -> None:
    """A linear victim: PGD is optimal, so every share is 0 where it exists, and every gate holds.

    80 samples of 80 without a hit have an upper bound of 0.046: enough for a gate at 0.05.
    """
    gates = [f"pgd[eps=12/255].{name} <= 0.05" for name in TRIED]
    done = finish("bright", PGD + SQUARE, gates=gates)
    assert {done.value(name, cell=1) for name in TRIED} == {0.0}
    assert done.value("robust_accuracy", cell=1) < 0.7
    assert set(done.verdicts.values()) == {"pass"}
    assert [c.text for c in done.said] == []
    assert not any("probabilities" in text for text in done.notes)


def test_rounding_inside_is_flagged(finish: Any) -> None:
    """PGD finds nothing where every gradient is zero; Square, in the same budget, does.

    Each of the black-box hits is a sample that Square fooled and PGD did not, counted here
    from the tables' own measures: PGD fooled none, so the share is Square's success.
    """
    gates = ["pgd[eps=12/255].beaten_by_black_box_share <= 0.05",
             "pgd[eps=12/255].zero_gradient_share <= 0.05"]  # fmt: skip
    done = finish("eight_bit", PGD + SQUARE, gates=gates)
    assert done.value("robust_accuracy", cell=1) == 1.0
    assert done.value("zero_gradient_share", cell=1) == 1.0
    beaten = done.value("beaten_by_black_box_share", cell=1)
    assert beaten == done.value("attack_success", step="square", cell=1)
    assert beaten is not None
    assert beaten > 0.3
    assert set(done.verdicts.values()) == {"fail"}
    large = [c.text for c in done.said if "pgd [eps=12/255]" in c.text]
    (text,) = [text for text in large if "without gradients" in text]
    assert f"{beaten:.0%}" in text
    assert "of 80; 95% interval" in text
    assert "square[eps=12/255]" in text


def test_black_box_with_more_budget_proves_nothing(finish: Any) -> None:
    """Square with three times the eps is no rival, and a share without one does not exist.

    A gate on a share that nothing was compared for is an error and not a pass.
    """
    rival = SQUARE.replace("eps: $eps", "eps: 12/255")
    gates = ["pgd.beaten_by_black_box_share <= 0.05"]
    done = finish("eight_bit", PGD + rival, matrix="{eps: [4/255]}", gates=gates)
    assert done.value("beaten_by_black_box_share") is None
    assert done.value("fooled_with_less_share") is None
    assert set(done.verdicts.values()) == {"error"}


def test_accuracy_that_rises_with_eps_is_flagged(finish: Any) -> None:
    """A step of half a period fools every sample of the waves, a step of a whole one none."""
    attack = "  pgd: {uses: attack/fgsm, from: test, against: answers, with: {eps: $eps}}\n"
    given = {"images": "slopes", "matrix": "{eps: [8/255, 16/255]}"}
    gates = ["pgd[eps=16/255].fooled_with_less_share <= 0.05"]
    done = finish("waves", attack, gates=gates, **given)
    assert [done.value("robust_accuracy", cell=i) for i in (0, 1)] == [0.0, 1.0]
    assert done.value("fooled_with_less_share", cell=0) is None
    assert done.value("fooled_with_less_share", cell=1) == 1.0
    assert set(done.verdicts.values()) == {"fail"}
    assert any("smaller eps" in c.text and "pgd[eps=8/255]: 80 of 80" in c.text for c in done.said)


def test_more_steps_that_find_less_are_flagged(finish: Any) -> None:
    """On the waves the second step goes back to where the first came from."""
    attack = (
        "  pgd: {uses: attack/pgd, from: test, against: answers, with: {eps: 16/255, steps: $steps,"
        " step_size: 8/255, random_start: false}}\n"
    )
    given = {"images": "slopes", "matrix": "{steps: [1, 2]}"}
    gates = ["pgd[steps=2].weaker_with_more_share <= 0.05"]
    done = finish("waves", attack, gates=gates, **given)
    assert [done.value("robust_accuracy", cell=i) for i in (0, 1)] == [0.0, 1.0]
    assert done.value("weaker_with_more_share", cell=0) is None
    assert done.value("weaker_with_more_share", cell=1) == 1.0
    assert set(done.verdicts.values()) == {"fail"}
    assert any("fewer steps" in c.text for c in done.said)


def test_probabilities_instead_of_logits_are_noted(finish: Any) -> None:
    """It is said at the attacks that need logits, not at the noise; nothing is void for it."""
    done = finish("probable", PGD + SQUARE)
    assert sum("probabilities, not logits" in text for text in done.notes) == 2
    assert done.said == []
    assert done.value("probability_output_share", cell=1) == 0.0


def test_probabilities_in_disguise_void_a_figure_and_fail_a_gate(finish: Any) -> None:
    """Nobody says that they are none; the noise, which sees no score, has no such measure."""
    share, claim, lost = gates = (
        "pgd[eps=12/255].probability_output_share <= 0.05",
        "pgd[eps=12/255].robust_accuracy >= 0.1",
        "pgd[eps=12/255].robust_accuracy >= 0.99",
    )
    done = finish("disguised", PGD + SQUARE, gates=gates)
    assert done.value("probability_output_share", cell=1) == 1.0
    assert done.value("probability_output_share", step="square") == 1.0
    assert done.value("probability_output_share", step="noise") is None
    assert done.verdicts == {share: "fail", claim: "error", lost: "fail"}
    assert "As measured: PASS" in done.why[claim]
    assert any("a victim that says it gives logits" in c.text for c in done.said)


def test_images_are_not_compared_with_themselves(finish: Any) -> None:
    """Photos that nothing degrades, without references: no figure, and a sentence why.

    Behind a degradation, or an attack, the photos are the clean images. The victim is linear in
    the mean, so PGD moves each pixel by eps = 4/255, and its PSNR is -20 log10(eps).
    """
    done = finish(
        "bright",
        PGD
        + """
  brighter: {uses: restoration/gamma_correction, from: test, with: {gamma: 0.7}}
  after: {uses: classifier/bright, from: brighter}
  blurred: {uses: degradation/gaussian_noise, from: test, with: {severity: 1}}
  again: {uses: restoration/gamma_correction, from: blurred, with: {gamma: 1.0}}
  restored: {uses: classifier/bright, from: again}
""",
    )
    assert done.value("psnr_db", step="after") is None
    assert any("psnr_db, ssim cannot be measured: test has no" in n for n in done.noted["after"])
    noisy = done.value("psnr_db", step="restored")
    assert noisy is not None
    assert 10 < noisy < 40
    assert not any("cannot be measured" in note for note in done.noted["restored"])
    assert done.value("psnr_db", step="pgd") == pytest.approx(-20 * np.log10(4 / 255), abs=0.2)
