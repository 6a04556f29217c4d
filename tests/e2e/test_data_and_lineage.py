"""Data that changed under DVC, and inputs that change under a step, are refused."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.slow

EDITING = """
import sys
from pathlib import Path
from adversity.engine.stages.attack_stage import AttackRun
from adversity_flows.cli import main

compute = AttackRun.run_shard

def editing(job, shard):
    compute(job, shard)
    path = Path("artifacts/smoke/net/measures.json")
    path.write_text(path.read_text() + " ")

AttackRun.run_shard = editing
sys.exit(main(["run", "pipelines/smoke.yaml", "--direct", "--set", "matrix.eps=[2/255]"]))
"""


def test_a_data_set_edited_on_disk_is_refused_with_the_way_out(copied):
    """A changed manifest stops the run and stays; what the message says puts it right."""
    manifest = copied.root / "data/digits/manifest.csv"
    before = manifest.read_bytes()
    manifest.write_bytes(before + b"\n")
    answer = copied.run(code=2)
    assert "data/digits" in answer.err
    assert "it changed on disk" in answer.err
    assert "`dvc commit data-digits`" in answer.err
    assert "`dvc checkout data-digits`" in answer.err
    assert manifest.read_bytes() == before + b"\n"
    copied.dvc("checkout", "--force", "data-digits")
    assert manifest.read_bytes() == before
    assert copied.run().ran == {}


def test_an_input_edited_while_a_step_runs_is_not_recorded(copied, put_program):
    """The step fails and says which input changed; artifact and dvc.lock stay as they were."""
    before = copied.results()
    answer = copied.call(put_program("editing", EDITING), code=None)
    assert answer.code not in (0, 1)
    # No key goes by this file, only DVC does: of a damaged state the key says it.
    assert "artifacts/smoke/net changed; nothing was recorded" in answer.err
    after = copied.results()
    changed = {name for name in before if after.get(name) != before[name]}
    assert changed == {"artifacts/smoke/net/measures.json"}
    manifests = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in (copied.root / "runs").glob("*/manifest.json")
    ]
    assert sorted(manifest["state"] for manifest in manifests) == ["done", "failed"]
