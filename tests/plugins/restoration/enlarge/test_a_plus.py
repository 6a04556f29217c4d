"""A+: its parts against loops, NumPy and planted anchors, and what it gains on photos."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.linear_model import Ridge
from torch import Tensor
from torch.nn.functional import pad

import adversity
from adversity.data.tables import read_table
from adversity.errors import AdversityError, WeightsError
from adversity_plugins.restoration.enlarge import _anchors as anchors
from adversity_plugins.restoration.enlarge import _bicubic as bicubic
from adversity_plugins.restoration.enlarge import _patch_features as patches
from adversity_plugins.restoration.enlarge.a_plus import APlus

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SMALL = {"atoms": 48, "neighbours": 512, "patches": 20_000, "scales": 2}


def test_a_regressor_is_the_ridge_regression() -> None:
    """NumPy's solution of the normal equations, and scikit-learn's Ridge without a constant."""
    draw = np.random.default_rng(0)
    inputs, outputs = draw.normal(size=(3, 200, 7)), draw.normal(size=(3, 200, 5))
    maps = anchors.ridge(torch.from_numpy(inputs), torch.from_numpy(outputs), 0.1).numpy()
    for x, y, found in zip(inputs, outputs, maps, strict=True):
        normal = np.linalg.solve(x.T @ x + 0.1 * np.eye(7), x.T @ y).T
        np.testing.assert_allclose(found, normal, rtol=0, atol=1e-12)
        ridge = Ridge(alpha=0.1, fit_intercept=False, solver="cholesky").fit(x, y)
        np.testing.assert_allclose(found, ridge.coef_, rtol=0, atol=1e-12)


def test_with_one_anchor_it_is_one_regression_on_normalised_patches() -> None:
    """All are its neighbours: scikit-learn's Ridge on features of length 1 gives the map."""
    draw = torch.Generator().manual_seed(0)
    features, details = torch.randn(300, 6, generator=draw), torch.randn(300, 4, generator=draw)
    features[:20] *= 0.01  # of a length below 0.1: the detail is left as it is
    lengths = features.norm(dim=1, keepdim=True)
    scaled = details / torch.where(lengths < 0.1, torch.ones(()), lengths)
    found = anchors.regressors_of(
        features, details, torch.eye(6)[:1], neighbours=1000, penalty=0.5
    )[0]
    ridge = Ridge(alpha=0.5, fit_intercept=False).fit(features / lengths, scaled)
    np.testing.assert_allclose(found.numpy(), ridge.coef_, rtol=0, atol=1e-5)


def test_only_the_nearest_patches_count() -> None:
    """Those nearest to the anchor, or to its negative, by NumPy's cosines."""
    draw = np.random.default_rng(1)
    features = torch.from_numpy(draw.normal(size=(80, 5))).float()
    details = torch.from_numpy(draw.normal(size=(80, 3))).float()
    atom = features[:1] / features[:1].norm()
    found = anchors.regressors_of(features, details, atom, neighbours=10, penalty=0.1)[0]
    cosines = np.abs((features @ atom.T)[:, 0].numpy()) / features.norm(dim=1).numpy()
    near = np.argsort(-cosines)[:10]
    again = anchors.regressors_of(features[near], details[near], atom, neighbours=10, penalty=0.1)[
        0
    ]
    torch.testing.assert_close(found, again, rtol=0, atol=1e-6)


def test_planted_anchors_are_found() -> None:
    """Multiples of twelve directions, of either sign: each is among sixty anchors, to rounding."""
    draw = np.random.default_rng(0)
    truth = np.linalg.qr(draw.normal(size=(16, 16)))[0][:12]
    sizes = draw.choice([-1, 1], (6000, 1)) * draw.uniform(0.5, 1, (6000, 1))
    features = torch.from_numpy(truth[draw.integers(0, 12, 6000)] * sizes)
    cosines = np.abs(anchors.anchors_of(features, 60, draw).numpy() @ truth.T)
    np.testing.assert_allclose(cosines.max(0), 1, rtol=0, atol=1e-9)


def test_what_anchors_leave_of_features_never_grows() -> None:
    """The sum of squares beside the nearest direction, turn by turn."""
    draw = torch.Generator().manual_seed(0)
    features = torch.randn(2000, 8, generator=draw, dtype=torch.float64)
    left = []
    for turns in range(8):
        found = anchors.anchors_of(features, 30, np.random.default_rng(0), turns=turns)
        gains, _ = anchors.anchored(features, found)
        left.append(float(features.square().sum() - gains.square().sum()))
    assert np.diff(left).max() <= 1e-9
    assert left[-1] < 0.9 * left[0]


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_patches_of_an_image_give_it_back(photos: Tensor, factor: int) -> None:
    """Every pixel is in nine patches, those at the border too; a sum of nine, so 1e-6."""
    clean = photos[:1, :1, : 12 * factor, : 9 * factor]
    around = pad(clean, (2 * factor,) * 4, mode="replicate")
    whole = patches.patches_of(around, factor)
    assert whole.shape == (14 * 11, 9 * factor**2)
    torch.testing.assert_close(patches.assembled(whole, 12, 9, factor), clean, rtol=0, atol=1e-6)


@pytest.mark.parametrize("factor", [2, 3])
def test_features_are_first_and_second_differences(photos: Tensor, factor: int) -> None:
    """One patch in the middle, written out pixel by pixel on the bicubic image."""
    small = photos[:1, :1, :8, :10]
    found = patches.features_of(small, factor)
    assert found.shape == (6 * 8, 4 * 9 * factor**2)
    large = bicubic.enlarged(small, factor)[0, 0].numpy()
    s, ahead = factor, factor // 2
    behind = factor - ahead
    expected = []
    for down, right in ((1, 0), (0, 1)):
        for order in (1, 2):
            for y in range(2 * s, 5 * s):
                for x in range(3 * s, 6 * s):
                    if order == 1:
                        after = large[y + ahead * down, x + ahead * right]
                        before = large[y - behind * down, x - behind * right]
                        expected.append(after - before)
                    else:
                        sides = (
                            large[y + s * down, x + s * right] + large[y - s * down, x - s * right]
                        )
                        expected.append(sides / 2 - large[y, x])
    per = 9 * s**2
    ordered = np.array(expected).reshape(4, per)[[0, 2, 1, 3]]  # both first, then both second
    np.testing.assert_allclose(found[2 * 8 + 3].numpy(), ordered.ravel(), rtol=0, atol=1e-6)


def test_a_basis_keeps_all_but_a_thousandth_of_the_energy() -> None:
    """As many directions as NumPy's singular values say, orthonormal, and what they leave is less."""
    draw = np.random.default_rng(0)
    features = draw.normal(size=(500, 20)) * 0.7 ** np.arange(20)
    basis = patches.basis_of([torch.from_numpy(part).float() for part in np.split(features, 2)])
    energy = np.linalg.svd(features, compute_uv=False) ** 2
    kept = 1 - np.cumsum(energy)[: basis.shape[1]][-1] / energy.sum()
    one_less = 1 - np.cumsum(energy)[: basis.shape[1] - 1][-1] / energy.sum()
    assert kept <= 1e-3 < one_less
    torch.testing.assert_close(basis.T @ basis, torch.eye(basis.shape[1]), rtol=0, atol=1e-6)
    left = features - features @ basis.numpy() @ basis.numpy().T
    assert (left**2).sum() == pytest.approx(kept * energy.sum(), rel=1e-3)


@pytest.mark.parametrize("factor", [2, 3])
def test_it_gains_on_photos_that_it_was_not_fitted_on(
    fitted: Callable[..., Any],
    learnt_from: list[Tensor],
    judged_by: list[Tensor],
    luma_psnr: Callable[..., float],
    factor: int,
) -> None:
    """With 48 anchors in the place of 1024, 0.3 dB and more on each of three photos."""
    plugin = fitted(learnt_from, "a_plus", **SMALL, factor=factor)
    for clean in judged_by:
        small = adversity.create("degradation", "downsample", factor=factor)(clean)
        plain = adversity.create("restoration", "bicubic", factor=factor)(small)
        gain = luma_psnr(plugin(small), clean, factor) - luma_psnr(plain, clean, factor)
        assert gain > 0.3


def test_pairs_are_learnt_from_as_photos_are(learnt_from: list[Tensor], photos: Tensor) -> None:
    """Grey photos shrunk by `downsample`, with the photos as references: the same, bit by bit.

    Of colour the luma is taken before the shrinking in one case, after it in the other.
    """
    clean = learnt_from[0][:, :1]
    small = adversity.create("degradation", "downsample")(clean)
    given = {**SMALL, "scales": 1}
    pairs = adversity.create("restoration", "a_plus", **given).fit(small, references=clean)
    plain = adversity.create("restoration", "a_plus", **given).fit(clean)
    assert torch.equal(pairs(photos), plain(photos))


def test_what_is_flat_stays_flat_and_grey_is_grey(
    fitted: Callable[..., Any], learnt_from: list[Tensor], photos: Tensor
) -> None:
    """No detail without a difference; a grey image is the same as three equal channels' luma."""
    plugin = fitted(learnt_from[:1], "a_plus", **SMALL)
    flat = torch.full((1, 3, 1, 2), 0.3)
    torch.testing.assert_close(plugin(flat), torch.full((1, 3, 2, 4), 0.3), rtol=0, atol=1e-6)
    grey = photos[:1, :1]
    # Y of a grey colour is 219/255 of it: features and details alike, and so is what is added.
    torch.testing.assert_close(
        plugin(grey).expand(-1, 3, -1, -1), plugin(grey.expand(-1, 3, -1, -1)), rtol=0, atol=2e-5
    )


def test_a_pipeline_fits_it_on_photos(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    learnt_from: list[Tensor],
    judged_by: list[Tensor],
) -> None:
    """`fit_on` a data set of photos of several sizes; the step's PSNR is above bicubic's."""
    monkeypatch.chdir(tmp_path)
    for folder, photos in (("train", learnt_from), ("test", judged_by)):
        (tmp_path / "data" / folder / "a").mkdir(parents=True)
        for number, photo in enumerate(photos):
            pixels = (photo[0].permute(1, 2, 0) * 255).round().byte().numpy()
            Image.fromarray(pixels).save(tmp_path / f"data/{folder}/a/{number}.png")
    (tmp_path / "pipelines").mkdir()
    file = tmp_path / "pipelines/p.yaml"
    file.write_text(
        f"""
name: p
data:
  train: {{uses: dataset/folder, with: {{path: data/train}}}}
  test: {{uses: dataset/folder, with: {{path: data/test}}}}
steps:
  small: {{uses: degradation/downsample, from: test}}
  plain: {{uses: restoration/bicubic, from: small}}
  maps: {{uses: restoration/a_plus, fit_on: train, with: {SMALL}}}
  sharp: {{uses: maps, from: small}}
  before: {{uses: metric/psnr, from: plain}}
  after: {{uses: metric/psnr, from: sharp}}
""".replace("'", ""),
        encoding="utf-8",
    )
    adversity.run(file, into=tmp_path / "out", root=tmp_path)
    before, after = (
        read_table(tmp_path / f"out/artifacts/p/{step}/table.parquet")["psnr_db"]
        for step in ("before", "after")
    )
    assert (np.array(after) > np.array(before) + 0.3).all()


def test_what_it_cannot_learn_from_is_refused(photos: Tensor) -> None:
    """Too few patches, too small photos, references of a strange size, a state of another factor."""
    create = adversity.create
    with pytest.raises(AdversityError, match=r"at least 1024 patches .* have 88; fit on more"):
        create("restoration", "a_plus", patches=100, scales=1).fit(photos[:1, :, :20, :26])
    with pytest.raises(AdversityError, match=r"photos of at least 6 x 6 pixels, got \[5, 64\]"):
        create("restoration", "a_plus").fit(photos[..., :5, :])
    with pytest.raises(AdversityError, match=r"reference is 2 times .* \[48, 64\] and \[96, 63\]"):
        create("restoration", "a_plus").fit(photos, references=torch.zeros(3, 3, 96, 63))
    plugin = APlus(factor=3)
    plugin.setup("cpu")
    with pytest.raises(WeightsError, match="not one of a_plus for factor 3"):
        plugin.load(adversity.State({}, {"factor": 2}))
