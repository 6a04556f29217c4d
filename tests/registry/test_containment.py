"""What an import does to the process is undone and named, and only what it did."""

import logging
import os
import signal
import sys
import threading
import warnings

import numpy as np
import pytest

from adversity.registry import containment
from adversity.registry.containment import Guard, contained


def test_nothing_changed_is_nothing_told():
    """A narrow filter, a library's way to silence one message of its own, is left alone."""
    with warnings.catch_warnings():
        with contained("acme") as undone:
            warnings.filterwarnings("ignore", message="acme knows about this")
            np.random.default_rng(0).normal()
        assert undone == []
        assert [f for f in warnings.filters if f[1] and f[1].match("acme knows about this")]
        assert not [f for f in warnings.filters if f[1] and "shadows" in f[1].pattern]


def _no_errors():
    np.seterr(all="ignore")


def _reseed():
    np.random.seed(0)  # noqa: NPY002  (what careless plugins do)


def _reset_filters():
    warnings.resetwarnings()


def _end_on_sigterm():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _double():
    import torch

    torch.set_default_dtype(torch.float64)


def _no_gradients():
    import torch

    torch.set_grad_enabled(False)


def _trace():
    sys.settrace(lambda *_: None)


def _profile():
    sys.setprofile(lambda *_: None)


def _one_more_thread():
    import torch

    torch.set_num_threads(torch.get_num_threads() + 1)


def _state():
    import torch

    return (
        sys.gettrace(),
        sys.getprofile(),
        torch.get_num_threads(),
        np.geterr(),
        np.random.get_state()[1].tolist(),  # noqa: NPY002
        list(warnings.filters),
        signal.getsignal(signal.SIGTERM),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_no_errors, "NumPy's handling of errors"),
        (_reseed, "NumPy's random numbers"),
        (_reset_filters, "everybody's warning filters"),
        (_end_on_sigterm, "what SIGTERM does"),
        (_double, "PyTorch's default type"),
        (_no_gradients, "whether PyTorch keeps gradients"),
        (_trace, "the trace function"),
        (_profile, "the profile function"),
        (_one_more_thread, "PyTorch's threads"),
    ],
)
def test_what_concerns_everybody_is_put_back_and_named(change, said):
    """Each alone: its name and no other, and the process as it was."""
    before = _state()
    with contained("acme") as undone:
        change()
        assert _state() != before
    assert undone == [said]
    assert _state() == before


def test_a_folder_that_is_gone_is_named_all_the_same(tmp_path, monkeypatch):
    """The plugin left a working directory that can no longer be entered."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    with contained("acme") as undone:
        os.chdir(tmp_path)
        gone.rmdir()
    assert undone == ["the working directory"]


def test_a_thread_that_keeps_the_program_is_named():
    """It cannot be ended by anybody; a daemon ends with the program."""
    stop = threading.Event()
    threads = [threading.Thread(target=stop.wait, daemon=daemon) for daemon in (True, False)]
    undone = []
    for thread in threads:
        with contained("acme") as found:
            thread.start()
        undone.append(found)
    stop.set()
    for thread in threads:
        thread.join()
    assert undone[0] == []
    assert "one is not a daemon" in undone[1][0]


def test_an_import_that_takes_long_is_named_while_it_lasts(monkeypatch, caplog):
    """So that a user who waits knows for whom, and how to leave it out."""
    monkeypatch.setattr(containment, "PATIENCE_SECONDS", 0.01)
    heard = threading.Event()
    monkeypatch.setattr(containment._log, "warning", _hear(heard, containment._log.warning))
    with caplog.at_level(logging.WARNING), contained("acme-slow"):
        assert heard.wait(timeout=60)
    assert "leave it out with ADVERSITY_BLOCK=acme-slow" in caplog.text


def _hear(heard, call):
    def heard_call(*arguments):
        call(*arguments)
        heard.set()

    return heard_call


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_by_the_user_passes_the_guard(number):
    """It came as a signal, whichever is taken as Ctrl-C; the handler before is back in place."""
    original = signal.signal(number, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), Guard():
            signal.raise_signal(number)
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, original)


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError])
def test_whatever_else_is_raised_stays_in_the_guard(raised):
    """In the main thread and in others, where no signal arrives."""
    kept = []

    def enter():
        with Guard() as guard:
            raise raised("by the plugin")
        kept.append(type(guard.error))

    enter()
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert kept == [raised, raised]


def test_what_is_printed_goes_to_standard_error(capsys):
    """Standard output may be a JSON document."""
    with contained("acme") as undone:
        sys.stdout.write("hello\n")
    assert (undone, tuple(capsys.readouterr())) == ([], ("", "hello\n"))
