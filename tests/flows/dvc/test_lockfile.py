"""What is remembered of `dvc.lock` between two writes never hides what the file says."""

from __future__ import annotations

import pytest

from adversity_flows.dvc import lockfile
from adversity_flows.steps.run_steps import conduct


@pytest.fixture
def recorded(project, fake, conductor):
    """The project after a run of all steps, and a function that records one again."""
    from adversity_flows.dvc.sync import sync

    sync(project, [fake.fake_plan(project)])
    conduct(conductor())
    return lambda: conduct(conductor(force=("report",)))


def test_what_another_process_wrote_in_between_stays(recorded, project):
    """An entry that came after our last write is in the file after the next one."""
    lock = project / "dvc.lock"
    theirs = "  theirs:\n    cmd: 'true'  # by hand\n"
    lock.write_text(lock.read_text() + theirs)
    recorded()
    assert theirs in lock.read_text()


def test_a_write_that_failed_is_not_remembered(recorded, project, monkeypatch):
    """What was to be written and is not on the disk does not come with the next write."""
    lock = project / "dvc.lock"
    before = lock.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(lockfile.Path, "replace", _full)
        with pytest.raises(Exception, match="No space left"):
            recorded()
    assert lock.read_bytes() == before
    recorded()
    assert lock.read_bytes() == before


def test_the_file_is_parsed_once_for_all_steps_of_a_run(project, fake, conductor, monkeypatch):
    """Three steps, three writes, one parse."""
    import dvc.utils.serialize

    from adversity_flows.dvc.sync import sync

    sync(project, [fake.fake_plan(project)])
    parse, paths = dvc.utils.serialize.parse_yaml_for_update, []

    def counted(text, path):
        paths.append(path)
        return parse(text, path)

    monkeypatch.setattr(dvc.utils.serialize, "parse_yaml_for_update", counted)
    conduct(conductor())
    assert paths == [str(project / "dvc.lock")]


def _full(path, target):
    raise OSError(28, "No space left on device")
