"""Writing the resolved plugins from plans, and comparing them with what is there."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from adversity.errors import InputError
from adversity_flows.dvc import resolved
from adversity_flows.dvc.sync import sync


def test_resolved_plugins_are_written_once_and_verified_in_words(project, plan, fake):
    """The same plan gives the same bytes; another version is said in words."""
    file = "pipelines/.resolved/tiny.yaml"
    assert resolved.verify(plan) == (f"{file}: the file of resolved plugins is missing",)
    assert resolved.write(plan)
    assert not resolved.write(plan)
    assert resolved.verify(plan) == ()
    assert resolved.verify(fake.fake_plan(project, version="1.3")) == (
        f"{file}: plugin classifier/length: version 1.2 -> 1.3",
    )


def test_pipelines_share_the_file_of_a_packaged_data_set(project, plan, another):
    """Where the data come from stands in one file; what differs is said once, in words."""
    letters = {"plugin": "dataset/letters", "version": "1.2", "content": "a" * 64}
    plans = [replace(p, packaged={"letters": letters}) for p in (plan, another)]
    file = "pipelines/.resolved/data/letters.yaml"
    missing = f"{file}: the file of resolved plugins is missing"
    assert sync(project, plans, check=True).count(missing) == 1
    sync(project, plans)
    assert yaml.safe_load((project / file).read_text()) == {"letters": letters}
    assert sync(project, plans, check=True) == ()
    newer = [replace(p, packaged={"letters": {**letters, "content": "b" * 64}}) for p in plans]
    assert sync(project, newer, check=True) == (
        f"{file}: plugin dataset/letters: the packaged data changed",
    )


@pytest.mark.parametrize("text", ["steps: [", "\tx", "!!python/object/apply:os.getcwd []"])
def test_a_damaged_resolved_file_is_refused(project, plan, text):
    """Only plain YAML is read; anything else says how to fix it."""
    resolved.write(plan)
    (plan.root / resolved.FOLDER / f"{plan.name}.yaml").write_text(text)
    with pytest.raises(InputError, match="adversity sync"):
        resolved.verify(plan)
