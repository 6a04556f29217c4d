"""What the terminal can show is decided by option, environment and stream, in this order."""

from __future__ import annotations

import io

import pytest

from adversity_flows.cli.terminal import Terminal


class Tty(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("choice", "environment", "tty", "colour"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"TERM": "dumb"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_colour(choice, environment, tty, colour, monkeypatch):
    """--color beats NO_COLOR, which beats FORCE_COLOR, which beats what the stream is."""
    monkeypatch.delenv("TERM", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Terminal.of(Tty() if tty else io.StringIO(), colour=choice).colour is colour


def test_forced_colour_draws_no_live_block(monkeypatch):
    """FORCE_COLOR colours a log, but nothing is drawn again and again in it."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert not Terminal.of(io.StringIO()).live


def test_ci_draws_no_live_block(monkeypatch):
    """A terminal in CI gets plain lines."""
    monkeypatch.setenv("CI", "1")
    assert not Terminal.of(Tty()).live


def test_signs_are_plain_where_the_encoding_has_none():
    """A stream in ASCII gets plain signs instead of an error."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    Terminal.of(stream).say("✓ limit ≥ 0.5 · ≈ 20 — für")
    stream.flush()
    assert raw.getvalue().decode() == "+ limit >= 0.5 - ~ 20 - f\\xfcr\n"


def test_a_pipe_gets_no_escape_sequences():
    """Painted text in a pipe is the bare text."""
    stream = io.StringIO()
    terminal = Terminal.of(stream)
    terminal.say(terminal.paint("FAIL", "red", bold=True) + terminal.dim(" why"))
    assert stream.getvalue() == "FAIL why\n"
