"""Random streams: a sample's numbers depend on seed, step and id, and on nothing else."""

import hashlib
import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from adversity.seeding import SampleRng, _key, fit_generator, preserve_global_rng

IDS = st.lists(st.text(max_size=8), min_size=1, max_size=6, unique=True)
# Fixed ids make the tests below deterministic; the level only says how odd the draw may be.
LEVEL = 1e-3


def draw(rng):
    """Draw once from every distribution."""
    return {
        "normal": rng.normal((3,)),
        "uniform": rng.uniform((2, 2)),
        "integers": rng.integers(-5, 1000, (4,)),
        "bernoulli": rng.bernoulli(0.5, (8,)),
        "poisson": rng.poisson(torch.full((len(rng), 3), 7.0)),
        "seeds": torch.from_numpy(rng.seeds().astype(np.int64)),
    }


@settings(max_examples=40, deadline=None)
@given(ids=IDS, data=st.data())
def test_a_sample_draws_the_same_alone_in_any_order_and_any_batch(ids, data):
    """Row i is bit for bit what its sample draws by itself."""
    order = data.draw(st.permutations(ids))
    whole = draw(SampleRng(seed=3, step="dark", ids=order))
    for row, sample in enumerate(order):
        alone = draw(SampleRng(seed=3, step="dark", ids=[sample]))
        assert all(torch.equal(whole[name][row], alone[name][0]) for name in whole)


@settings(max_examples=40, deadline=None)
@given(ids=IDS, data=st.data())
def test_rows_go_on_along_the_same_streams(ids, data):
    """A sample that stays draws as if none had left."""
    stay = data.draw(st.lists(st.sampled_from(range(len(ids))), unique=True))
    full, part = (SampleRng(seed=0, step="s", ids=ids) for _ in range(2))
    assert torch.equal(full.normal((2,)), part.normal((2,)))
    if stay:
        rest = part.rows(stay)
        assert rest.ids == tuple(ids[i] for i in stay)
        assert torch.equal(full.normal((2,))[stay], rest.normal((2,)))


def test_rows_keep_the_way_to_their_children():
    """A restart of the rows that stayed is the restart the whole batch would have had."""
    rng = SampleRng(seed=0, step="s", ids=["a", "b", "c"])
    kept = rng.rows([2]).child(1).normal((4,))
    assert torch.equal(kept, rng.child(1).normal((4,))[2:])


@settings(max_examples=60, deadline=None)
@given(
    one=st.lists(st.text(max_size=6), min_size=1, max_size=4),
    other=st.lists(st.text(max_size=6), min_size=1, max_size=4),
)
def test_the_parts_of_a_key_cannot_be_confused(one, other):
    """Different lists of parts give different keys, wherever separators stand inside."""
    assert (_key(*one) == _key(*other)) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ab", "c"), ("a", "bc")),
        (("a\x1fb",), ("a", "b")),
        (("1:a\x1f1:b",), ("a", "b")),
        (("", "a"), ("a", "")),
        (("a",), ("a", "")),
    ],
)
def test_a_separator_in_a_part_forges_nothing(one, other):
    """The cases an unguarded join would confuse."""
    assert _key(*one) != _key(*other)


def test_a_key_is_the_published_hash():
    """SHA-256 of the parts as Python writes them, its first 16 bytes read little-endian."""
    text = b"(0, 'dark', 'a')"
    assert _key(0, "dark", "a") == int.from_bytes(hashlib.sha256(text).digest()[:16], "little")


def test_a_stream_is_numpys_philox_under_that_key():
    """Against NumPy directly, so that the stream can be had without us."""
    ours = SampleRng(seed=0, step="dark", ids=["a"]).normal((5,))[0].numpy()
    theirs = np.random.Generator(np.random.Philox(key=_key(0, "dark", "a")))
    assert np.array_equal(ours, theirs.standard_normal(5, dtype=np.float32))


def test_seed_step_id_and_child_each_open_another_stream():
    """No two of them share their numbers."""
    streams = [
        SampleRng(seed=0, step="s", ids=["a"]),
        SampleRng(seed=1, step="s", ids=["a"]),
        SampleRng(seed=0, step="t", ids=["a"]),
        SampleRng(seed=0, step="s", ids=["b"]),
        SampleRng(seed=0, step="s", ids=["a"]).child(0),
        SampleRng(seed=0, step="s", ids=["a"]).child(1),
        SampleRng(seed=0, step="s", ids=["a"]).child(0).child(0),
    ]
    drawn = {tuple(rng.normal((4,))[0].tolist()) for rng in streams}
    assert len(drawn) == len(streams)


def test_a_child_does_not_depend_on_what_its_parent_drew():
    """A restart is the same whether or not numbers were drawn before it."""
    fresh, used = (SampleRng(seed=0, step="s", ids=["a", "b"]) for _ in range(2))
    used.normal((100,))
    assert torch.equal(fresh.child("restart").normal((3,)), used.child("restart").normal((3,)))


def test_successive_draws_differ_and_draws_of_shapes_have_rows_first():
    """The stream goes on; a draw without a shape is one number a sample."""
    rng = SampleRng(seed=0, step="s", ids=["a", "b"])
    assert not torch.equal(rng.normal((3,)), rng.normal((3,)))
    assert rng.normal().shape == (2,)
    assert rng.uniform((3, 4)).shape == (2, 3, 4)
    assert (rng.normal().dtype, rng.integers(0, 2).dtype) == (torch.float32, torch.int64)


@pytest.mark.parametrize(
    ("sample", "distribution"),
    [
        (lambda rng: rng.normal((50,)), stats.norm()),
        (lambda rng: rng.uniform((50,)), stats.uniform()),
    ],
    ids=["normal", "uniform"],
)
def test_draws_across_samples_follow_their_distribution(sample, distribution):
    """Kolmogorov-Smirnov over many short streams: neighbouring ids are independent enough."""
    rng = SampleRng(seed=0, step="s", ids=[f"img_{i:05d}" for i in range(400)])
    values = sample(rng).numpy()
    assert stats.kstest(values.ravel(), distribution.cdf).pvalue > LEVEL
    # The first draw of each stream alone would betray keys that are too much alike.
    assert stats.kstest(values[:, 0], distribution.cdf).pvalue > LEVEL


def test_integers_bernoulli_and_poisson_follow_their_distributions():
    """Chi-square against the exact probabilities; the ends are those promised."""
    rng = SampleRng(seed=1, step="s", ids=[str(i) for i in range(500)])
    dice = rng.integers(1, 7, (12,)).numpy().ravel()
    counts = np.bincount(dice, minlength=7)
    assert counts[0] == 0
    assert len(counts) == 7
    assert stats.chisquare(counts[1:]).pvalue > LEVEL
    heads = int(rng.bernoulli(0.3, (12,)).sum())
    assert stats.binomtest(heads, 6000, 0.3).pvalue > LEVEL
    draws = rng.poisson(torch.full((500, 12), 2.5)).numpy().ravel().astype(int)
    expected = stats.poisson(2.5).pmf(np.arange(9))
    expected = np.append(expected, 1 - expected.sum()) * draws.size
    observed = np.bincount(np.minimum(draws, 9), minlength=10)
    assert stats.chisquare(observed, expected).pvalue > LEVEL


def test_poisson_takes_each_samples_own_rate():
    """Row i is drawn at rate i: 0 stays 0, and a large rate lies within 6 deviations."""
    rates = torch.tensor([[0.0], [1e6]])
    low, high = SampleRng(seed=0, step="s", ids=["a", "b"]).poisson(rates)[:, 0].tolist()
    assert low == 0.0
    assert abs(high - 1e6) < 6 * 1e3


def test_fitting_has_a_stream_of_its_own():
    """Keyed by seed, step and the plugin's own seed, and apart from every sample's."""
    first = fit_generator(0, "net").random(4)
    assert np.array_equal(first, fit_generator(0, "net", 0).random(4))
    others = [fit_generator(1, "net"), fit_generator(0, "other"), fit_generator(0, "net", 1)]
    assert all(not np.array_equal(first, other.random(4)) for other in others)


def test_drawing_touches_no_global_state():
    """Nor do global seeds touch our draws."""
    random.seed(1)
    torch.manual_seed(1)
    before = (random.getstate(), torch.get_rng_state())
    one = draw(SampleRng(seed=0, step="s", ids=["a"]))
    assert random.getstate() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
    torch.manual_seed(2)
    two = draw(SampleRng(seed=0, step="s", ids=["a"]))
    assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("fails", [False, True])
def test_preserve_global_rng_puts_all_three_states_back(fails):
    """Python's, NumPy's and torch's go on as if nothing had happened, also after an error."""

    def use():
        return random.random(), float(np.random.rand()), float(torch.rand(()))  # noqa: NPY002

    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    expected = use()
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    torch.set_rng_state(states[2])
    try:
        with preserve_global_rng():
            assert use() == expected
            if fails:
                raise KeyError
    except KeyError:
        pass
    assert use() == expected
