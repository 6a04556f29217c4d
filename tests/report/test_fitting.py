"""The largest size at which all display copies fit, without trying all of them."""

from __future__ import annotations

import pytest

from adversity.report.writers.fitting import largest_that_fits

SIZES = (224, 192, 160, 128)


def tried(room: int, bytes_of: dict[int, int]) -> tuple[int, list[int]]:
    """Return the size that was taken, and those that were encoded."""
    made: list[int] = []

    def make(size: int) -> int:
        made.append(size)
        return bytes_of[size]

    weight, size = largest_that_fits(SIZES, room, make, lambda made: made)
    assert weight == bytes_of[size]
    return size, made


NOISE = {size: 100 * size**2 for size in SIZES}
"""Noise takes its bytes by the pixel, and no image shrinks by more."""
SMOOTH = {size: 20_000 * size for size in SIZES}


@pytest.mark.parametrize("bytes_of", [NOISE, SMOOTH], ids=["noise", "smooth"])
@pytest.mark.parametrize("room", [1_000_000, 1_700_000, 2_600_000, 3_500_000, 4_100_000, 9_000_000])
def test_it_takes_what_a_trial_of_all_takes(bytes_of: dict[int, int], room: int) -> None:
    """No size that fits is left out; where none does, it is the smallest."""
    fits = [size for size in SIZES if bytes_of[size] <= room]
    assert tried(room, bytes_of)[0] == (fits[0] if fits else SIZES[-1])


def test_sizes_that_cannot_fit_are_not_encoded() -> None:
    """Noise that is three times too much goes to the smallest size at once."""
    assert tried(NOISE[224] // 3, NOISE) == (128, [224, 128])
    assert tried(NOISE[224], NOISE) == (224, [224])
    assert tried(NOISE[192], NOISE) == (192, [224, 192])
