"""A run of an unchanged pipeline answers from what is recorded."""

from __future__ import annotations

import resource
import sys

import pytest

pytestmark = pytest.mark.slow

MODULES = """
import sys
from adversity_flows.cli import main
code = main(["run", "pipelines/smoke.yaml"])
sys.stderr.write(",".join(sorted({name.partition(".")[0] for name in sys.modules})))
sys.exit(code)
"""
HEAVY = {"torch", "torchvision", "prefect", "altair", "vl_convert", "sklearn", "scipy", "skimage"}


def processor_seconds() -> float:
    """Return what the programs that this process called have taken of a processor, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_a_second_run_is_a_no_op_within_seconds(copied, finished):
    """Nothing runs, the earlier run's folder stands for it, and no file changes.

    Deciding, recalling, judging and printing need no torch, no Prefect and no drawing.
    """
    runs = sorted((copied.root / "runs").iterdir())
    before = processor_seconds()
    answer = copied.call(sys.executable, "-c", MODULES)
    seconds = processor_seconds() - before
    assert answer.ran == {}
    assert len(answer.unchanged) == 8
    assert "nothing had changed" in answer.out
    assert "✓ PASS: the gate passed" in answer.out
    assert sorted((copied.root / "runs").iterdir()) == runs
    assert copied.differences(finished) == []
    assert copied.call("git", "status", "--porcelain").out == ""
    # 1.6 s of a processor; the rest is room for slow ones. Others that wait for it do not count.
    assert 0 < seconds < 20
    assert not set(answer.err.rpartition("\n")[2].split(",")) & HEAVY
