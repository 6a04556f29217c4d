"""Detectors on features of which all is known: as pytorch-ood, and told from what is alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from planted_features import CLASSES, WIDTH, Stream, asked, layer, planted, ready, scores

from adversity import Block, State
from adversity.errors import DataError, NotFittedError
from adversity.metrics import auroc
from adversity_plugins.uncertainty.detector.ash import ASH
from adversity_plugins.uncertainty.detector.dice import DICE
from adversity_plugins.uncertainty.detector.fdbd import FDBD
from adversity_plugins.uncertainty.detector.gradnorm import GradNorm
from adversity_plugins.uncertainty.detector.knn import KNN
from adversity_plugins.uncertainty.detector.mahalanobis import Mahalanobis
from adversity_plugins.uncertainty.detector.nnguide import NNGuide
from adversity_plugins.uncertainty.detector.react import ReAct
from adversity_plugins.uncertainty.detector.relative_mahalanobis import RelativeMahalanobis
from adversity_plugins.uncertainty.detector.scale import Scale
from adversity_plugins.uncertainty.detector.she import SHE
from adversity_plugins.uncertainty.detector.vim import ViM

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
    "she": (
        SHE(),
        [
            -22.3330893104,
            -21.2042533227,
            -21.7256764981,
            -6.82766017005,
            -6.69770044899,
            -7.34762594222,
        ],
    ),
    "nnguide 1": (
        NNGuide(k=1),
        [
            -57.1050643921,
            -67.0968399048,
            -84.2263946533,
            -24.2921981812,
            -26.9803180695,
            -26.523065567,
        ],
    ),
    "nnguide 5": (
        NNGuide(k=5),
        [
            -54.5756988525,
            -65.5981750488,
            -81.7927932739,
            -23.5965270996,
            -26.345079422,
            -26.2018413544,
        ],
    ),
    "dice": (
        DICE(share=0.5),
        [
            -7.46246671677,
            -8.06065177917,
            -8.69512653351,
            -3.48205471039,
            -3.35613489151,
            -3.58963775635,
        ],
    ),
    "scale": (
        Scale(share=0.65),
        [
            -28.423528634,
            -33.3004751455,
            -36.1822826056,
            -17.0185644616,
            -24.6002476378,
            -16.4895651423,
        ],
    ),
}
"""What pytorch-ood 0.4.0 gives for these features (seed 0 to fit on, `asked` to score), float64, but
for ViM, NNGuide and DICE, which it computes in float32. Its covariances are sums and not means, so that its RMD is
ours over the 400 rows; it adds 1e-6 to their diagonals."""
TOLERANCE = {
    "vim": 1e-4,
    "relative_mahalanobis": 1e-6,
    "ash": 1e-5,
    **dict.fromkeys(("nnguide", "dice", "scale"), 1e-6),
}
"""As a share of the largest score: float32 of ViM, NNGuide and DICE, the peer's ridge, the head's
float32 input."""


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
    DICE(share=0.5),
    FDBD(),
    FDBD(regularized=False),
    GradNorm(),
    KNN(k=5),
    Mahalanobis(),
    NNGuide(k=5),
    ReAct(),
    RelativeMahalanobis(),
    SHE(),
    SHE(metric="cosine"),
    Scale(share=0.65),
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


@pytest.mark.parametrize(
    "plugin", [DICE(), FDBD(), KNN(k=5), NNGuide(k=5), RelativeMahalanobis(), SHE(), ViM()]
)
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
