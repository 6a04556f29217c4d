"""What the files of a run's data sets were, by what the run kept of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from adversity_flows.runs.file_contents import contents_in, place_of
from adversity_flows.runs.past_runs import RunFolder

if TYPE_CHECKING:
    from pathlib import Path

    from adversity_flows.runs.past_runs import PastRun

LISTED = {
    "data/test": {"dark/a.png": "1", "labels.csv": "2"},
    "data/.versions/test@0123456789": {"data/test/dark/a.png": "3", "SHA256SUMS": "4"},
    "data/.versions/test@9876543210": {"data/test/dark/a.png": "5"},
}
ON_DISK = {"facts": {"path": "data/test"}}
PINNED = {"facts": {"path": "data/test", "version": "0123456789abcdef.dir"}}
IN_GIT = {"facts": {"path": "data/test", "version": "git:9876543210ff"}}


def run_in(root: Path, name: str, hashes: dict[str, str], *, kept: bool = True) -> PastRun:
    """Return a run that read folders of these contents, with what it kept of their files."""
    folder = root / "runs" / name
    folder.mkdir(parents=True)
    if kept:
        (folder / "inputs.json").write_text(json.dumps(LISTED), encoding="utf-8")
    run = RunFolder(root, "p")
    run.path = folder
    return run.write_manifest({"hashes": hashes})


def test_a_file_is_found_by_the_id_of_its_sample(tmp_path: Path) -> None:
    """On the disk and at a revision; what is no file has none."""
    past = run_in(tmp_path, "1", dict.fromkeys(LISTED, "aa.dir"))
    for data, content in ((ON_DISK, "1"), (PINNED, "3"), (IN_GIT, "5")):
        found = contents_in(past, data, ["dark/a.png", "digit-0001", "../data/test/dark/a.png"])
        assert found == {"dark/a.png": content}


def test_a_run_that_kept_none_goes_by_one_of_the_same_content(tmp_path: Path) -> None:
    """As a run does in which nothing had to be computed."""
    bare = run_in(tmp_path, "2", {"data/test": "aa.dir"}, kept=False)
    assert contents_in(bare, ON_DISK, ["dark/a.png"]) == {}
    run_in(tmp_path, "3", {"data/test": "bb.dir"})
    assert contents_in(bare, ON_DISK, ["dark/a.png"]) == {}
    run_in(tmp_path, "1", {"data/test": "aa.dir"})
    assert contents_in(bare, ON_DISK, ["dark/a.png"]) == {"dark/a.png": "1"}


def test_of_what_lies_nowhere_nothing_is_known(tmp_path: Path) -> None:
    """Nor of a version that was not read."""
    other = {"facts": {"path": "data/test", "version": "ffffffffffff.dir"}}
    for data in ({"facts": {"n": 3}}, {}, other):
        assert place_of(data, LISTED) is None
    past = run_in(tmp_path, "1", dict.fromkeys(LISTED, "aa.dir"))
    assert contents_in(past, other, ["dark/a.png"]) == {}
