"""The process is as it was after a plugin was checked, whatever the plugin did to it."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from kit_subjects import Copy

from adversity.testing import check_plugin
from adversity.testing.bench.host import host_as_found

if TYPE_CHECKING:
    from pathlib import Path


def _meddle(folder: Path) -> None:
    """Change whatever a careless plugin changes."""
    import torch

    random.seed(5)
    np.random.seed(5)  # noqa: NPY002  (what must not be done)
    torch.manual_seed(5)
    warnings.simplefilter("ignore")
    os.chdir(folder)
    os.environ["MEDDLED"] = "1"
    sys.settrace(lambda *_: None)
    sys.setprofile(lambda *_: None)
    torch.set_grad_enabled(False)
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(torch.get_num_threads() + 1)
    torch.use_deterministic_algorithms(not torch.are_deterministic_algorithms_enabled())
    np.seterr(all="raise")
    sys.excepthook = threading.excepthook = lambda *_: None
    sys.stderr = sys.stdout
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _host() -> dict[str, Any]:
    """Return everything of the process that a plugin might change."""
    import torch

    return {
        "python": random.getstate(),
        "numpy": np.random.get_state()[1].tolist(),  # type: ignore[index]  # noqa: NPY002
        "torch": torch.get_rng_state().tolist(),
        "filters": list(warnings.filters),
        "folder": os.getcwd(),  # noqa: PTH109  (the very thing)
        "environment": dict(os.environ),
        "trace": sys.gettrace(),
        "profile": sys.getprofile(),
        "grad": torch.is_grad_enabled(),
        "dtype": torch.get_default_dtype(),
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "numpy errors": np.geterr(),
        "hooks": (sys.excepthook, threading.excepthook),
        "streams": (sys.stdout, sys.stderr),
        "signal": signal.getsignal(signal.SIGTERM),
    }


def test_host_is_left_as_it_was(tmp_path: Path) -> None:
    """Random states, filters, folder, environment, trace function and settings come back."""
    before = _host()
    with host_as_found():
        _meddle(tmp_path)
        assert [name for name, value in _host().items() if before[name] == value] == []
    assert _host() == before


def test_plugin_that_meddles_leaves_the_host_alone(tmp_path: Path) -> None:
    """The same holds for a plugin that is checked, and for one that raises in the middle."""

    class Meddles(Copy):
        """Change the process and fail."""

        def degrade(self, images: Any, rng: Any) -> Any:
            _meddle(tmp_path)
            raise RuntimeError("and away")

    before = _host()
    assert not check_plugin(Meddles, raises=False).passed
    assert _host() == before


def test_host_comes_back_from_a_folder_that_is_gone(tmp_path: Path) -> None:
    """A plugin that deletes the folder it went to does not keep us there."""
    gone, before = tmp_path / "gone", os.getcwd()  # noqa: PTH109  (the very thing)
    gone.mkdir()
    with host_as_found():
        os.chdir(gone)
        gone.rmdir()
    assert os.getcwd() == before  # noqa: PTH109
