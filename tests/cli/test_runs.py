"""Run folders and the accepted pointer."""

from __future__ import annotations

import json

import pytest

from adversity.errors import StorageError
from adversity_flows.runs.accepted_runs import accept, accepted_run
from adversity_flows.runs.past_runs import RunFolder, past_runs


def ended(root, pipeline, state="done"):
    """Make the folder of a run."""
    folder = RunFolder(root, pipeline)
    folder.make()
    (folder.path / "report.html").write_text("<p>")
    folder.write_manifest({"pipeline": pipeline, "state": state})
    return folder


def test_two_runs_in_one_second_have_two_folders(tmp_path):
    """A name that is taken gets a number, also when another run took it in between."""
    first, second = RunFolder(tmp_path, "p"), RunFolder(tmp_path, "p")
    first.make()
    second.make()
    assert first.path != second.path
    assert first.path.is_dir()
    assert second.path.is_dir()


def test_nothing_is_on_disk_before_a_run_needs_it(tmp_path):
    """Choosing a name makes no folder."""
    assert not RunFolder(tmp_path, "p").exists
    assert not (tmp_path / "runs").exists()


def test_manifest_lists_what_lies_beside_it(tmp_path):
    """The manifest holds size and SHA-256 of the page."""
    folder = ended(tmp_path, "p")
    manifest = json.loads((folder.path / "manifest.json").read_text())
    (artifact,) = manifest["artifacts"]
    assert artifact["path"] == "report.html"
    assert artifact["bytes"] == 3
    assert len(artifact["sha256"]) == 64


def test_past_runs_are_those_of_the_pipeline_that_ended(tmp_path):
    """Broken runs and runs of a pipeline whose name begins alike are left out; newest first."""
    first = ended(tmp_path, "p")
    ended(tmp_path, "p", state="failed")
    ended(tmp_path, "p-two")
    last = ended(tmp_path, "p")
    assert [past.id for past in past_runs(tmp_path, "p")] == [last.id, first.id]


def test_accepted_pointer(tmp_path):
    """The pointer leads to the run it was set to; none, or a broken one, leads nowhere."""
    assert accepted_run(tmp_path, "p") is None
    folder = ended(tmp_path, "p")
    accept(tmp_path, "p", folder.id)
    assert accepted_run(tmp_path, "p").id == folder.id
    accept(tmp_path, "p", "../elsewhere")
    assert accepted_run(tmp_path, "p") is None


def test_folder_that_cannot_be_made_is_a_storage_error(tmp_path):
    """A file where `runs/` should be is one message."""
    (tmp_path / "runs").write_text("")
    with pytest.raises(StorageError, match="cannot make the run's folder"):
        RunFolder(tmp_path, "p").make()


def test_a_damaged_page_or_result_is_refused(tmp_path):
    """A page with another digit than the one that was written is named with its run."""
    folder = ended(tmp_path, "p")
    past = next(past_runs(tmp_path, "p"))
    assert past.verified(past.page).read_text() == "<p>"
    (folder.path / "report.html").write_text("<q>")
    with pytest.raises(StorageError, match=r"report\.html is damaged.*delete .*" + folder.id):
        past.verified(past.page)
    with pytest.raises(StorageError, match=r"result\.json: No such file"):
        past.verified(past.result)


@pytest.mark.parametrize("change", [('"p"', '"q"'), ('"done"', '"dona"'), ("{", "(")])
def test_a_damaged_manifest_is_refused(tmp_path, change):
    """A letter that changed in a manifest, readable or not, is named; nothing is built on it."""
    folder = ended(tmp_path, "p")
    path = folder.path / "manifest.json"
    path.write_text(path.read_text().replace(*change, 1))
    accept(tmp_path, "p", folder.id)
    with pytest.raises(StorageError, match=r"manifest\.json is damaged"):
        accepted_run(tmp_path, "p")
    with pytest.raises(StorageError, match=r"manifest\.json is damaged"):
        list(past_runs(tmp_path, "p"))


def test_a_manifest_holds_names_that_are_no_text(tmp_path):
    """A file name with bytes that are no UTF-8, and numbers as keys, come back as they were."""
    folder = RunFolder(tmp_path, "p")
    folder.make()
    folder.write_manifest({"pipeline": "p", "odd": "\udcff", "counts": {10: 1, 9: 2}})
    accept(tmp_path, "p", folder.id)
    assert accepted_run(tmp_path, "p").manifest["odd"] == "\udcff"
