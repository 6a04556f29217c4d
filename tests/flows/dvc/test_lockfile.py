"""`dvc.lock` is written whole or not at all, and what is remembered of it hides nothing."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import yaml
from dvc.utils.serialize import dumps_yaml
from hypothesis import given, settings
from hypothesis import strategies as st

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


# DVC's writer itself changes the last digits of some numbers that it has read.
EIGHTHS = st.integers(-80, 80).map(lambda eighths: eighths / 8)
ENTRIES = st.dictionaries(
    st.sampled_from(["a", "b-2", "1", "on", "null", "stages", "data-\u00e9"]),
    st.fixed_dictionaries(
        {"cmd": st.text(st.sampled_from("ab: #-'\"{[&*\u00e9"), min_size=1)},
        optional={
            "deps": st.lists(st.fixed_dictionaries({"path": st.text("ab/", min_size=1)})),
            "params": st.dictionaries(st.text("xy", min_size=1), st.none() | EIGHTHS | st.text()),
        },
    ),
    min_size=1,
)


@pytest.fixture(scope="module")
def entry_written(tmp_path_factory):
    """A function that writes an entry where a text is; order is that of the names."""
    folder = tmp_path_factory.mktemp("lock")
    names = sorted(["a", "b-2", "1", "on", "null", "stages", "data-\u00e9"])
    lock = lockfile.LockFile(SimpleNamespace(root_dir=str(folder)), lambda: names)

    def written(there, name, entry):
        (folder / "dvc.lock").write_bytes(there.encode())
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("dvc.stage.serialize.to_lockfile", lambda known: {name: entry})
            lock.write(SimpleNamespace(name=name))
        return (folder / "dvc.lock").read_bytes().decode()

    return written


@settings(max_examples=25, deadline=None)
@given(entries=ENTRIES, name=st.data())
def test_one_entry_at_a_time_gives_what_dvc_writes_at_once(entry_written, entries, name):
    """The same bytes as of DVC's own writer, where an entry is new and where it is replaced."""
    whole = dumps_yaml({"schema": "2.0", "stages": dict(sorted(entries.items()))})
    chosen = name.draw(st.sampled_from(sorted(entries)))
    others = {key: value for key, value in sorted(entries.items()) if key != chosen}
    without = dumps_yaml({"schema": "2.0", "stages": others}) if others else ""
    in_place = dict(sorted({**others, chosen: {"cmd": "old"}}.items()))
    replaced = dumps_yaml({"schema": "2.0", "stages": in_place})
    for there in (without, replaced):
        assert entry_written(there, chosen, entries[chosen]) == whole


@pytest.mark.parametrize(
    "there",
    [
        "",
        "schema: '2.0'\n",
        "stages: {}\n",
        "stages: {b: {cmd: y}}\n",
        "stages:\n  b: {cmd: y}",
        "stages: {b: &b {cmd: y}, a: *b}\n",
        "stages:\n  a: &a\n    cmd: y\n  b: *a\n",
        "stages:\n  ? b\n  : cmd: y\n",
        "\ufeffstages:\r\n  b:\r\n    cmd: y\r\ndatasets: []\r\n",
        "datasets: []\nstages:\n  b:\n    cmd: y\nschema: '2.0'\n# end\n",
    ],
)
def test_a_file_that_dvc_laid_out_otherwise_keeps_its_entries(entry_written, there):
    """Flow style, anchors, other line ends: what is there afterwards is that and the entry."""
    then = yaml.safe_load(there) or {}
    now = yaml.safe_load(entry_written(there, "a", {"cmd": "new"}))
    assert now["stages"] == {**(then.get("stages") or {}), "a": {"cmd": "new"}}
    assert {**now, "schema": "2.0"}.keys() == {*then, "schema", "stages"}


def test_comments_by_hand_stay_with_what_they_stand_above(entry_written):
    """Those of the entry that is written anew go with it, and no other."""
    there = (
        "# all\nschema: '2.0'\nstages:\n  # of a\n  a:\n    cmd: old\n"
        "  # of b\n  # two lines\n  b:\n    cmd: y # and here\n# last\n"
    )
    assert entry_written(there, "a", {"cmd": "new"}) == there.replace("  # of a\n", "").replace(
        "old", "new"
    )


def test_a_damaged_file_is_named_and_stays(entry_written, project, write):
    """By DVC, which says where it is damaged."""
    lock = project / "dvc.lock"
    lock.write_text("stages: {a: b: c}\n")
    with pytest.raises(Exception, match="structure is corrupted"):
        write()
    assert lock.read_text() == "stages: {a: b: c}\n"


def test_each_step_makes_the_text_of_its_own_entry_alone(project, fake, conductor, monkeypatch):
    """Three steps, three entries through DVC's slow writer, and one parse: of no file at all."""
    import dvc.utils.serialize as slow

    from adversity_flows.dvc.sync import sync

    sync(project, [fake.fake_plan(project)])
    dumps, parse, made, parsed = slow.dumps_yaml, slow.parse_yaml_for_update, [], []
    monkeypatch.setattr(
        slow, "dumps_yaml", lambda content: made.append(list(content["stages"])) or dumps(content)
    )
    monkeypatch.setattr(
        slow, "parse_yaml_for_update", lambda *given: parsed.append(given[0]) or parse(*given)
    )
    conduct(conductor())
    first, second, third = "tiny-predictions", "tiny-attacked", "tiny-report"
    assert made == [[first], [first], [second], [third]]
    assert parsed == [""]
