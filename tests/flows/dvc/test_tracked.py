"""The guard around a packaged data set that a `data-...` stage wrote."""

from __future__ import annotations

import shutil

import pytest

from adversity.errors import DataError
from adversity.pipeline.plan.model import Stage
from adversity_flows.dvc.recorder import Inputs


@pytest.fixture
def stage(project, memory):
    """A data stage whose folder is on disk and recorded."""
    text = "stages:\n  data-letters:\n    cmd: 'true'\n    outs: [data/letters]\n"
    (project / "dvc.yaml").write_text(text + "    meta: {generated_by: adversity}\n")
    made = Stage("data:letters", "data-letters", "true", (), {}, "data/letters")
    assert memory.state(made).reason == "never ran"
    (project / "data/letters").mkdir()
    (project / "data/letters/a.txt").write_text("a")
    memory.record(made, Inputs({}, {}))
    return made


def test_it_is_unchanged_as_it_was_recorded(memory, stage):
    """A stage without inputs stays fresh while its folder does."""
    assert memory.state(stage).reason == "unchanged"


def test_changed_by_hand_it_is_refused(project, memory, stage):
    """The data are neither used nor made again until the user accepts or restores them."""
    (project / "data/letters/a.txt").write_text("mine")
    with pytest.raises(DataError, match=r"dvc commit data-letters.*dvc checkout data-letters"):
        memory.state(stage)


def test_lost_it_is_made_again(project, memory, stage):
    """A deleted folder is not a change to refuse: the package still has the data."""
    shutil.rmtree(project / "data/letters")
    decision = memory.state(stage)
    assert decision.stale == (not (project / "data/letters/a.txt").exists())
    assert "output data/letters missing" in decision.reason
