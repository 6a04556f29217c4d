"""Numbers and foreign text are written one way."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from adversity.contracts.values import Measure
from adversity.report.words.wording import (
    NOTHING,
    eps_text,
    interval_text,
    measure_text,
    number,
    pairs,
    plain,
    seconds_text,
)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.5, "", "0.500"),
        (21.718, "dB", "21.72"),
        (0.00012, "", "1.20e-04"),
        (4e-19, "", "0.000"),
        (0.0, "", "0.000"),
        (-0.25, "", "-0.250"),
        (float("inf"), "dB", "inf"),
    ],
)
def test_number(value: float, unit: str, text: str) -> None:
    """Three decimals, two for decibels, exponents where those would hide the number."""
    assert number(value, unit) == text


def test_a_measure_never_stands_alone() -> None:
    """A written measure has its interval, or says that it has none, and its n."""
    assert measure_text(Measure(0.5, 10, 0.2, 0.8)) == "0.500 [0.200, 0.800], n = 10"
    bound = Measure(0.5, 10, 0.2, 0.8, details={"bound": "upper"})
    assert measure_text(bound) == "at most 0.500 [0.200, 0.800], n = 10"
    assert measure_text(Measure(2.0, 10, unit="nats")) == "2.000 nats no interval, n = 10"
    assert interval_text(Measure(30.0, 4, 29.5, 30.5, unit="dB")) == "[29.50, 30.50]"


@pytest.mark.parametrize("letter", ["\u202e", "\u2066", "\u200b", "\x00", "\x1b", "\ufeff", "\r"])
def test_invisible_letters_become_visible(letter: str) -> None:
    """Control and bidirectional letters are shown by their code point."""
    assert plain(f"a{letter}b") == f"a⟨U+{ord(letter):04X}⟩b"


def test_every_invisible_letter_becomes_visible() -> None:
    """Of all code points exactly those change that are control, format, private, surrogate or breaks."""
    hidden = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
    changed = {code for code in range(sys.maxunicode + 1) if plain(chr(code)) != chr(code)}
    expected = (
        code
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in hidden and chr(code) not in "\n\t"
    )
    assert changed == set(expected)


def test_ordinary_text_stays() -> None:
    """Letters of any script, line breaks and tabs are left as they are."""
    assert plain("Größe 猫\n\tقط") == "Größe 猫\n\tقط"


@pytest.mark.parametrize(
    ("eps", "norm", "text"),
    [
        (8 / 255, "linf", "8/255"),
        ("4/255", "linf", "4/255"),
        (0.5, "l2", "0.5"),
        (0.05, "linf", "0.05"),
        (0.5 / 255, "linf", "0.5/255"),
        ("0.5/255", "linf", "0.5/255"),
        (0.031, "linf", "0.031"),
        (0.2, "linf", "0.2"),
        (0, "linf", "0"),
        ("$eps", "linf", "$eps"),
    ],
)
def test_budgets_read_as_people_write_them(eps: object, norm: str, text: str) -> None:
    """Levels of at most three digits are written over 255, everything else as a number."""
    assert eps_text(eps, norm) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.44, "0.4 s"), (59.6, "1 min 00 s"), (192.4, "3 min 12 s")]
)
def test_durations(seconds: float, text: str) -> None:
    """Durations carry into minutes."""
    assert seconds_text(seconds) == text


def test_what_an_item_holds_stands_in_brackets() -> None:
    """The convention of a mean holds that of each cell; a reader sees words, no Python."""
    said = {"over": "seed", "in each cell": {"bins": 15, "edge": "guo"}, "none": {}}
    assert pairs(said) == f"over: seed, in each cell: (bins: 15, edge: guo), none: ({NOTHING})"
