"""What the engine measures without a metric, declared as a metric declares its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from adversity.contracts import MeasureInfo, Sign
from adversity.pipeline.plan.probing import PROBES

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AFTERWARDS",
    "OF_ANSWERS",
    "OF_ATTACKS",
    "OF_DATA",
    "OF_DECISIONS",
    "WORST_CASE",
    "WORST_SUCCESS",
]

WORST_CASE = "worst_case_robust_accuracy"
WORST_SUCCESS = "worst_case_success"
_MASKED = 0.05
"""From this share on, a sign of a failed attack voids the figure. A sound attack leaves a few
samples to luck: the last iterate instead of the best, another start, one draw of noise. One in
twenty moves robust accuracy by as much as papers argue about."""
_ANYTHING = 0.2
"""From this share on that is right although anything is allowed, an attack failed, with however
few classes: what a guess gets right, one class in K, would excuse much with two."""
_TOO_GOOD = {
    "robust accuracy may be too high": "its success may be too low",
    "robust accuracy is too high": "its success is too low",
}
"""What a failed attack flatters, in the words for an answer and in those for a decision."""
_MAY_BE_MASKED = "the gradient may be masked, robust accuracy may be too high"
_WEAK = "the attack is too weak, robust accuracy is too high"
_FACT = MeasureInfo(0.0, 1.0, attacked="fact", better="lower", scale="share")


def _sign(says: str, means: str, *, sampled: bool = False) -> MeasureInfo:
    """Return a share of the attacked samples that shows that an attack failed."""
    return replace(_FACT, sign=Sign(_MASKED, f"of the attacked samples {says}", means, sampled))


def _probe(title: str, sign: Sign) -> MeasureInfo:
    """Return what a probe measures, over a few samples."""
    return replace(_FACT, title=title, group="probe", sign=sign)


OF_DATA: Mapping[str, MeasureInfo] = {
    "unreadable_share": MeasureInfo(0.0, 1.0, better="lower", scale="share")
}
"""What the engine measures of data sets."""
OF_ATTACKS: Mapping[str, MeasureInfo] = {
    "zero_gradient_share": _sign(
        "never had a gradient that was finite and not zero", _MAY_BE_MASKED
    ),
    "nan_gradient_share": _sign(
        "had a gradient that held NaN or infinity, which is none",
        f"{_MAY_BE_MASKED}; find the operation that divides by zero or overflows on the way back",
    ),
    "hidden_pixels_share": _sign(
        "that were looked at have pixels that change the answer and have a gradient of exactly zero",
        f"{_MAY_BE_MASKED}; replace its clamps with adversity.clip, and attack by queries too "
        "(square)",
        sampled=True,
    ),
    "never_moved_share": _sign("were never moved", _MAY_BE_MASKED),
    "random_output_share": _sign(
        "got another answer when queried again with the same image",
        "the figure is one draw of many, and an attacker who queries twice does better",
    ),
    "probability_output_share": _sign(
        "got probabilities from a victim that says it gives logits",
        'the attack takes a softmax of a softmax, which flattens the gradient (say gives = "probs")',
    ),
    "beaten_by_black_box_share": _sign(
        "were left standing, but fooled without gradients within the same budget", _MAY_BE_MASKED
    ),
    "beaten_by_grey_box_share": _sign(
        "were left standing, but fooled within the same budget by an attacker who knows less",
        _WEAK,
    ),
    "fooled_with_less_share": _sign(
        "were left standing, but fooled by the same attack with a smaller eps", _WEAK
    ),
    "weaker_with_more_share": _sign(
        "were left standing, but fooled by the same attack with fewer steps or restarts", _WEAK
    ),
    WORST_CASE: MeasureInfo(
        0.0,
        1.0,
        attacked="at most",
        title="worst-case robust accuracy",
        better="higher",
        scale="share",
        group="worst case",
    ),
    WORST_SUCCESS: MeasureInfo(
        0.0,
        1.0,
        attacked="at least",
        title="worst-case success",
        better="lower",
        scale="share",
        group="worst case",
    ),
    "full_budget_accuracy": _probe(
        "accuracy when anything is allowed",
        Sign(
            _MASKED,
            "of the probed samples stayed right when the attack was allowed the whole space of "
            "images",
            _MAY_BE_MASKED,
            guess=_ANYTHING,
        ),
    ),
    "full_budget_withstood_share": _probe(
        "withstood when anything is allowed",
        Sign(
            _MASKED,
            "of the attacked samples that were probed withstood when the attack was allowed the "
            "whole space of images",
            _MAY_BE_MASKED,
            sampled=True,
        ),
    ),
    "more_steps_gain_share": _probe(
        "share that fell to twice the steps",
        Sign(
            _MASKED,
            "of the attacked samples that were probed were left standing, but fooled with twice "
            "the steps",
            _WEAK,
            sampled=True,
        ),
    ),
    "more_restarts_gain_share": _probe(
        "share that fell to twice the restarts",
        Sign(
            _MASKED,
            "of the attacked samples that were probed were left standing, but fooled with twice "
            "the restarts",
            _WEAK,
            sampled=True,
        ),
    ),
}
"""What the engine measures of attacks, whatever they are after."""
AFTERWARDS = frozenset(
    {
        "beaten_by_black_box_share",
        "beaten_by_grey_box_share",
        "fooled_with_less_share",
        "weaker_with_more_share",
        WORST_CASE,
        WORST_SUCCESS,
    }
)
"""Those that compare attacks, and are measured when all steps have run: report and gates have
them, no other step does."""


def _of_decisions(info: MeasureInfo) -> MeasureInfo:
    """Return what is known of a measure where an attack is after a decision: in other words."""
    if info.sign is None:
        return info
    means = info.sign.means
    for answer, decision in _TOO_GOOD.items():
        means = means.replace(answer, decision)
    return replace(info, sign=replace(info.sign, means=means))


_ANSWERS_ALONE = {WORST_CASE, *(name for name, probe in PROBES.items() if probe.of == "answers")}
_DECISIONS_ALONE = {
    WORST_SUCCESS,
    *(name for name, probe in PROBES.items() if probe.of == "decisions"),
}
OF_ANSWERS: Mapping[str, MeasureInfo] = {
    name: info for name, info in OF_ATTACKS.items() if name not in _DECISIONS_ALONE
}
"""What the engine measures of attacks on the answer."""
OF_DECISIONS: Mapping[str, MeasureInfo] = {
    name: _of_decisions(info) for name, info in OF_ATTACKS.items() if name not in _ANSWERS_ALONE
}
"""What it measures of attacks on a decision; none of it says how accurate a victim stays."""
