"""Data that several runs want to write first: who waits, for whom, and how long."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import replace

import pytest

from adversity.errors import RunError
from adversity_flows.dvc.sync import sync
from adversity_flows.steps.first_copies import take_turns


@pytest.fixture
def data(project, plan):
    """A stage that stands for one of data, of which nothing is written yet."""
    sync(project, [plan])
    return replace(plan.stages[0], step="data:photos")


@pytest.fixture
def reservation(project, data):
    """What another living process has reserved: the parent of this one."""
    path = project / ".dvc/tmp/rwlock"
    entry = {"pid": os.getppid(), "cmd": "adversity run"}
    path.write_text(json.dumps({"write": {str(project / data.out): entry}, "read": {}}))
    return path


def test_nobody_waits_for_ever(project, memory, data, reservation):
    """After the patience the process is named, also where its folder stands but is not recorded."""
    for folder in (None, project / data.out):
        if folder is not None:
            folder.mkdir(parents=True)
        with pytest.raises(RunError, match=rf"process {os.getppid()} \(adversity run\)"):
            take_turns(memory, [data], patience=0)


def test_it_goes_on_when_the_other_is_done(memory, data, reservation):
    """What the other did not write in the end stays reserved here, and is let go of once."""
    other = threading.Timer(0.5, reservation.write_text, ('{"write": {}, "read": {}}',))
    other.start()
    started = time.monotonic()
    take_turns(memory, [data], patience=20)
    other.join()
    assert time.monotonic() - started >= 0.5
    assert str(os.getpid()) in reservation.read_text()
    memory.release(data.name)
    assert str(os.getpid()) not in reservation.read_text()


def test_what_is_there_is_not_reserved(project, memory, data):
    """Data that stand there and that nobody writes cost no look of DVC, nor does any other step."""
    (project / data.out).mkdir(parents=True)
    take_turns(memory, [data, replace(data, step="predictions")])
    assert (
        not (project / ".dvc/tmp/rwlock").exists()
        or str(os.getpid()) not in (project / ".dvc/tmp/rwlock").read_text()
    )
