"""Logits and probabilities of a user's own model: which it gives, and how far they are rounded."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import adversity
from adversity.errors import InputError
from adversity_plugins.classifier.imported._answers import logits_fault, normalised, probs_fault


class Ending(torch.nn.Module):
    """Logits of an image from its means, through an end that is computed in a type of its own."""

    def __init__(self, kind, end, classes=40):
        super().__init__()
        draws = np.random.default_rng(0).standard_normal((3, classes))
        self.register_buffer("weights", torch.from_numpy(draws).float())
        self.kind, self.end = kind, end

    def forward(self, images):
        """Return `[N, K]` in the type."""
        logits = (images.mean((2, 3)) @ self.weights).to(self.kind)
        return logits.softmax(1) if self.end == "softmax" else logits.sigmoid()


@pytest.fixture
def made(folder):
    """Return a function that makes a classifier with such an end."""

    def make(kind, end, **given):
        shapes = ({0: torch.export.Dim("n"), 2: torch.export.Dim("h"), 3: torch.export.Dim("w")},)
        example = (torch.zeros(2, 3, 8, 9),)
        program = torch.export.export(Ending(kind, end), example, dynamic_shapes=shapes)
        torch.export.save(program, folder / "ending.pt2")
        given |= {"file": "ending.pt2", "trusted": True}
        return adversity.create("classifier", "exported_program", **given)

    return make


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_probabilities_of_16_bits_are_divided_by_their_sum(made, kind):
    """Rounded they sum to 1 within 2**-10 or 2**-7: they are no logits, and sum to 1 at the end."""
    with pytest.raises(InputError, match=r"not negative and sum to 1; write `answers: probab"):
        made(kind, "softmax")
    with pytest.raises(InputError, match=r"not negative and sum to 1; write `answers: probab"):
        made(kind, "softmax", answers="logits")
    images = torch.from_numpy(np.random.default_rng(1).random((50, 3, 8, 8), dtype=np.float32))
    short = Ending(kind, "softmax")(images)
    assert float((short.double().sum(1) - 1).abs().max()) > 1e-4
    classifier = made(kind, "softmax", answers="probabilities")
    answer = classifier(images).double()
    assert float((answer.sum(1) - 1).abs().max()) < 1e-6
    assert torch.allclose(answer, short.double() / short.double().sum(1, keepdim=True), atol=1e-7)
    said = classifier.ready.plugin.describe()["answers"]
    assert said == "probabilities, of 16 bits: divided by their sum"


def test_probabilities_of_32_bits_stay_as_they_are(made):
    """To the bit, and the description says no more."""
    images = torch.rand(5, 3, 8, 8)
    classifier = made(torch.float32, "softmax", answers="probabilities")
    assert torch.equal(classifier(images), Ending(torch.float32, "softmax")(images))
    assert classifier.ready.plugin.describe()["answers"] == "probabilities"


def test_a_sigmoid_for_each_class_gives_no_logits(made):
    """It is refused unless users say that they are logits; probabilities they are not, either."""
    with pytest.raises(
        InputError, match=r"expected logits, got .* as of a sigmoid.*if it has none"
    ):
        made(torch.float32, "sigmoid")
    with pytest.raises(InputError, match=r"in row 0 of 2, which sums to .*a sigmoid for each"):
        made(torch.float32, "sigmoid", answers="probabilities")
    assert made(torch.float32, "sigmoid", answers="logits")(torch.rand(2, 3, 8, 8)).shape == (2, 40)


def test_the_row_at_fault_is_named():
    """With its values and sum, and the advice is that of its values."""
    right = torch.tensor([[0.25, 0.75], [0.1, 0.9]])
    assert probs_fault(right) is None
    faults = {
        "-1 to 0.9 in row 1 of 2, which sums to -0.1; write `answers: logits`": [-1.0, 0.9],
        "in row 1 of 2, which sums to 1.01; export it with a softmax in float32": [0.11, 0.9],
        "in row 1 of 2, which sums to 1.7; a sigmoid for each class": [0.8, 0.9],
    }
    for words, row in faults.items():
        assert words in str(probs_fault(torch.tensor([[0.25, 0.75], row])))


def test_logits_are_beyond_0_to_1_somewhere():
    """One value that is, is enough; a sum of 1 is not."""
    assert logits_fault(torch.tensor([[0.5, 0.5], [-0.01, 1.01]]), said=False) is None
    assert logits_fault(torch.tensor([[0.5, 0.5], [0.3, 0.71]]), said=True) is not None


def test_the_gradient_of_a_division_is_there():
    """Of p / sum(p) for the first of two: 0.5 / 1.001**2 and -0.501 / 1.001**2, about."""
    values = torch.tensor([[0.5009765625, 0.5]], requires_grad=True)
    normalised(values)[0, 0].backward()
    total = 1.0009765625**2
    expected = torch.tensor([[0.5 / total, -0.5009765625 / total]])
    assert torch.allclose(values.grad, expected, atol=1e-7)
