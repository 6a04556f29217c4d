"""Small labelled streams and photos for the classifiers' tests."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from adversity.contracts import Block
from adversity.contracts.project_files import bind_files
from adversity.data.reading import Source
from adversity.engine.calls.fit_watch import FitWatch
from adversity.pipeline.plan.recorded import history_of
from adversity_plugins.classifier.imported.exported_program import ExportedProgram
from adversity_plugins.classifier.imported.onnx import Onnx
from adversity_plugins.classifier.imported.torchscript import TorchScript
from adversity_plugins.classifier.network._torchvision_network import build
from adversity_plugins.classifier.network.small_cnn import SmallCNN
from adversity_plugins.classifier.network.torchvision import Torchvision
from adversity_plugins.dataset.digits import Digits
from adversity_plugins.dataset.imagenet_samples import ImageNetSamples


class Stream:
    """A fitting stream of given images and targets, in blocks of 16."""

    def __init__(self, images, targets, class_names, validate=None):
        self.images, self.targets, self.class_names = images, targets, tuple(class_names)
        self.sources = {"train": self} | ({} if validate is None else {"validate": validate})

    @property
    def watch(self):
        """A new one for each fit."""
        return FitWatch(history_of(SmallCNN, self.sources), "a test")

    def __len__(self):
        return len(self.targets)

    def __iter__(self):
        for i in range(0, len(self), 16):
            rows = slice(i, i + 16)
            ids = tuple(str(j) for j in range(len(self)))[rows]
            targets = None if self.targets is None else self.targets[rows]
            yield Block(ids=ids, targets=targets, images=self.images[rows])


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    """Return a function from split and limit to a stream of digits."""
    folder = tmp_path_factory.mktemp("digits")
    Digits().materialise(folder)

    def stream(split, limit=None):
        data = Digits(split=split, limit=limit)
        data.open(folder)
        source = Source(data)
        images = source.images(range(len(source)))
        return Stream(images, torch.from_numpy(source.targets), source.class_names)

    return stream


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """The twenty ImageNet photos, prepared 256 / 224."""
    folder = tmp_path_factory.mktemp("photos")
    ImageNetSamples().materialise(folder)
    data = ImageNetSamples()
    data.open(folder)
    source = Source(data, {"resize_short": 256, "centre_crop": 224})
    images = source.images(range(20))
    return Stream(images, torch.from_numpy(source.targets), source.class_names)


@pytest.fixture
def stream_of():
    """Return the class of streams, to make others."""
    return Stream


@pytest.fixture
def noise():
    """Return a function from a shape to fixed uniform noise."""

    def make(*shape):
        values = np.random.default_rng(0).random(shape, dtype=np.float32)
        return torch.from_numpy(values)

    return make


SMALL = "squeezenet1_1"
"""The torchvision architecture with the fewest weights: 0.7 million with three classes."""


@pytest.fixture(scope="session")
def small():
    """The name of the torchvision architecture with the fewest weights."""
    return SMALL


@pytest.fixture
def ready():
    """Return a function that makes a torchvision classifier and sets it up."""

    def make(root=None, **parameters):
        classifier = Torchvision(**({"architecture": SMALL, "crop": 64} | parameters))
        if root is not None:
            bind_files(classifier, root)
        classifier.setup("cpu")
        return classifier

    return make


@pytest.fixture(scope="session")
def network():
    """A network of three classes whose state dict the tests store and load."""
    state = torch.get_rng_state()
    torch.manual_seed(0)
    made = build(SMALL, classes=3, side=64).eval()
    torch.set_rng_state(state)
    return made


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A project with a small model in each format."""
    for cls in (Onnx, TorchScript, ExportedProgram):
        cls.write_example_files(tmp_path)
    torch.save({"weight": torch.ones(2)}, tmp_path / "state.pt")
    monkeypatch.chdir(tmp_path)
    return tmp_path
