"""A packaged data set by itself: `adversity materialise`."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import yaml

from adversity.errors import InputError
from adversity_flows.materialise import materialise_command


@dataclass
class Letters:
    """A data set inside a package, without the plugin machinery."""

    name: str = "letters"
    packaged: bool = True

    def materialise(self, folder):
        (folder / "a.txt").write_text("a")
        (folder / "manifest.csv").write_text("id,sha256,label\n")


@pytest.fixture(autouse=True)
def _with_stage(project):
    text = "stages:\n  data-letters:\n    cmd: 'true'\n    outs: [data/letters]\n"
    (project / "dvc.yaml").write_text(text + "    meta: {generated_by: adversity}\n")


def test_it_is_written_and_recorded_once(project):
    """The first call writes and records; the second finds it unchanged."""
    assert materialise_command(Letters(), project)
    assert (project / "data/letters/a.txt").read_text() == "a"
    assert "data-letters" in yaml.safe_load((project / "dvc.lock").read_text())["stages"]
    assert not materialise_command(Letters(), project)


def test_under_dvc_nothing_is_recorded(project, monkeypatch):
    """When DVC runs the command, DVC records; the command only writes."""
    monkeypatch.setenv("DVC_STAGE", "data-letters")
    monkeypatch.setenv("DVC_ROOT", str(project))
    assert materialise_command(Letters(), project)
    assert (project / "data/letters/a.txt").exists()
    assert not (project / "dvc.lock").exists()


def test_a_data_set_of_the_user_is_not_materialised(project):
    """Only data inside a package are written; a folder of the user is refused."""
    with pytest.raises(InputError, match="comes inside a package"):
        materialise_command(Letters(packaged=False), project)
