"""Monte Carlo dropout, against closed forms, torch's own dropout and the network itself."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

import adversity
from adversity import Predictive
from adversity.errors import InputError
from adversity.seeding import SampleRng
from adversity_plugins.uncertainty.sampling._drawn_dropout import DrawnDropout
from adversity_plugins.uncertainty.sampling.mc_dropout import MCDropout

RATE = 0.3
DRAWS = 4000


def streams(rows: int, seed: int = 0) -> SampleRng:
    return SampleRng(seed=seed, step="here", ids=[f"image {k}" for k in range(rows)])


class Plain:
    """A network as a model, in one block."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network.eval()
        self.logits: list[torch.Tensor] = []

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        self.logits.append(self.network(images))
        return self.logits[-1]

    def networks(self) -> tuple[nn.Module, ...]:
        return (self.network,)


def drawn(network: nn.Module, images: torch.Tensor, **parameters: Any) -> tuple[Predictive, Any]:
    """Return what the method says, and the logits `[M, N, K]` of its draws."""
    model = Plain(network)
    with torch.no_grad():
        said = MCDropout(**parameters).estimate([model], images, streams(len(images)))
    return said, torch.stack(model.logits)


def linear(rows: int = 6, units: int = 20, classes: int = 3) -> tuple[nn.Module, torch.Tensor]:
    """Return dropout and a linear layer, and what goes in: many images of one row of pixels."""
    rng = torch.Generator().manual_seed(3)
    layer = nn.Linear(units, classes)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(layer.weight.shape, generator=rng))
    return nn.Sequential(nn.Dropout(RATE), layer), torch.rand((rows, units), generator=rng)


def test_mean_and_variance_of_a_linear_network_are_the_closed_form() -> None:
    """Kept units are scaled by 1 / (1 - p): mean W h + b, variance p / (1 - p) sum (W h)^2.

    Over M draws the mean of a logit is off by s / sqrt(M), its variance by about s^2 sqrt(2 / M):
    five of these for the worst of 18 logits, which is passed in all but 1e-5 of all seeds.
    """
    network, hidden = linear()
    _, logits = drawn(network, hidden, draws=DRAWS)
    weight, bias = network[1].weight.detach(), network[1].bias.detach()
    mean = hidden @ weight.T + bias
    variance = RATE / (1 - RATE) * (hidden[:, None] ** 2 * weight**2).sum(2)
    gap = (logits.double().mean(0) - mean).abs() / (variance / DRAWS).sqrt()
    assert float(gap.max()) < 5
    assert float((logits.double().var(0) / variance - 1).abs().max()) < 5 * math.sqrt(2 / DRAWS)


def test_images_and_draws_are_drawn_apart() -> None:
    """The masks of two images, and of two draws, are independent: their logits do not correlate.

    A correlation of 4000 independent pairs is off zero by 1 / sqrt(4000) = 0.016: five of these.
    """
    network, hidden = linear()
    _, logits = drawn(network, hidden[:1].expand(4, -1), draws=DRAWS)
    one = logits[:, :, 0].double()
    assert float((torch.corrcoef(one.T) - torch.eye(4)).abs().max()) < 5 / math.sqrt(DRAWS)
    later = torch.corrcoef(torch.stack([one[:-1, 0], one[1:, 0]]))[0, 1]
    assert abs(float(later)) < 5 / math.sqrt(DRAWS)


def test_a_draw_has_one_mask_for_each_image() -> None:
    """With one unit, a draw of an image either has it, scaled, or has it not."""
    network = nn.Sequential(nn.Dropout(0.25), nn.Linear(1, 2, bias=False))
    with torch.no_grad():
        network[1].weight.copy_(torch.tensor([[3.0], [6.0]]))
    _, logits = drawn(network, torch.ones(50, 1), draws=40)
    kept = logits[:, :, 0] != 0
    assert torch.equal(logits, kept[:, :, None] * torch.tensor([4.0, 8.0]))
    # 2000 masks of rate 1/4: a standard deviation of 0.0097.
    assert abs(float(kept.float().mean()) - 0.75) < 0.05


def test_members_are_the_softmax_of_the_draws() -> None:
    """In float64, as the network's own probabilities are read."""
    network, hidden = linear()
    said, logits = drawn(network, hidden, draws=5)
    assert torch.equal(said.members, logits.double().softmax(2))


def test_a_rate_of_zero_is_the_network_to_the_bit() -> None:
    """Convolutions, batch norm, channels and units: each member is what the network says."""
    torch.manual_seed(1)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout2d(0.5), nn.Flatten(),
        nn.Dropout(0.4), nn.Linear(8 * 36, 5),
    ).eval()  # fmt: skip
    images = torch.rand(7, 3, 8, 8)
    made = adversity.create("uncertainty", "mc_dropout", draws=3, p=0)
    said = made(network, images)
    with torch.no_grad():
        expected = adversity.target(network).bind(list("abcdefg")).answer(images).probabilities
    for member in said.members:
        assert torch.equal(member, expected.float())
    assert torch.equal(said.probs, expected.float())


@pytest.mark.parametrize(
    ("layer", "shape", "ours"),
    [
        (nn.Dropout(RATE), (8, 5, 6), functional.dropout),
        (nn.Dropout1d(RATE), (8, 30, 4), functional.dropout1d),
        (nn.Dropout2d(RATE), (8, 30, 2, 3), functional.dropout2d),
        (nn.Dropout3d(RATE), (8, 30, 2, 2, 2), functional.dropout3d),
        (nn.AlphaDropout(RATE), (8, 5, 6), functional.alpha_dropout),
        (nn.FeatureAlphaDropout(RATE), (8, 30, 4), functional.feature_alpha_dropout),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_what_is_dropped_is_what_torch_drops(layer: Any, shape: Any, ours: Any) -> None:
    """Over many draws: the same two values for each unit, as often, the same units at a time."""
    torch.manual_seed(0)
    given = torch.rand(shape) + 1
    values, together = [], []
    for draw in range(200):
        with DrawnDropout(streams(len(given)).child(draw), None):
            mine = layer.eval()(given)
        torchs = ours(given, RATE, training=True)
        values.append(torch.stack([mine, torchs]).double())
        low = torch.stack([mine, torchs]).flatten(3) < given.flatten(2).min() / 2
        together.append((low == low[..., :1]).all(-1).all())
    mine, torchs = torch.stack(values, 1)
    whole = isinstance(layer, nn.Dropout1d | nn.Dropout2d | nn.Dropout3d | nn.FeatureAlphaDropout)
    assert bool(torch.stack(together).all()) is whole
    kept = [torch.isclose(each, each.amax(0), atol=1e-6) for each in (mine, torchs)]
    assert torch.allclose(mine.amax(0), torchs.amax(0), rtol=1e-6)
    assert torch.allclose(mine.amin(0), torchs.amin(0), rtol=1e-5, atol=1e-6)
    # 200 draws of 240 units or more: 0.3 is met within 0.01 by either, also channel by channel.
    assert abs(float((~kept[0]).double().mean() - (~kept[1]).double().mean())) < 0.015


def test_dropout_in_a_function_and_in_a_class_of_ones_own_are_drawn() -> None:
    """What counts is the call: a module that derives from Dropout, or none at all."""

    class Own(nn.Dropout):
        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return super().forward(values) + 0

    class Calls(nn.Module):
        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return functional.dropout(values, 0.5, self.training, inplace=True)

    hidden = torch.ones(6, 400)
    for part in (Own(0.5), Calls(), lambda v: torch.dropout(v, 0.5, train=False)):
        network = nn.Sequential(nn.Identity())
        network.forward = lambda values, part=part: part(values.clone())  # type: ignore[method-assign]
        _, values = drawn(network.eval(), hidden, draws=3)
        assert set(values.unique().tolist()) == {0.0, 2.0}


def test_a_rate_of_ones_own_goes_before_the_layers_own() -> None:
    """Also where these have none: 1 / (1 - 0.75) is the scale."""
    network = nn.Sequential(nn.Dropout(0.0))
    _, values = drawn(network, torch.ones(3, 200), draws=2, p=0.75)
    assert set(values.unique().tolist()) == {0.0, 4.0}


def test_the_transformer_layer_of_torch_is_drawn_on_its_slow_path() -> None:
    """In evaluation it takes a fused kernel that knows no dropout; here its three layers drop."""
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, dropout=0.2, batch_first=True)
    layer.self_attn.dropout = 0.0
    network = nn.Sequential(layer, nn.Flatten(), nn.Linear(24, 3))
    hidden = torch.rand(5, 3, 8)
    said, _ = drawn(network, hidden, draws=3)
    assert float(said.members.std(0).min()) > 0
    with torch.no_grad(), DrawnDropout(streams(5), None) as dropout:
        network(hidden)
    assert dropout.drops == 3


def attention() -> nn.Module:
    return nn.Sequential(nn.TransformerEncoderLayer(8, 2, dropout=0.1, batch_first=True))


def windows() -> nn.Module:
    """Cut images up before they are dropped."""
    return nn.Sequential(nn.Unflatten(1, (2, 24)), nn.Flatten(0, 1), nn.Dropout(0.5))


def recurrent() -> nn.Module:
    return nn.Sequential(nn.Unflatten(1, (6, 8)), nn.LSTM(8, 4, 2, dropout=0.3, batch_first=True))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Linear(48, 3), "Linear has none with a rate above 0: train one"),
        (lambda: nn.Sequential(nn.Dropout(0.0)), "Sequential has none with a rate above 0"),
        (windows, r"a row for each of 5 images, got \[10, 24\]"),
        (recurrent, "1, a LSTM, drops with a rate of 0.3 inside itself"),
        (
            lambda: nn.Sequential(nn.Unflatten(1, (6, 8)), *attention()),
            "1.self_attn, a MultiheadAttention, drops with a rate of 0.1",
        ),
        (lambda: torch.compile(nn.Dropout(0.5)), "it is compiled; give the network as it was"),
    ],
    ids=["none", "rate 0", "windows", "recurrent", "attention", "compiled"],
)
def test_what_cannot_be_drawn_is_refused(make: Any, message: str) -> None:
    """Each with the network and what to do, in one message."""
    with pytest.raises(InputError, match=f"mc_dropout.*{message}"):
        drawn(make(), torch.rand(5, 48), draws=2)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
def test_torchscript_is_refused() -> None:
    """Its dropout never comes to Python, and would be let pass in silence."""
    traced = torch.jit.trace(nn.Sequential(nn.Dropout(0.5)).eval(), torch.rand(5, 4))
    with pytest.raises(InputError, match="is a TorchScript program"):
        drawn(traced, torch.rand(5, 4))


def test_a_classifier_without_a_network_is_refused() -> None:
    """A forest has no dropout; the message says what has."""
    images, labels = torch.rand(20, 1, 8, 8), [0, 1] * 10
    forest = adversity.create("classifier", "random_forest", trees=3).fit(images, labels)
    made = adversity.create("uncertainty", "mc_dropout")
    with pytest.raises(InputError, match="the classifier, which is no network, has none"):
        made(forest, images)
    with pytest.raises(InputError, match=r"expected a classifier .* got uncertainty \"entropy\""):
        made(adversity.create("uncertainty", "entropy"), images)


def test_an_image_has_its_draws_whatever_stands_beside_it() -> None:
    """Alone, in another order and by another step of rows: the same bytes, keyed by id and seed."""
    images, labels = torch.rand(70, 1, 8, 8), [0, 1] * 35
    net = adversity.create("classifier", "small_cnn", epochs=1, width=4, dropout=0.4)
    net = net.fit(images, labels)
    made = adversity.create("uncertainty", "mc_dropout", draws=4)
    ids = [f"n{k}" for k in range(70)]
    whole = made(net, images, ids=ids)
    for rows in ([69], [5, 3, 66], list(range(70))[::-1]):
        part = made(net, images[rows], ids=[ids[k] for k in rows])
        assert torch.equal(part.members, whole.members[:, rows])
    assert not torch.equal(made(net, images, ids=ids, seed=1).members, whole.members)
    doubt = adversity.create("uncertainty", "mutual_information")(whole)
    entropy = -(whole.probs.double() * whole.probs.double().log()).sum(1)
    assert doubt.shape == (70,)
    assert bool((doubt <= entropy + 1e-6).all())
    assert float(doubt.max()) > 0


def test_ones_own_network_is_left_as_found() -> None:
    """In training mode, with a batch norm whose statistics would move."""
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten(), nn.Linear(144, 2)
    ).train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    made = adversity.create("uncertainty", "mc_dropout", draws=3)
    said = made(net, torch.rand(6, 1, 8, 8))
    assert net.training
    assert net[0].weight.requires_grad
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert float(said.members.std(0).min()) > 0
