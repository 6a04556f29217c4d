"""Torchvision's networks: names, parameters, random weights, and what is done to the images."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from pydantic import ValidationError

from adversity_plugins.classifier.network._torchvision_network import architectures, build
from adversity_plugins.classifier.network.torchvision import Torchvision


def test_every_classification_architecture_is_known():
    """The names read from the sources are those that torchvision lists, 80 and more."""
    import torchvision.models

    assert set(architectures()) == set(torchvision.models.list_models(module=torchvision.models))
    assert len(architectures()) >= 80


def test_naming_an_architecture_does_not_import_torchvision():
    """A pipeline with a wrong architecture is refused at once, without importing torch."""
    code = (
        "import sys; from adversity_plugins.classifier.network.torchvision import Torchvision\n"
        "try: Torchvision(architecture='resnet5O')\n"
        "except ValueError as error: print(error)\n"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "did you mean resnet50" in done.stdout


def test_random_weights_depend_on_the_seed_alone(noise, ready):
    """`weights: none` is the same network for the same seed, and leaves global state as found."""
    before = torch.get_rng_state()
    first, again, other = (
        ready(weights="none", classes=("a", "b"), seed=seed) for seed in (1, 1, 2)
    )
    assert torch.equal(torch.get_rng_state(), before)
    images = noise(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(first.logits(images), again.logits(images))
        assert not torch.equal(first.logits(images), other.logits(images))


def test_features_lead_to_the_logits(noise, ready):
    """On a ResNet the last layer on the features gives the logits; no hook stays behind."""
    classifier = ready(architecture="resnet18", weights="none", classes=("a", "b"), crop=32)
    images = noise(2, 3, 32, 32)
    with torch.no_grad():
        features = classifier.features(images)
        assert torch.equal(classifier.head(features), classifier.logits(images))
    assert not classifier._network.fc._forward_pre_hooks


def test_resize_and_crop_follow_torchvision(noise, ready):
    """Other sizes go through the shorter-side resize and centre crop of torchvision's transforms."""
    from torchvision.transforms import v2

    classifier = ready(weights="none", classes=("a", "b"), resize=50, crop=40)
    transform = v2.Compose([v2.Resize(50, antialias=True), v2.CenterCrop(40)])
    with torch.no_grad():
        for size in ((61, 97), (97, 61), (45, 45), (40, 52)):
            images = noise(1, 3, *size)
            wanted = transform(images)
            assert torch.equal(classifier.logits(images), classifier.logits(wanted)), size
        exact = noise(1, 3, 40, 40)
        normal = (exact - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor(
            [0.229, 0.224, 0.225]
        ).view(3, 1, 1)
        assert torch.equal(classifier.logits(exact), classifier._network(normal))


@pytest.mark.parametrize("architecture", ["googlenet", "inception_v3", "vit_b_16", "densenet121"])
@pytest.mark.slow
def test_architectures_with_peculiar_needs(tmp_path, noise, architecture, ready):
    """Auxiliary heads, image sizes and old names are handled: a stored network comes back."""
    side = 96 if architecture == "inception_v3" else 64
    made = build(architecture, classes=4, side=side).eval()
    state = made.state_dict()
    if architecture == "densenet121":  # names as in the files that torchvision publishes
        state = {
            k.replace(".norm1.", ".norm.1.").replace(".conv2.", ".conv.2."): v
            for k, v in state.items()
        }
    torch.save(state, tmp_path / "w.pth")
    classifier = ready(
        tmp_path, file="w.pth", architecture=architecture, crop=side, mean=(0, 0, 0), std=(1, 1, 1)
    )
    images = noise(1, 3, side, side)
    with torch.no_grad():
        assert torch.equal(classifier.logits(images), made(images))
        features = classifier.features(images)
        assert features.ndim == 2
        # Sums of 1 000 terms in float32, perhaps in another order.
        torch.testing.assert_close(classifier.head(features), made(images), rtol=1e-5, atol=1e-5)


def test_a_last_layer_that_is_no_linear_one_has_no_head(noise, ready):
    """SqueezeNet's answers are means over positions of a convolution: its features say less."""
    classifier = ready(architecture="squeezenet1_1", weights="none", classes=("a", "b"), crop=64)
    with torch.no_grad():
        features = classifier.features(noise(1, 3, 64, 64))
        assert features.shape == (1, 512)
        assert classifier.head(features) is None


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"architecture": "efficientnet_b9"}, "did you mean efficientnet_b"),
        ({"file": "../w.pth"}, "inside the project"),
        ({"file": "/w.pth"}, "inside the project"),
        ({"classes_file": "C:\\w.txt"}, "inside the project"),
        ({"file": "w.pth", "weights": "default"}, "weights and file exclude each other"),
        ({"url": "https://x.org/w.pth"}, "url needs sha256"),
        ({"url": "file:///etc/passwd", "sha256": "0" * 64}, "must start with https"),
        ({"classes": ("a",), "classes_file": "x.txt"}, "exclude each other"),
        ({"std": (0, 1, 1)}, "std must be positive"),
        ({"sha256": "abc"}, "pattern"),
        ({"weights": "default", "channel_order": "bgr"}, "expected rgb, which torchvision's"),
        ({"pixel_range": "0..255"}, "got 0..255; leave it out, or give the `file` or `url`"),
    ],
)
def test_wrong_parameters(parameters, words, small):
    """Each wrong or contradicting parameter is refused before anything is loaded."""
    with pytest.raises(ValidationError, match=words):
        Torchvision(**({"architecture": small} | parameters))
