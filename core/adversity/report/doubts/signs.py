"""Signs that an attack failed where the samples did not stand, and what each means."""

from __future__ import annotations

__all__ = ["MASKED", "MAY_BE_MASKED", "PROBED", "SIGNS"]

MASKED = 0.05
"""From this share on, a sign of a failed attack voids the figure. A sound attack leaves a few
samples to luck: the last iterate instead of the best, another start, one draw of noise. One in
twenty moves robust accuracy by as much as papers argue about."""
MAY_BE_MASKED = "the gradient may be masked, robust accuracy may be too high"
_WEAK = "the attack is too weak, robust accuracy is too high"
SIGNS = (
    (
        "zero_gradient_share",
        MASKED,
        "never had a gradient that was finite and not zero",
        MAY_BE_MASKED,
    ),
    (
        "nan_gradient_share",
        MASKED,
        "had a gradient that held NaN or infinity, which is none",
        f"{MAY_BE_MASKED}; find the operation that divides by zero or overflows on the way back",
    ),
    (
        "hidden_pixels_share",
        MASKED,
        "that were looked at have pixels that change the answer and have a gradient of exactly zero",
        f"{MAY_BE_MASKED}; replace its clamps with adversity.clip, and attack by queries too (square)",
    ),
    ("never_moved_share", MASKED, "were never moved", MAY_BE_MASKED),
    (
        "beaten_by_black_box_share",
        MASKED,
        "were left standing, but fooled without gradients within the same budget",
        MAY_BE_MASKED,
    ),
    (
        "beaten_by_grey_box_share",
        MASKED,
        "were left standing, but fooled within the same budget by an attacker who knows less",
        _WEAK,
    ),
    (
        "fooled_with_less_share",
        MASKED,
        "were left standing, but fooled by the same attack with a smaller eps",
        _WEAK,
    ),
    (
        "weaker_with_more_share",
        MASKED,
        "were left standing, but fooled by the same attack with fewer steps or restarts",
        _WEAK,
    ),
    (
        "more_steps_gain_share",
        MASKED,
        "that were probed were left standing, but fooled with twice the steps",
        _WEAK,
    ),
    (
        "more_restarts_gain_share",
        MASKED,
        "that were probed were left standing, but fooled with twice the restarts",
        _WEAK,
    ),
    (
        "probability_output_share",
        MASKED,
        "got probabilities from a victim that says it gives logits",
        'the attack takes a softmax of a softmax, which flattens the gradient (say gives = "probs")',
    ),
    (
        "random_output_share",
        MASKED,
        "got another answer when asked again for the same image",
        "the figure is one draw of many, and an attacker who asks twice does better",
    ),
)
"""Measure, from where on it voids a figure, what it says of the samples, and what that means."""
PROBED = ("hidden_pixels_share", "more_steps_gain_share", "more_restarts_gain_share")
"""Signs over a few samples: they void a figure with the whole interval; before, they warn."""
