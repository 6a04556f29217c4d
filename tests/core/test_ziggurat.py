"""Many numbers at once are NumPy's own numbers, and leave its stream where NumPy leaves it."""

import numpy as np
import pytest

from adversity import ziggurat
from adversity.ziggurat import integers, normals, uniforms


def stream(seed):
    """Open a stream as samples have them."""
    return np.random.Generator(np.random.Philox(seed))


def place(opened):
    """Return where a stream stands; half a word that was used up does not count."""
    state = opened.bit_generator.state
    return str({**state, "uinteger": state["uinteger"] * state["has_uint32"]})


NUMPYS = {
    "normals": (normals, "standard_normal"),
    "uniforms": (uniforms, "random"),
}


@pytest.mark.parametrize(("ours", "numpys"), NUMPYS.values(), ids=NUMPYS)
@pytest.mark.parametrize("half", [False, True], ids=["whole_words", "half_a_word_left"])
def test_numbers_and_place_are_numpys(ours, numpys, half):
    """Of even and odd counts; so many that a block ends within a number that needs more words."""
    for seed in range(200):
        one, other = stream(seed), stream(seed)
        if half:
            assert one.random(dtype=np.float32) == other.random(dtype=np.float32)
        count = ziggurat._FEW + 1 + seed
        expected = getattr(other, numpys)(count, dtype=np.float32)
        found = ours(one, count)
        assert found.dtype == np.float32
        assert np.array_equal(found, expected)
        assert place(one) == place(other)


@pytest.mark.parametrize("span", [1, 2, 16, 36, 64, 1 << 31, (1 << 31) + 1, 1 << 40])
def test_integers_and_place_are_numpys(span):
    """Powers of two, where a word is one number, and others, where some words are refused."""
    one, other = stream(3), stream(3)
    for count in (ziggurat._FEW, 5001, 6000):
        expected = other.integers(-3, span - 3, count)
        found = integers(one, -3, span - 3, count)
        assert found.dtype == expected.dtype
        assert np.array_equal(found, expected)
        assert place(one) == place(other)


def test_tails_are_numpys():
    """Among two million numbers some 500 are beyond the lowest layer."""
    one, other = stream(7), stream(7)
    found = normals(one, 2_000_000)
    assert (np.abs(found) > ziggurat._EDGE).sum() > 400
    assert np.array_equal(found, other.standard_normal(2_000_000, dtype=np.float32))


@pytest.mark.parametrize("count", [0, 1, 5])
def test_few_numbers_are_numpys(count):
    """Few, or none, are drawn by NumPy itself."""
    for ours, numpys in NUMPYS.values():
        expected = getattr(stream(1), numpys)(count, dtype=np.float32)
        assert np.array_equal(ours(stream(1), count), expected)


@pytest.fixture
def afresh():
    """Ask again whether the numbers are NumPy's, and forget the answer."""
    ziggurat._are_numpys.cache_clear()
    yield
    ziggurat._are_numpys.cache_clear()


@pytest.mark.parametrize(("ours", "numpys"), NUMPYS.values(), ids=NUMPYS)
@pytest.mark.parametrize("changed", ["_log1pf", "_normals", "_uniforms"])
@pytest.mark.usefixtures("afresh")
def test_where_the_numbers_would_be_others_numpy_draws(monkeypatch, changed, ours, numpys):
    """Without the C library's logarithm, or with a NumPy that draws another way."""

    def others(given, count):
        return given.exponential(size=count).astype(np.float32)

    monkeypatch.setattr(ziggurat, changed, (lambda: None) if changed == "_log1pf" else others)
    expected = getattr(stream(1), numpys)(10_000, dtype=np.float32)
    assert np.array_equal(ours(stream(1), 10_000), expected)
