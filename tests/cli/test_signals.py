"""Signals that end a command: one sentence and exit code 130, however many come."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from adversity_flows import ending_signals

WORKING = """
import sys, time
import adversity_flows.cli as cli

def command(_):
    try:
        print("at work", flush=True)
        time.sleep(60)
    finally:
        time.sleep(0.5)
        print("cleaned up", flush=True)

cli._call = command
sys.argv[1:] = []
sys.exit(cli.main())
"""
"""A command that works for long and takes a while to clean up."""

SENTENCE = "interrupted: what is finished is kept, the same command goes on from there\n"


def working(environment, **options):
    """Start the command and wait until it works."""
    child = subprocess.Popen(
        [sys.executable, "-c", WORKING],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
    assert child.stdout.readline() == "at work\n"
    return child


@pytest.mark.parametrize(
    "storm",
    [
        [signal.SIGINT] * 30,
        [signal.SIGTERM, signal.SIGINT, signal.SIGHUP] * 10,
        [signal.SIGHUP] * 2,
        [signal.SIGXCPU],
    ],
    ids=["ctrl-c", "all", "hangup", "processor time"],
)
def test_however_many_come_it_cleans_up_and_says_one_sentence(storm, child_environment):
    """Signals that follow neither break what the first one set off nor change the exit code."""
    with working(child_environment) as child:
        for number in storm:
            with suppress(ProcessLookupError):
                child.send_signal(number)
            time.sleep(0.02)
        out, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert out == "cleaned up\n"
    assert err == SENTENCE


def test_a_signal_that_the_parent_ignores_is_ignored(child_environment):
    """Under nohup a command outlives the terminal."""

    def ignore():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    with working(child_environment, preexec_fn=ignore) as child:
        child.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.5)
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=60)
    assert child.returncode == 130


def test_a_signal_that_comes_much_later_is_meant(monkeypatch):
    """Whoever waits for seconds and presses Ctrl-C again ends the wait, too."""
    clock = [100.0]
    monkeypatch.setattr(ending_signals.time, "monotonic", lambda: clock[0])
    before = {number: signal.getsignal(number) for number in ending_signals.ENDING_SIGNALS}
    try:
        ending_signals.take_as_interrupt()
        for later, heard in ((0.0, True), (0.1, False), (4.9, False), (5.1, True), (0.1, False)):
            clock[0] += later
            if heard:
                with pytest.raises(KeyboardInterrupt):
                    signal.raise_signal(signal.SIGTERM)
            else:
                signal.raise_signal(signal.SIGTERM)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
