"""`adversity audit`: what a run's numbers rest on, hashed again; one thing changed is named."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from adversity_flows.runs import past_runs

if TYPE_CHECKING:
    from collections.abc import Callable

FILE = "pipelines/proved.yaml"


def faults(answer: Any) -> list[str]:
    """Return what does not hold, as it is written in a line."""
    return [line.split(None, 1)[1] for line in answer.out.splitlines() if line.startswith("  ✗ ")]


def test_what_is_unchanged_holds(proved: Path, call: Callable[..., Any]) -> None:
    """Each thing has a line with its hash, and the last line says from what numbers can be made."""
    answer = call("audit")
    assert (answer.code, faults(answer)) == (0, [])
    assert "Every number of it can still be produced, from 3 data sets, 2 files, " in answer.out
    document = json.loads(call("audit", "--json").out)
    assert document["holds"] is True
    known = {(one["what"], one["name"]): one for one in document["checks"]}
    for what, name in (
        ("data", "data/test"),
        ("file", "own/weights.json"),
        ("plugin", "classifier/small_cnn"),
        ("engine", "adversity"),
        ("library", "torch"),
        ("pipeline", FILE),
        ("artifact", "net"),
        ("images", "attacked"),
        ("table", "predictions"),
        ("numbers", "result.json"),
    ):
        assert known[what, name]["state"] == "holds", (what, name)
        assert known[what, name]["recorded"] == known[what, name]["found"]


@pytest.mark.parametrize("name", ["last", FILE, "id", "folder"])
def test_a_run_is_named_in_many_ways(proved: Path, call: Callable[..., Any], name: str) -> None:
    """By `last`, by its pipeline file, by its id and by its folder."""
    [folder] = (proved / "runs").glob("2*")
    names = {"id": folder.name, "folder": f"runs/{folder.name}"}
    answer = call("audit", names.get(name, name))
    assert answer.code == 0
    assert answer.out.startswith(f"run {folder.name} of {FILE}\n")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("data/test/light/1.bmp", "light/1.bmp changed"),
        ("own/weights.json", "its bytes are others"),
        ("artifacts/proved/net/states/all.safetensors", "states/all.safetensors changed"),
        ("artifacts/proved/attacked/images", "images/severity=1/00000.safetensors changed"),
        ("artifacts/proved/predictions/table.parquet", "table.parquet changed"),
        ("runs/*/tables/predictions.parquet", "tables/predictions.parquet is damaged"),
        ("runs/*/result.json", "result.json is damaged"),
    ],
)
def test_one_byte_that_changed_is_named(
    proved: Path,
    call: Callable[..., Any],
    flip: Callable[[Path], None],
    path: str,
    said: str,
) -> None:
    """Wherever it is, and though size and date of the file are as before."""
    [place] = proved.glob(path)
    if place.is_dir():
        place = min(place.rglob("*.safetensors"))
        said = f"{place.relative_to(proved / 'artifacts/proved/attacked').as_posix()} changed"
    flip(place)
    answer = call("audit")
    assert answer.code == 1
    assert said in answer.out
    assert "The first thing that changed: " in answer.out


def test_a_parameter_a_plugin_and_a_library_are_named(
    proved: Path, call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first change counts for the sentence; comments, and what changes no number, do not."""
    file, dim = proved / FILE, proved / "own/dim.py"
    file.write_text("# seen\n" + file.read_text().replace("shard_size: 4", "shard_size: 8"))
    assert call("audit").code == 0
    file.write_text(file.read_text().replace("epochs: 2", "epochs: 3"))
    answer = call("audit")
    assert answer.code == 1
    assert "steps.net.with.epochs 2 -> 3" in answer.out.splitlines()[-1]
    dim.write_text(dim.read_text().replace('["share"]', '["share"] * 0.5'))
    monkeypatch.setattr(
        "adversity_flows.proof.of_code.distribution_version",
        lambda name: "0.0" if name == "torch" else past_version(proved, name),
    )
    found = {line.split()[0]: line for line in faults(call("audit"))}
    assert set(found) == {"file", "plugin", "library", "pipeline"}
    assert "own/dim.py" in found["file"]
    assert "its source changed" in found["plugin"]
    assert "then, 0.0 now" in found["library"]


def past_version(root: Path, name: str) -> str | None:
    """Return the version that the run recorded."""
    [folder] = (root / "runs").glob("2*")
    manifest = json.loads((folder / "manifest.json").read_text())
    version: str | None = manifest["versions"].get(name)
    return version


def test_an_older_run_says_what_it_did_not_record(
    proved: Path, call: Callable[..., Any], flip: Callable[[Path], None]
) -> None:
    """Without hashes of single files a change is found and the file is not named."""
    [folder] = (proved / "runs").glob("2*")
    manifest = json.loads((folder / "manifest.json").read_text())
    for key in ("sha256", "resolved", "versions", "machine"):
        del manifest[key]
    manifest["artifacts"] = [one for one in manifest["artifacts"] if one["path"] != "inputs.json"]
    manifest["sha256"] = past_runs._hash_of(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "inputs.json").unlink()
    answer = call("audit")
    assert answer.code == 0
    last = answer.out.splitlines()[-1]
    assert "not recorded: plugin all, library all, device cpu, numbers inputs.json" in last
    flip(proved / "data/test/light/1.bmp")
    answer = call("audit")
    assert answer.code == 1
    assert "data data/test: its files are others than the run read; which one" in answer.out


def test_what_is_gone_is_said(proved: Path, call: Callable[..., Any]) -> None:
    """Data, an artifact and the pipeline file; the run's own text of it is enough to go on."""
    shutil.rmtree(proved / "data/test")
    shutil.rmtree(proved / "artifacts/proved/scaled")
    (proved / FILE).unlink()
    answer = call("audit", "last")
    assert answer.code == 1
    assert {line.split()[0] for line in faults(answer)} == {"data", "artifact", "pipeline"}
    assert "DVC's cache still has what the run left" in answer.out


def test_a_name_of_nothing_is_refused(
    proved: Path, call: Callable[..., Any], refused: Callable[..., str]
) -> None:
    """With what could have been meant."""
    [folder] = (proved / "runs").glob("2*")
    refused(call("audit", folder.name[:-1]), "did you mean", folder.name)
    refused(call("audit", "pipelines/none.yaml"), "expected a pipeline file")


@pytest.mark.slow
def test_it_holds_where_it_was_pulled(
    proved: Path,
    call: Callable[..., Any],
    git: Callable[..., None],
    flip: Callable[[Path], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Pushed, cloned and pulled: DVC's record is enough, and what only the run's folder has is said."""

    def dvc(*arguments: str) -> None:
        subprocess.run([sys.executable, "-m", "dvc", "-q", *arguments], check=True)

    dvc("remote", "add", "--default", "here", str(tmp_path / "remote"))
    dvc("add", "data/train", "data/held", "data/test")
    git("add", "-A")
    git("commit", "-q", "-m", "a run")
    dvc("push")
    git("clone", "-q", ".", str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    answer = call("audit")  # nothing was pulled yet, and DVC's remote has the numbers
    assert answer.code == 1
    assert "data data/held: it is not on this disk; get it with `dvc pull`" in answer.out
    dvc("pull")
    for name in ((), ("HEAD",), (FILE,)):
        answer = call("audit", *name)
        assert (answer.code, faults(answer)) == (0, []), answer
        assert answer.out.startswith(f"commit HEAD of {FILE}\n")
    assert "not recorded: library all, device cpu, page of the run" in answer.out.splitlines()[-1]
    flip(Path("data/test/light/1.bmp"))
    assert faults(call("audit"))[0].endswith("light/1.bmp changed")
