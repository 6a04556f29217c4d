"""What is read from an answer: by hand, for logits, probabilities and calibrated ones."""

from __future__ import annotations

import math

import torch

from adversity.engine.calls.log_probs import log_of
from adversity.engine.chain.answer import Answer

LOGITS = torch.log(torch.tensor([[1.0, 2.0, 1.0], [3.0, 3.0, 2.0]]))
PROBS = torch.tensor([[0.25, 0.5, 0.25], [0.375, 0.375, 0.25]])
CALIBRATED = torch.tensor([[0.0, 0.25, 0.75], [0.5, 0.25, 0.25]])


def test_logits_decide_and_stand_for_their_softmax() -> None:
    """exp is 1, 2, 1 of 4 and 3, 3, 2 of 8; a tie goes to the first class."""
    answer = Answer(LOGITS, "logits")
    assert answer.decision is LOGITS
    assert answer.kind == "logits"
    assert answer.predicted.tolist() == [1, 0]
    torch.testing.assert_close(answer.probabilities, PROBS.double(), rtol=0, atol=1e-7)
    assert answer.as_logits is LOGITS


def test_calibrated_probabilities_decide_in_place_of_logits() -> None:
    """A calibrator may move the class; what stands behind it gets log p, finite at 0."""
    answer = Answer(LOGITS, "logits").calibrated(CALIBRATED)
    assert answer.kind == "probs"
    assert answer.predicted.tolist() == [2, 0]
    assert torch.equal(answer.probabilities, CALIBRATED.double())
    assert answer.as_logits.isfinite().all()
    assert math.isclose(float(answer.as_logits[0, 2]), math.log(0.75), rel_tol=1e-6)
    assert answer.values is LOGITS


def test_probabilities_go_on_as_their_logarithm() -> None:
    """A classifier that gives probabilities needs no softmax, and its log p are the logits."""
    answer = Answer(PROBS, "probs")
    assert torch.equal(answer.probabilities, PROBS.double())
    torch.testing.assert_close(answer.as_logits.exp(), PROBS)
    assert torch.equal(answer.as_logits, log_of(PROBS))


def test_labels_go_on_as_they_are() -> None:
    """They are neither logits nor probabilities, and nobody takes a logarithm of them."""
    votes = torch.tensor([[0.0, 1.0]])
    answer = Answer(votes, "labels")
    assert answer.kind == "labels"
    assert answer.as_logits is votes
    assert answer.predicted.tolist() == [1]


def test_the_lead_of_the_best_other_class_is_on_what_decides() -> None:
    """Negative where the label wins, 0 at a tie; calibrated probabilities where there are any."""
    labels = torch.tensor([1, 0])
    lead = Answer(PROBS, "probs").lead(labels)
    assert lead.dtype == torch.float64
    assert lead.tolist() == [-0.25, 0.0]
    assert Answer(LOGITS, "logits", CALIBRATED).lead(labels).tolist() == [0.5, -0.25]


def test_some_rows_keep_all_parts() -> None:
    """Values and calibrated probabilities are cut alike."""
    part = Answer(LOGITS, "logits", CALIBRATED).rows(torch.tensor([1]))
    assert torch.equal(part.values, LOGITS[1:])
    assert part.probs is not None
    assert torch.equal(part.probs, CALIBRATED[1:])
    assert Answer(LOGITS, "logits").rows(torch.tensor([0])).probs is None
