"""Gradients of an ONNX file: refused where they are not those of the answer, or not wanted."""

from __future__ import annotations

import sys

import pytest
import torch

import adversity
from adversity.errors import InputError


def brighter(network, images):
    """Return an answer that is wrong by 1e-3."""
    return network(images) + 1e-3


def doubled(network, images):
    """Return the right answer with twice its gradient."""
    answer = network(images)
    return 2 * answer - answer.detach()


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


def test_gradients_false_is_a_black_box(folder, monkeypatch):
    """Who wants to treat a model as a black box says so, is held to it, and needs no converter."""
    monkeypatch.setitem(sys.modules, "onnx2pytorch", None)
    classifier = adversity.create("classifier", "onnx", file="model.onnx", gradients=False)
    images = torch.rand(2, 3, 8, 8)
    pgd = adversity.create("attack", "pgd", norm="linf", eps=0.1, steps=2)
    with pytest.raises(InputError, match=r"`gradients: false` makes it a black box"):
        pgd(adversity.target(classifier), images, classifier(images).argmax(1))
