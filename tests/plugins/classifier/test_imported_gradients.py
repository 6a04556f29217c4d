"""Gradients of an ONNX file: refused where they are not those of the answer, or not wanted."""

from __future__ import annotations

import sys

import pytest
import torch

import adversity
from adversity.errors import InputError
from adversity_plugins.classifier.imported._onnx_gradients import first_fault, gradient_fault


def brighter(network, images):
    """Return an answer that is wrong by 1e-3."""
    return network(images) + 1e-3


def doubled(network, images):
    """Return the right answer with twice its gradient."""
    answer = network(images)
    return 2 * answer - answer.detach()


def a_part(share):
    """Return a change that keeps the answer, and the gradient of a network's share of it alone."""

    def changed(network, images):
        left = images * (torch.arange(images.shape[3]) < share * images.shape[3])
        return network(left + (images - left).detach())

    return changed


def no_way_back(network, images):
    """Return the right answer, whose way back fails."""
    answer = network(images)
    if answer.requires_grad:
        answer.register_hook(lambda _: 1 / 0)
    return answer


def in_the_dark(change):
    """Return such a change for dark images alone, which the first look at a model has not."""

    def changed(network, images):
        dark = (images.mean((1, 2, 3)) < 0.2)[:, None]
        return torch.where(dark, change(network, images), network(images))

    return changed


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            brighter,
            r"has no gradient \(.*differs by 0.001 from that of onnxrun.*, where .* is allowed",
        ),
        (doubled, r"has no gradient \(.*its gradient in torch is not that of onnxruntime's"),
        (a_part(0.3), r"has no gradient \(.*not that of onnxruntime's.* along 8 directions"),
        (no_way_back, r"has no gradient \(.*the way back through its graph.*ZeroDivisionError"),
        (in_the_dark(a_part(0.3)), "no gradient near your images: .* along 8 directions"),
        (in_the_dark(brighter), "no gradient on your images: .*differs by 0.001 from that of"),
        (in_the_dark(doubled), "no gradient near your images: its gradient in torch is not that"),
    ],
)
def test_gradients_that_do_not_match_are_refused(folder, monkeypatch, change, words):
    """A converter that gets an operator wrong is found at once, or on the first images."""
    from adversity_plugins.classifier.imported import _onnx_gradients

    right = _onnx_gradients.converted

    def wrong(model, device):
        network = right(model, device)
        return lambda images: change(network, images)

    monkeypatch.setattr(_onnx_gradients, "converted", wrong)
    classifier = adversity.create("classifier", "onnx", file="model.onnx")
    images = torch.rand(2, 3, 8, 8) / 8
    pgd = adversity.create("attack", "pgd", norm="linf", eps=0.1, steps=2)
    with pytest.raises(InputError, match=words):
        pgd(adversity.target(classifier), images, classifier(images).argmax(1))


@pytest.mark.parametrize("levels", [255, 64])
def test_a_remnant_of_a_gradient_is_none(levels):
    """A network that rounds its images, with 1e-5 of one that does not, has no gradient."""

    def answer(images, remnant=1e-5):
        images = images * levels
        means = (images.round() + remnant * images)[..., ::2].mean((2, 3)) / levels
        return means - means.roll(1, 1)

    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    fault = first_fault(answer, lambda given: answer(given).detach(), images, 1.0)
    assert "along 8 directions" in str(fault)


def test_images_that_say_nothing_are_no_trial():
    """Where the answer is flat nothing is at fault, and nothing has been tried; elsewhere it has."""

    def answer(images):
        return (images.mean((2, 3)) - 0.5).relu() ** 2

    def tried(images):
        return gradient_fault(answer, lambda given: answer(given).detach(), images, 1.0)

    assert tried(torch.full((2, 3, 16, 16), 0.1)) == (None, False)
    assert tried(torch.full((2, 3, 16, 16), 0.9)) == (None, True)


def test_gradients_false_is_a_black_box(folder, monkeypatch):
    """Who wants to treat a model as a black box says so, is held to it, and needs no converter."""
    monkeypatch.setitem(sys.modules, "onnx2pytorch", None)
    classifier = adversity.create("classifier", "onnx", file="model.onnx", gradients=False)
    images = torch.rand(2, 3, 8, 8)
    pgd = adversity.create("attack", "pgd", norm="linf", eps=0.1, steps=2)
    with pytest.raises(InputError, match=r"`gradients: false` makes it a black box"):
        pgd(adversity.target(classifier), images, classifier(images).argmax(1))
