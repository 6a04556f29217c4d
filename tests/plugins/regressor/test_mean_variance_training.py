"""Training a mean and a variance: every draw keyed, nothing lost by a kill, units change nothing."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from trained import bytes_of, fitted, light, rising, rows, said, watching

from adversity.contracts import State
from adversity.data.store import Store
from adversity.engine.public.in_memory import TensorRows
from adversity.engine.stages.checkpoint import Checkpoint
from adversity.errors import DataError, NotFittedError, WeightsError
from adversity.metrics import gaussian_nats
from adversity_plugins.regressor._held_out import Units, place_apart
from adversity_plugins.regressor._mean_variance_network import LEAST, MeanVarianceNetwork
from adversity_plugins.regressor._mean_variance_training import beta_nll
from adversity_plugins.regressor._numbered_images import NumberedImages
from adversity_plugins.regressor.mean_variance_cnn import MeanVarianceCNN
from adversity_plugins.small_network.adam import Adam


def test_training_is_repeatable_and_keeps_global_state():
    """The same generator gives the same bytes on one thread or two, another gives others."""
    data = rows(*light(40, 0, rising)[:2])
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    _, first = fitted(data, seed=1, epochs=2, width=4)
    _, other = fitted(data, seed=2, epochs=2, width=4)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        _, again = fitted(data, seed=1, epochs=2, width=4)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert bytes_of(first) == bytes_of(again)
    assert first.info == again.info
    assert bytes_of(first)["mean_head.weight"] != bytes_of(other)["mean_head.weight"]


@pytest.mark.parametrize("hold_out", [0.2, 0.0])
def test_a_kill_changes_no_byte(tmp_path, hold_out):
    """Ended after its fourth epoch, it goes on with the fifth, and ends in the same state."""
    data, more = rows(*light(40, 0, rising)[:2]), {"epochs": 9, "width": 4, "hold_out": hold_out}
    _, whole = fitted(data, **more)
    told = []

    class Killed(Exception):  # noqa: N818  (it is no error of ours)
        pass

    def kept(limit):
        generator = np.random.default_rng(0)

        def listen(row, *_):
            told.append(row)
            if len(told) == limit:
                raise Killed

        data.watch = watching(Checkpoint(Store(tmp_path), "0" * 64, seconds=0, name="it"), listen)
        data.watch.bind(generator)
        return MeanVarianceCNN(**more).fit(data, generator)

    with pytest.raises(Killed):
        kept(5)
    state = kept(None)
    assert len(told) < 12  # it did not begin anew
    assert bytes_of(state) == bytes_of(whole)
    assert state.info == whole.info


def test_copies_of_a_sample_are_held_out_together():
    """Of a draw with replacement none is learnt from that says how wide; nothing is drawn for 0."""
    ids = tuple(str(number % 30) for number in range(90))
    found = NumberedImages(torch.zeros(90, 1, 8, 8), torch.zeros(90, 1), None, ids)
    learnt, held = place_apart(found, 0.2, np.random.default_rng(0), "it")
    assert sorted([*learnt.tolist(), *held.tolist()]) == list(range(90))
    assert len(held) == 18
    assert not {ids[at] for at in learnt} & {ids[at] for at in held}
    unused = np.random.default_rng(0)
    learnt, held = place_apart(found, 0, unused, "it")
    assert (len(learnt), len(held)) == (90, 0)
    assert unused.bit_generator.state == np.random.default_rng(0).bit_generator.state


def test_it_ends_with_the_best_epoch():
    """What is left is the epoch whose likelihood on the held-out images is the largest."""
    images, targets, _, _ = light(60, 0, rising)
    data = rows(images, targets)
    _, state = fitted(data, epochs=40, width=4, learning_rate=0.02)
    epoch = state.info["training"]["epoch"]
    assert 1 < epoch < 40
    scores = []
    for more in (0.0, 0.3, -0.3):  # of the same draw: what is held out is the same
        plugin, _ = fitted(data, epochs=1, width=4)
        plugin.load(state)
        found = NumberedImages(images, torch.from_numpy(targets), None, tuple(map(str, range(60))))
        rng = np.random.default_rng(0)
        MeanVarianceNetwork(channels=1, numbers=1, width=4).draw(rng)
        _, held = place_apart(found, 0.2, rng, "it")
        mean, variance = said(plugin, images[held])
        scores.append(gaussian_nats(mean, np.exp(more) * variance, targets[held]).mean())
    assert scores[0] < min(scores[1:])  # the factor is the likeliest there


def test_weights_decay_as_in_adamw():
    """To the last bit those of `torch.optim.AdamW` where it decays weights and leaves biases."""
    rng = np.random.default_rng(0)
    ours, theirs = (MeanVarianceNetwork(channels=1, numbers=2, width=4) for _ in range(2))
    ours.draw(rng)
    theirs.load_state_dict(ours.state_dict())
    split = [[p for p in theirs.parameters() if (p.ndim > 1) == wide] for wide in (True, False)]
    peer = torch.optim.AdamW(
        [{"params": p, "weight_decay": d} for p, d in zip(split, (0.1, 0.0), strict=True)],
        lr=0.01,
        foreach=False,
    )
    adam = Adam(ours.parameters(), 0.1)
    images = torch.from_numpy(rng.random((5, 1, 16, 16), dtype=np.float32))
    for _ in range(3):
        adam.step(beta_nll(*ours(images), torch.ones(5, 2), 0.5).mean(), 0.01)
        peer.zero_grad()
        beta_nll(*theirs(images), torch.ones(5, 2), 0.5).mean().backward()
        peer.step()
    for name, value in ours.state_dict().items():
        assert torch.equal(value, theirs.state_dict()[name]), name


def test_units_change_nothing():
    """Targets four times as large, and moved by 8, have such means and 16 times the variance.

    Powers of two are exact, so that nothing but the rounding of a sum with 8 is left.
    """
    images, targets, _, _ = light(40, 0, rising)
    one, other = (fitted(rows(images, y), epochs=2, width=4)[0] for y in (targets, 4 * targets + 8))
    first, second = said(one, images), said(other, images)
    np.testing.assert_allclose(4 * first[0] + 8, second[0], rtol=1e-5)
    np.testing.assert_allclose(16 * first[1], second[1], rtol=1e-4)


def test_weights_of_samples_enter_the_loss():
    """Weights that are all alike give the bytes of none; others give other ones."""
    images, targets, _, _ = light(40, 0, rising)
    plain, alike, other = (
        bytes_of(fitted(rows(images, targets, weights=w), epochs=1, width=4)[1])
        for w in (None, np.full(40, 3.0), np.linspace(1, 4, 40))
    )
    assert plain == alike
    assert plain != other
    counts = torch.tensor([1.0, 3.0]) / 2
    units = Units.of(torch.tensor([[0.0], [4.0]], dtype=torch.float64), counts)
    assert units.middle.tolist() == [3.0]
    assert units.scale.tolist() == [pytest.approx(3**0.5)]


def test_several_numbers_have_each_its_own():
    """Two numbers, in units far apart: each is found, with its own factor."""
    images, targets, _, _ = light(120, 0, rising)
    both = np.concatenate([targets, 1000 * images[:, 0, 0, :1].double().numpy()], 1)
    plugin, state = fitted(rows(images, both, ("y", "x")), width=8, learning_rate=0.01)
    mean, variance = said(plugin, images)
    assert plugin.target_names == ("y", "x")
    assert mean.shape == variance.shape == (120, 2)
    assert len(set(state.info["training"]["variance_factor"].values())) == 2
    assert np.sqrt(((mean - both) ** 2).mean(0))[1] < 150  # of 289, the spread of x
    assert (variance.mean(0)[1] > variance.mean(0)[0]).all()


def test_sizes_and_channels():
    """Larger images are resized, grey is repeated for a colour network, colour is refused by a grey one."""
    images, targets, _, _ = light(40, 0, rising)
    grey, _ = fitted(rows(images, targets), epochs=1, width=4)
    flat = torch.full((1, 1, 24, 20), 0.5)
    same, larger = said(grey, torch.full((1, 1, 8, 8), 0.5)), said(grey, flat)
    np.testing.assert_allclose(same, larger, rtol=1e-5)
    with pytest.raises(DataError, match="fitted on grey images, got 3 channels"):
        grey.predict(torch.zeros(1, 3, 8, 8))
    colour, _ = fitted(rows(images.expand(-1, 3, -1, -1), targets), epochs=1, width=4)
    assert np.array_equal(said(colour, images), said(colour, images.repeat(1, 3, 1, 1)))


def test_no_variance_is_below_the_least():
    """However sure the network is, and whatever it has not seen: above 0, and finite."""
    network = MeanVarianceNetwork(channels=1, numbers=1, width=4)
    network.draw(np.random.default_rng(0))
    with torch.no_grad():
        network.variance_head.bias.fill_(-1e6)
        _, variance = network(torch.rand(4, 1, 8, 8))
    assert variance.tolist() == [[pytest.approx(LEAST)]] * 4


@pytest.mark.slow
def test_training_imports_no_compiler():
    """That of PyTorch takes seconds to import."""
    program = (
        "import sys, numpy, torch;"
        "from adversity_plugins.regressor import _mean_variance_training as t;"
        "from adversity_plugins.regressor._numbered_images import NumberedImages;"
        "found = NumberedImages(torch.rand(30, 1, 8, 8), torch.rand(30, 1).double(), None,"
        " tuple(map(str, range(30))));"
        "recipe = t.Recipe(1, 2, 0.5, 0.2, 0.01, 0.0, 8);"
        "t.train(found, ('y',), recipe, numpy.random.default_rng(0));"
        "sys.exit(bool({'torch._dynamo', 'sympy'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_what_cannot_be_learnt_is_refused():
    """Equal targets, too few images or held-out ones, several sizes, divergence."""
    images, targets, _, _ = light(40, 0, rising)
    with pytest.raises(DataError, match="needs targets that differ, got y = 3 for all 40"):
        fitted(rows(images, np.full((40, 1), 3.0)))
    with pytest.raises(DataError, match="three images or more, got 2"):
        fitted(rows(images[:2], targets[:2]))
    with pytest.raises(DataError, match="5 images or more that are held out, got 4 of 20"):
        fitted(rows(images[:20], targets[:20]))
    with pytest.raises(DataError, match="images with numbers as targets"):
        MeanVarianceCNN().fit(TensorRows([0] * 40, ("a",), images=images), None)
    with pytest.raises(DataError, match=r"diverged .* smaller learning_rate"):
        fitted(rows(images * float("nan"), targets), epochs=1, width=2)
    fitted(rows(images[:20], targets[:20]), epochs=1, width=2, hold_out=0)


def test_nothing_learnt_or_something_else_is_refused():
    """Unfitted it refuses; a state of another plugin, or of other shapes, is none of its own."""
    plugin = MeanVarianceCNN()
    with pytest.raises(NotFittedError, match="has learnt nothing yet"):
        plugin.predict(torch.zeros(1, 1, 8, 8))
    with pytest.raises(NotFittedError):
        _ = plugin.target_names
    _, state = fitted(rows(*light(40, 0, rising)[:2]), epochs=1, width=4)
    for wrong in (State({}, {}), State(state.arrays, {**state.info, "width": 8})):
        with pytest.raises(WeightsError, match="is not one of mean_variance_cnn"):
            plugin.load(wrong)
