"""Replacing outputs so that a kill leaves the old or the new."""

from __future__ import annotations

import os

import pytest

from adversity_flows.dvc.replace import beside, clear, exchanged, recover


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_new_output_replaces_what_is_there_and_leaves_nothing_beside(tmp_path, kind):
    """The new content stands in the old one's place, and no leftover does."""
    target = tmp_path / "out"
    for text in ("old", "new"):
        new = beside(target)
        if kind == "folder":
            new.mkdir()
            (new / "content").write_text(text)
        else:
            new.write_text(text)
        with exchanged([(new, target)]):
            pass
    content = target / "content" if kind == "folder" else target
    assert content.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_takes_the_place_of_a_folder(tmp_path):
    """A file replaces a folder too."""
    target = tmp_path / "out"
    target.mkdir()
    new = beside(target)
    new.write_text("new")
    with exchanged([(new, target)]):
        pass
    assert target.read_text() == "new"


@pytest.mark.parametrize("broken", ["body", "second rename"])
def test_what_fails_half_way_puts_everything_back(tmp_path, broken):
    """Old outputs stand again, one that is new is gone, and nothing lies beside them."""
    pairs = [(beside(tmp_path / name), tmp_path / name) for name in ("folder", "file", "fresh")]
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "content").write_text("old")
    (tmp_path / "file").write_text("old")
    (folder, _), (file, _), (fresh, _) = pairs
    folder.mkdir()
    fresh.write_text("new")
    if broken == "body":
        file.write_text("new")
    with pytest.raises((ZeroDivisionError, FileNotFoundError)), exchanged(pairs):
        raise ZeroDivisionError
    assert (tmp_path / "folder" / "content").read_text() == "old"
    assert (tmp_path / "file").read_text() == "old"
    assert not (tmp_path / "fresh").exists()
    assert not list(tmp_path.glob("*.old-*"))


def test_recover_keeps_off_what_a_living_process_writes(tmp_path):
    """Leftovers of this or another living process stay."""
    alive = [tmp_path / f"out.tmp-{os.getpid()}", tmp_path / f"out.tmp-{os.getppid()}"]
    for path in alive:
        path.mkdir()
    recover(tmp_path / "out")
    assert all(path.is_dir() for path in alive)


def test_two_writers_of_one_process_share_no_place(tmp_path, dead_pid):
    """Each has a name of its own, and what is left of it is recognised once its process ended."""
    places = [beside(tmp_path / "out") for _ in range(2)]
    assert places[0] != places[1]
    left = [
        place.with_name(place.name.replace(str(os.getpid()), str(dead_pid))) for place in places
    ]
    for place in (*places, *left):
        place.mkdir()
    recover(tmp_path / "out")
    assert sorted(tmp_path.iterdir()) == sorted(places)


def test_recover_deletes_what_a_dead_process_moved_away_only_if_the_new_is_there(
    tmp_path, dead_pid
):
    """The old one is put back where nothing is, and deleted where the new one is."""
    target, old = tmp_path / "out", tmp_path / f"out.old-{dead_pid}"
    old.mkdir()
    (old / "content").write_text("old")
    recover(target)
    assert (target / "content").read_text() == "old"
    old.mkdir()
    recover(target)
    assert not old.exists()
    assert target.is_dir()


def test_recover_leaves_names_alone_that_only_look_alike(tmp_path):
    """Another step's artifact whose name starts alike, or a user's file, is not touched."""
    others = ["out.tmp-x", "out.tmp", "output.tmp-999999999", "out.notes-1"]
    for name in others:
        (tmp_path / name).mkdir()
    recover(tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(others)


def test_clear_does_not_follow_a_link(tmp_path):
    """A link is removed, not what it leads to."""
    kept = tmp_path / "kept"
    kept.mkdir()
    (tmp_path / "link").symlink_to(kept)
    clear(tmp_path / "link")
    assert list(tmp_path.iterdir()) == [kept]
