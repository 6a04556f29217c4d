"""`dvc.lock` is written whole or not at all, and what is remembered of it hides nothing."""

from __future__ import annotations

import pytest
import yaml

from adversity.errors import InputError
from adversity_flows.dvc import lockfile
from adversity_flows.dvc.project_file import ParsedProject
from adversity_flows.dvc.repository import open_repository
from adversity_flows.steps.run_steps import conduct


@pytest.fixture
def recorded(project, fake, conductor):
    """The project after a run of all steps, and a function that records one again."""
    from adversity_flows.dvc.sync import sync

    sync(project, [fake.fake_plan(project)])
    conduct(conductor())
    return lambda: conduct(conductor(force=("report",)))


@pytest.fixture
def write(conducted):
    """A function that writes the entry of the report again, as it is recorded."""
    with open_repository(conducted) as repo:
        report = ParsedProject(repo).stage("tiny-report")
        yield lambda: lockfile.LockFile(repo, list).write(report)


def test_what_another_process_wrote_in_between_stays(recorded, project):
    """An entry that came after our last write is in the file after the next one."""
    lock = project / "dvc.lock"
    theirs = "  theirs:\n    cmd: 'true'  # by hand\n"
    lock.write_text(lock.read_text() + theirs)
    recorded()
    assert theirs in lock.read_text()


def test_a_write_that_failed_is_not_remembered(recorded, project, edit, monkeypatch):
    """What was to be written and is not on the disk does not come with the next write."""
    lock = project / "dvc.lock"
    before = lock.read_bytes()
    replace, full = lockfile.Path.replace, []

    def replaced(path, target):
        if lockfile.Path(target).name != "dvc.lock":
            return replace(path, target)
        full.append(path.read_bytes())
        raise OSError(28, "No space left on device")

    edit("4/255", "2/255")
    with monkeypatch.context() as patch:
        patch.setattr(lockfile.Path, "replace", replaced)
        with pytest.raises(Exception, match="No space left"):
            recorded()
    assert full
    assert all(b"eps: 2/255" in content for content in full)
    assert lock.read_bytes() == before
    edit("2/255", "4/255")
    recorded()
    assert lock.read_bytes() == before


def test_a_failure_while_the_lock_file_is_written_leaves_the_old_one(
    recorded, project, edit, monkeypatch
):
    """A failure while the lock file is written: the old one stays, and no half of a new one."""
    lock = project / "dvc.lock"
    before = lock.read_bytes()
    opened = lockfile.Path.open

    def half(path, *arguments, **options):
        if not path.name.startswith("dvc.lock.tmp-"):
            return opened(path, *arguments, **options)
        with opened(path, *arguments, **options) as stream:
            stream.write(b"schema: '2")
        raise OSError(28, "No space left on device")

    edit("4/255", "2/255")
    monkeypatch.setattr(lockfile.Path, "open", half)
    with pytest.raises(Exception, match="No space left"):
        recorded()
    assert lock.read_bytes() == before
    assert sorted(path.name for path in project.glob("dvc.*")) == ["dvc.lock", "dvc.yaml"]


@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_in_the_place_of_the_new_lock_file_is_not_followed(
    project, write, monkeypatch, is_there
):
    """Were its name guessed, what a link there names keeps its content."""
    lock, elsewhere = project / "dvc.lock", project.parent / "elsewhere"
    before = lock.read_bytes()
    elsewhere.write_text("not ours")
    place = project / "dvc.lock.tmp-guessed"
    place.symlink_to(elsewhere)
    monkeypatch.setattr(lockfile, "beside", lambda path: place)
    if not is_there:
        lock.unlink()
    write()
    assert elsewhere.read_text() == "not ours"
    assert not lock.is_symlink()
    entries = yaml.safe_load(before)["stages"]
    if not is_there:
        entries = {"tiny-report": entries["tiny-report"]}
    assert yaml.safe_load(lock.read_text())["stages"] == entries


def test_a_lock_file_that_is_no_text_is_named(project, write):
    """With the line of the first byte that is none, and it stays as it is."""
    lock = project / "dvc.lock"
    lock.write_bytes(b"# one\n# caf\xe9\n" + lock.read_bytes())
    before = lock.read_bytes()
    with pytest.raises(InputError, match=r"dvc\.lock:2: expected UTF-8 text, got the byte 0xe9"):
        write()
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
