"""Numbers in text: what people write is the number they mean, and nothing else is one."""

from __future__ import annotations

from fractions import Fraction

import pytest

from adversity.contracts.plugin import parse_fraction
from adversity.numerals import exact_number, number_in, parse_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3", 3),
        ("-2.50", Fraction(-5, 2)),
        ("4/255", Fraction(4, 255)),
        ("0.5/255", Fraction(1, 510)),
        ("1/2/3", None),
        ("1e-3", Fraction(1, 1000)),
        ("1_000", 1000),
        ("none", None),
        ("nan", None),
        ("1/0", None),
        ("0x10", None),
    ],
)
def test_matrix_values(text: str, number: Fraction | int | None) -> None:
    """Decimals, fractions and what Python reads as a whole number are numbers."""
    assert exact_number(text) == number
    assert parse_number(text) == (None if number is None else pytest.approx(float(number)))


@pytest.mark.parametrize("text", ["4/255", "0.1/3", "2 / 7"])
def test_a_fraction_is_the_number_that_a_parameter_gets(text: str) -> None:
    """To the last bit: an axis of a chart and the budget that was used are one number."""
    written = text.replace(" ", "")  # no value of a matrix has spaces
    assert parse_number(written) == parse_fraction(text)


@pytest.mark.parametrize("text", ["1e400", "1e999999999", "-1e-999999999", "1/1e999999999"])
def test_what_no_float_holds_is_no_number(text: str) -> None:
    """At once: as exact numbers these would have a billion digits."""
    assert parse_number(text) is None


@pytest.mark.parametrize(
    ("value", "number"),
    [(" 2.5 ", 2.5), (".5e1", 5.0), (3, 3.0), ("4/255", None), ("1e400", None), ("inf", None)],
)
def test_numbers_in_tables(value: object, number: float | None) -> None:
    """A cell of a CSV file is a finite decimal number or none."""
    assert number_in(value) == number
