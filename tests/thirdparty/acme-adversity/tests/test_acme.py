"""What outside authors test of their plugins."""

import math

import torch
from acme_adversity.collision_entropy import CollisionEntropy
from acme_adversity.ni_fgsm import NIFGSM
from acme_adversity.vignetting import CosineVignetting

from adversity import Predictive, SampleRng

RNG = SampleRng(seed=0, step="test", ids=["a", "b"])


class Linear:
    """A victim of which the worst linf perturbation is known: eps times the weight's sign."""

    classes = 2
    weight = torch.tensor([1.0, -2.0, 3.0, -4.0]).reshape(1, 1, 2, 2)

    def logits(self, images):
        score = (images * self.weight).sum(dim=(1, 2, 3))
        return torch.stack([score, -score], dim=1)

    def rows(self, index):
        return self


def test_the_corner_gets_cosine_to_the_fourth_of_the_light():
    """At 60 degrees cos = 1/2, so the corner gets 1/16 and the centre everything."""
    bright = torch.ones(2, 3, 5, 7)
    dark = CosineVignetting(half_angle_deg=60).degrade(bright, RNG)
    # float32 holds 1/16 exactly; the tangent of 60 degrees is rounded once in float64.
    assert math.isclose(float(dark[0, 0, 0, 0]), 1 / 16, rel_tol=1e-6)
    assert float(dark[0, 0, 2, 3]) == 1.0


def test_a_linear_victim_gets_the_worst_perturbation():
    """On a linear score the optimum is x - eps sign(w) for label 0."""
    images = torch.full((2, 1, 2, 2), 0.5)
    labels = torch.zeros(2, dtype=torch.int64)
    adversarial = NIFGSM(eps=0.125, steps=4).perturb(Linear(), images, labels, RNG)
    # Every step is a power of two, so the sums are exact.
    assert torch.equal(adversarial, images - 0.125 * Linear.weight.sign())


def test_the_entropy_of_k_equal_classes_is_log_k():
    """It is log 4 for four equal classes and 0 for a certain answer."""
    probs = torch.tensor([[0.25] * 4, [1.0, 0.0, 0.0, 0.0]])
    scores = CollisionEntropy().score(Predictive(probs=probs))
    # One logarithm in float32: relative rounding of about 1e-7.
    assert torch.allclose(scores, torch.tensor([math.log(4), 0.0]), rtol=1e-6)
