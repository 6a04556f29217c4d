"""Detectors on features of which all is known: as pytorch-ood, and told from what is alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from adversity import Block, State
from adversity.errors import DataError, NotFittedError
from adversity.metrics import auroc
from adversity_plugins.uncertainty.detector.ash import ASH
from adversity_plugins.uncertainty.detector.gradnorm import GradNorm
from adversity_plugins.uncertainty.detector.knn import KNN
from adversity_plugins.uncertainty.detector.mahalanobis import Mahalanobis
from adversity_plugins.uncertainty.detector.react import ReAct
from adversity_plugins.uncertainty.detector.relative_mahalanobis import RelativeMahalanobis
from adversity_plugins.uncertainty.detector.vim import ViM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

Array = np.ndarray[Any, Any]
CLASSES, WIDTH = 4, 12


def planted(count: int, seed: int, *, known: bool = True) -> tuple[Array, Array]:
    """Draw features `[N, 12]`, not negative, of which three stand for each class; and classes."""
    rng = np.random.default_rng(seed)
    features = np.abs(rng.normal(0.5, 0.3, (count, WIDTH)))
    targets = np.arange(count) % CLASSES
    if known:
        for part in range(3):
            features[np.arange(count), 3 * targets + part] += 2.0
    return features.astype(np.float32).astype(np.float64), targets


def layer() -> tuple[Array, Array]:
    """Draw weights `[12, 4]` and a bias `[4]`: each class goes by its three features."""
    rng = np.random.default_rng(99)
    weight = 0.2 * rng.normal(size=(WIDTH, CLASSES))
    for k in range(CLASSES):
        weight[3 * k : 3 * k + 3, k] += 1.0
    bias = rng.normal(size=CLASSES)
    return weight.astype(np.float32).astype(np.float64), bias.astype(np.float32).astype(np.float64)


def head(features: Tensor) -> Tensor:
    """Return the logits of features in float64."""
    weight, bias = (torch.from_numpy(each) for each in layer())
    return features.double() @ weight + bias


class Stream:
    """Features, logits and labels in blocks of 37 rows."""

    def __init__(self, features: Array, targets: Array, logits: Any = None) -> None:
        self.features, self.targets = torch.from_numpy(features), torch.from_numpy(targets)
        self.logits = head(self.features) if logits is None else torch.as_tensor(logits)
        self.class_names = tuple(f"class_{k}" for k in range(CLASSES))

    def __len__(self) -> int:
        return len(self.features)

    def __iter__(self) -> Iterator[Block]:
        for start in range(0, len(self), 37):
            cut = slice(start, start + 37)
            features = self.features[cut]
            ids = tuple(map(str, range(len(features))))
            logits = self.logits[cut]
            yield Block(
                ids,
                targets=self.targets[cut],
                features=features,
                logits=logits,
                probs=logits.double().softmax(1),
            )


def ready(plugin: Any, stream: Stream | None = None) -> Any:
    """Fit where it must be, load, and give it the head where it needs it."""
    if hasattr(plugin, "fit"):
        given = stream or Stream(*planted(400, 0))
        plugin.load(plugin.fit(given, np.random.default_rng(0)))
    if plugin.needs_head:
        plugin.take_head(head)
    return plugin


def scores(plugin: Any, features: Array) -> Array:
    """Score features and the logits that the layer makes of them."""
    rows = torch.from_numpy(features)
    found: Array = plugin.score(rows, head(rows)).numpy()
    return found


def asked() -> Array:
    """Return three rows of the classes, and three strange ones."""
    strange, _ = planted(3, 2, known=False)
    return np.concatenate([planted(3, 1)[0], strange])


PEER = {
    "relative_mahalanobis": (
        RelativeMahalanobis(),
        [
            -0.00653745515322,
            -0.00126494508263,
            0.00814933914492,
            0.230756942268,
            0.26780979964,
            0.244717336433,
        ],
    ),
    "knn": (
        KNN(k=5),
        [
            0.140812243502,
            0.154651918592,
            0.204159200118,
            0.579464311267,
            0.584798377096,
            0.624723089219,
        ],
    ),
    "vim 3": (
        ViM(dim=3),
        [
            4.99616098404,
            3.70859098434,
            -4.11215686798,
            0.120763540268,
            -0.844046354294,
            1.51525020599,
        ],
    ),
    "vim 6": (
        ViM(dim=6),
        [
            -2.74556493759,
            -2.73879623413,
            1.61973285675,
            4.42799901962,
            3.14725637436,
            4.55349636078,
        ],
    ),
    "ash s": (
        ASH(variant="s"),
        [
            -28.5392560945,
            -31.7310378055,
            -36.0038600828,
            -13.9766141117,
            -11.0578406307,
            -11.1712948637,
        ],
    ),
    "ash b": (
        ASH(variant="b"),
        [
            -8.18874210778,
            -9.47132120122,
            -11.180622455,
            -3.78579803401,
            -3.34120961913,
            -4.06194860926,
        ],
    ),
    "ash p": (
        ASH(variant="p"),
        [
            -7.19797474931,
            -7.49376604985,
            -8.68712996371,
            -2.49304088992,
            -2.31110420985,
            -2.89093145508,
        ],
    ),
    "gradnorm 1": (
        GradNorm(),
        [
            -18.5858716156,
            -17.7142842121,
            -18.4880127773,
            -1.00039630986,
            -1.18048625041,
            -2.55510948535,
        ],
    ),
    "gradnorm 2": (
        GradNorm(temperature=2.0),
        [
            -6.78245233088,
            -7.15342060063,
            -7.76074906186,
            -0.251220235214,
            -0.298563788487,
            -0.876497883326,
        ],
    ),
}
"""What pytorch-ood 0.4.0 gives for these features (seed 0 to fit on, `asked` to score), float64, but
for ViM, which it computes in float32. Its covariances are sums and not means, so that its RMD is
ours over the 400 rows; it adds 1e-6 to their diagonals."""
TOLERANCE = {"vim": 1e-4, "relative_mahalanobis": 1e-6, "ash": 1e-5}
"""As a share of the largest score: float32 of ViM, the peer's ridge, the head's float32 input."""


@pytest.mark.parametrize("name", PEER)
def test_as_pytorch_ood(name: str) -> None:
    """On the same features, fitted on the same rows."""
    plugin, expected = PEER[name]
    found = scores(ready(plugin), asked())
    found = found / 400 if name == "relative_mahalanobis" else found
    share = TOLERANCE.get(name.split()[0], 1e-9)
    np.testing.assert_allclose(found, expected, rtol=0, atol=share * np.abs(expected).max())


ALL = [
    ASH(variant="s"),
    ASH(variant="b"),
    ASH(variant="p"),
    GradNorm(),
    KNN(k=5),
    Mahalanobis(),
    ReAct(),
    RelativeMahalanobis(),
    ViM(dim=CLASSES),
]


@pytest.mark.parametrize("plugin", ALL, ids=lambda plugin: repr(plugin)[:40])
def test_what_is_far_is_told_and_what_is_alike_is_not(plugin: Any) -> None:
    """AUROC above .95 on Gaussians apart, .5 within .03 on the same: 5 000 rows are 5 sigma."""
    plugin = ready(plugin)
    known, alike = (scores(plugin, planted(5000, seed)[0]) for seed in (3, 4))
    far = scores(plugin, planted(5000, 5, known=False)[0])
    assert auroc(known, far).value > 0.95
    assert abs(auroc(known, alike).value - 0.5) < 0.03


def test_wrong_variants_fail() -> None:
    """The norm without its sign, and the distance to a neighbour that is always itself."""
    plugin = ready(GradNorm())
    known, far = (planted(5000, 3 + n, known=not n)[0] for n in range(2))
    assert auroc(-scores(plugin, known), -scores(plugin, far)).value < 0.95
    itself = [
        scores(ready(KNN(k=1), Stream(*given)), given[0][:500])
        for given in (planted(500, 3), planted(500, 4, known=False))
    ]
    assert auroc(*itself).value < 0.95


def test_gradnorm_is_the_norm_of_the_gradient() -> None:
    """By autograd of the divergence from uniform, by the weights of the layer, row by row."""
    weight, bias = (torch.from_numpy(each) for each in layer())
    weight.requires_grad_()
    for temperature in (0.5, 1.0, 3.0):
        found = scores(GradNorm(temperature=temperature), asked())
        for row, score in zip(torch.from_numpy(asked()), found, strict=True):
            logs = ((row @ weight + bias) / temperature).log_softmax(0)
            (gradient,) = torch.autograd.grad(-logs.mean(), weight)
            assert -gradient.abs().sum().item() == pytest.approx(score, rel=1e-12)


@pytest.mark.parametrize("plugin", [KNN(k=5), RelativeMahalanobis(), ViM()])
def test_what_is_missing_is_named(plugin: Any) -> None:
    """Not fitted, other features, no state, no rows, no features."""
    plugin, empty = type(plugin)(**plugin.model_dump(include={"k"})), np.zeros((0, WIDTH))
    with pytest.raises(NotFittedError, match=f"{plugin.name} expects fitted"):
        plugin.score(torch.ones(1, 3), torch.ones(1, 2))
    with pytest.raises(DataError, match=f"{plugin.name} expects (a )?stored|features .* stored"):
        plugin.load(State())
    with pytest.raises(DataError, match="rows to fit on"):
        plugin.fit(Stream(empty, np.zeros(0, np.int64)), np.random.default_rng(0))
    without: Any = [Block(("a",), targets=torch.zeros(1).long(), logits=torch.zeros(1, 2))]
    with pytest.raises(DataError, match=r"expect(s|ed) features"):
        plugin.fit(_Named(without), np.random.default_rng(0))
    with pytest.raises(DataError, match=f"{plugin.name} was fitted on 12 features, got 5: fit it"):
        ready(plugin).score(torch.ones(2, 5), torch.ones(2, CLASSES))


class _Named(list):  # type: ignore[type-arg]
    class_names = ("a", "b")
