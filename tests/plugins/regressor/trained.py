"""A network with a mean and a variance, trained in a test."""

from __future__ import annotations

import numpy as np
import torch

from adversity.engine.calls.fit_watch import FitWatch
from adversity.engine.public.in_memory import TensorRows
from adversity_plugins.regressor.mean_variance_cnn import MeanVarianceCNN


def light(count, seed, deviation):
    """Return flat images of brightness x, y = 5 sin(2 pi x) + noise, and what y is but for it."""
    rng = np.random.default_rng(seed)
    x = rng.random(count)
    images = torch.from_numpy(x.astype(np.float32))[:, None, None, None].expand(-1, 1, 8, 8)
    clean, sd = 5 * np.sin(2 * np.pi * x), deviation(x)
    return images.contiguous(), (clean + rng.normal(size=count) * sd)[:, None], clean, sd


def rising(x):
    return 0.2 + 1.8 * x


def rows(images, targets, names=("y",), **more):
    data = TensorRows(None, (), images=images, numbers=targets, target_names=names, **more)
    data.watch = watching()
    return data


def watching(*more):
    return FitWatch({"loss": MeanVarianceCNN.history["loss"]}, "a fit", *more)


def fitted(data, seed=0, **parameters):
    plugin = MeanVarianceCNN(**parameters)
    plugin.setup("cpu")
    data.watch = watching()
    state = plugin.fit(data, np.random.default_rng(seed))
    plugin.load(state)
    return plugin, state


def said(plugin, images):
    with torch.no_grad():
        both = plugin.predict(images)
    return both.mean.numpy(), both.variance.numpy()


def bytes_of(state):
    return {name: array.tobytes() for name, array in state.arrays.items()}


def turned(split, count):
    """Return rotated digits and their angles, without a project around them."""
    import tempfile
    from pathlib import Path

    from adversity_plugins.dataset.rotated_digits import RotatedDigits

    with tempfile.TemporaryDirectory() as folder:
        data = RotatedDigits(split=split, limit=count)
        data.materialise(Path(folder))
        data.open(Path(folder))
        items = [data.item(at) for at in range(count)]
    images = torch.from_numpy(np.stack([item.image for item in items]))[:, None]
    return images, np.array([[item.target] for item in items])
