"""From Python: create, call, fit, attack, with one clear message for what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from PIL import Image

import adversity
from adversity.errors import (
    DataError,
    InputError,
    NotFittedError,
    ParameterError,
    UnknownPluginError,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_unknown_plugin_suggests_the_nearest() -> None:
    """A slip in a name is answered with the name that was meant."""
    with pytest.raises(UnknownPluginError, match="gaussian_noise"):
        adversity.create("degradation", "gausian_noise", severity=1)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"severity": 9}, "severity.*less than or equal to 5, got 9"),
        ({"severity": 1, "sigma": 0.1}, "severity excludes sigma"),
        ({"sigmaa": 0.1}, "sigmaa"),
        ({}, "give severity"),
    ],
)
def test_wrong_parameters_are_named(parameters: dict[str, Any], message: str) -> None:
    """Plugin, distribution, parameter and value stand in the message."""
    with pytest.raises(ParameterError, match=message) as caught:
        adversity.create("degradation", "gaussian_noise", **parameters)
    assert "adversity" in str(caught.value)


def test_noise_is_keyed_by_id_and_seed(images: torch.Tensor) -> None:
    """The same id and seed give the same noise wherever the sample stands."""
    noise = adversity.create("degradation", "gaussian_noise", severity=2)
    both = noise(images[:2], ids=["a", "b"], seed=4)
    assert torch.equal(noise(images[1:2], ids=["b"], seed=4)[0], both[1])
    assert not torch.equal(noise(images[1:2], ids=["b"], seed=5)[0], both[1])


def test_side_information_reaches_a_restoration(images: torch.Tensor) -> None:
    """`.side` of the degradation fills the restoration's needs; unknown needs are refused."""
    noise = adversity.create("degradation", "gaussian_noise", severity=1)
    denoise = adversity.create("restoration", "non_local_means")
    worse = noise(images)
    assert denoise(worse, **noise.side).shape == images.shape
    with pytest.raises(ParameterError, match=r"expected \['sigma'\], got \['kernel'\]"):
        denoise(worse, kernel=torch.ones(21))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (torch.zeros(2, 3, 8, 8, dtype=torch.uint8), "expected float32"),
        (torch.full((2, 3, 8, 8), 2.0), r"\[0, 1\]"),
        (torch.zeros(3, 8, 8), r"\[N, C, H, W\]"),
    ],
)
def test_wrong_images_are_refused(given: torch.Tensor, message: str) -> None:
    """Images of another type, range or shape are never scaled or clamped silently."""
    with pytest.raises(DataError, match=message):
        adversity.create("restoration", "gamma_correction", gamma=0.5)(given)


def test_calibration_is_fitted_on_held_out_logits() -> None:
    """Unfitted refuses; fitted at twice the scale it finds a temperature near two.

    400 rows: the maximum-likelihood temperature has a standard error of about 0.15.
    """
    generator = torch.Generator().manual_seed(0)
    true = 2 * torch.randn(400, 5, generator=generator)
    labels = torch.multinomial(true.softmax(1), 1, generator=generator).squeeze(1)
    scaler = adversity.create("uncertainty", "temperature_scaling")
    with pytest.raises(NotFittedError, match="fit"):
        scaler(2 * true)
    fitted = scaler.fit(2 * true, labels)
    assert torch.allclose(fitted(2 * true), true.softmax(1), atol=0.12)
    with pytest.raises(NotFittedError):
        scaler(true)


def test_a_network_is_trained_and_attacked_from_python() -> None:
    """small_cnn learns two kinds of stripes; PGD through a restoration fools what FGSM cannot."""
    generator = torch.Generator().manual_seed(1)
    wave = 0.5 + 0.2 * torch.sin(torch.arange(16.0)).expand(60, 1, 16, 16)
    labels = torch.arange(60) % 2
    images = torch.where(labels[:, None, None, None] == 1, wave, wave.transpose(2, 3))
    images = (images + 0.02 * torch.randn(images.shape, generator=generator)).clamp(0, 1)
    model = adversity.create("classifier", "small_cnn", epochs=6, width=4)
    with pytest.raises(NotFittedError):
        model(images)
    net = model.fit(images, labels, class_names=["lying", "standing"])
    assert net.class_names == ("lying", "standing")
    assert float((net(images).argmax(1) == labels).float().mean()) > 0.95
    # Other images of the same stripes: those that fitted the network are refused.
    images = (images + 0.01 * torch.randn(images.shape, generator=generator)).clamp(0, 1)
    victim = adversity.target(adversity.create("restoration", "gamma_correction", gamma=0.5), net)
    # The victim answers through the restoration: what it says there is the truth of this test.
    truth = victim.bind([str(i) for i in range(60)]).answer(images).predicted
    result = adversity.create("attack", "pgd", eps="60/255", steps=10)(victim, images, truth)
    assert float(result.success.float().mean()) > 0.9


def test_attack_needs_a_victim(images: torch.Tensor) -> None:
    """A bare network is answered with the call that wraps it."""
    attack = adversity.create("attack", "fgsm", eps="8/255")
    with pytest.raises(InputError, match=r"adversity\.target"):
        attack(torch.nn.Flatten(), images, torch.zeros(21, dtype=torch.int64))
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(108, 3))
    with pytest.raises(DataError, match=r"labels in 0 \.\. 2"):
        attack(adversity.target(net), images, torch.full((21,), 7))
    with pytest.raises(DataError, match="different ids"):
        attack(adversity.target(net), images, torch.zeros(21, dtype=torch.int64), ids=["a"] * 21)


def test_a_classifier_of_one_class_is_refused_whether_it_learns_or_brings_it() -> None:
    """It would be right whatever it sees: accuracy 1, and no attack could ever succeed."""
    images = torch.rand(4, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    learner = adversity.create("classifier", "nearest_neighbours")
    with pytest.raises(DataError, match=r"two classes or more to learn from, got 'cat' alone.*Add"):
        learner.fit(images, [0, 0, 0, 0], class_names=["cat"])
    given = {"architecture": "squeezenet1_1", "weights": "none", "crop": 64}
    with pytest.raises(InputError, match=r"two classes or more, got 'cat' alone.*Name every class"):
        adversity.create("classifier", "torchvision", classes=["cat"], **given)


def test_a_folder_of_one_class_teaches_no_classifier(tmp_path: Path) -> None:
    """In a pipeline, too, the message says what is missing and names the class."""
    for number, name in enumerate(("train", "test")):
        (tmp_path / f"data/{name}/cat").mkdir(parents=True)
        for grey in (40, 90, 160):
            Image.new("L", (4, 4), grey + number).save(tmp_path / f"data/{name}/cat/{grey}.png")
    (tmp_path / "p.yaml").write_text(
        "name: p\ndata:\n"
        "  train: {uses: dataset/folder, with: {path: data/train}}\n"
        "  test: {uses: dataset/folder, with: {path: data/test}}\n"
        "steps:\n"
        "  net: {uses: classifier/nearest_neighbours, fit_on: train}\n"
        "  clean: {uses: net, from: test}\n"
    )
    with pytest.raises(DataError, match="two classes or more to learn from, got 'cat' alone"):
        adversity.run(tmp_path / "p.yaml", into=tmp_path / "out", root=tmp_path)


def test_several_sources_are_given_by_name(images: torch.Tensor) -> None:
    """Each with the arguments of `fit`; what is wrong is said with the source's name."""
    net = adversity.create("classifier", "small_cnn", epochs=1, width=2)
    labels = [k % 2 for k in range(len(images))]
    held = {"images": images.flip(3), "labels": labels}
    fitted = net.fit(images, labels, sources={"validate": held})
    facts = fitted.ready.plugin.describe()
    right = (fitted(images.flip(3)).argmax(1) == torch.tensor(labels)).double().mean()
    assert facts["validation_accuracy"] == float(right)
    alone = net.fit(images, labels)
    assert torch.equal(alone(images), fitted(images))
    assert "validation_accuracy" not in alone.ready.plugin.describe()
    assert fitted.ready.seen > alone.ready.seen
    with pytest.raises(InputError, match="there is no source validat; did you mean validate"):
        net.fit(images, labels, sources={"validat": held})
    with pytest.raises(DataError, match="source validate: expected labels"):
        net.fit(images, labels, sources={"validate": {"images": images, "labels": [0]}})
    with pytest.raises(InputError, match="source validate: expected a mapping of what `fit` takes"):
        net.fit(images, labels, sources={"validate": {"image": images}})
