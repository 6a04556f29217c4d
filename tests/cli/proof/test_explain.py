"""`adversity explain` and `audit --recompute`: numbers computed once more, changes named."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILE = "pipelines/proved.yaml"
FIGURE = "predictions.accuracy[severity=3]"


def files(root: Path) -> dict[str, bytes]:
    """Return everything of a project but what DVC remembers of the disk."""
    paths = (path for path in root.rglob("*") if path.is_file())
    kept = (path for path in paths if ".dvc/tmp" not in path.as_posix())
    return {path.as_posix(): path.read_bytes() for path in kept if path.suffix != ".pyc"}


@pytest.mark.parametrize(
    ("figure", "links", "taken"),
    [
        (FIGURE, ["test", "noisy", "dimmed", "predictions", "accuracy"], ["net"]),
        (
            "scaled.ece[severity=1]",
            ["test", "noisy", "dimmed", "predictions", "scaled", "ece"],
            ["net"],
        ),
        (
            "attacked.robust_accuracy[severity=3]",
            ["test", "noisy", "dimmed", "predictions", "attacked", "robust_accuracy"],
            ["net"],
        ),
        ("attacked.never_moved_share[severity=1]", [], ["net"]),
        (
            "told.auroc[severity=3]",
            [
                "held",
                "test",
                "noisy",
                "dimmed",
                "predictions",
                "known",
                "doubt",
                "doubt_known",
                "told",
            ],
            ["net"],
        ),
        ("net.loss", ["net"], []),
    ],
)
def test_a_number_is_computed_again_to_the_last_bit(
    proved: Path,
    call: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    figure: str,
    links: list[str],
    taken: list[str],
) -> None:
    """From its table and from the data on, whatever step it is of; nothing is recorded or left."""
    monkeypatch.setattr(tempfile, "tempdir", str(proved.parent))  # where nobody else explains
    before = files(proved)
    answer = call("explain", "last", figure, "--json")
    assert answer.code == 0, answer
    found = json.loads(answer.out)
    assert found["holds"] is True
    assert found["sentence"].startswith("equal to the last bit")
    assert {key: found["reported"][key] for key in ("value", "n")} == {
        key: found["from_data"][key] for key in ("value", "n")
    }
    if found["from_table"] is not None:
        assert found["from_table"]["value"] == found["reported"]["value"]
    if links:
        assert [link["name"] for link in found["links"]] == links
    assert found["taken"] == taken
    assert files(proved) == before
    assert not list(proved.parent.glob("adversity-proof-*"))


def test_what_it_is_and_how_it_was_made_is_said(proved: Path, call: Callable[..., Any]) -> None:
    """The measure, its convention, n, who was answered wrongly, each link, and the verdict."""
    answer = call("explain", FILE, FIGURE, "--from-data")
    found = json.loads(call("explain", FILE, FIGURE, "--json").out)
    assert answer.code == 0
    table = json.loads((next(iter((proved / "runs").glob("2*"))) / "result.json").read_text())
    step = next(one for one in table["steps"] if one["id"] == "predictions")
    [cell] = [one for one in step["cells"] if one["cell"] == {"severity": "3"}]
    measure = cell["measures"]["accuracy"]
    assert len(found["wrong"]) == round(measure["n"] * (1 - measure["value"]))
    assert answer.out.startswith(f"{FIGURE} = {measure['value']:.3f} [")
    for said in (
        "by metric/accuracy, higher is better: Share of images",
        "convention: top: 1",
        "interval: 95 %, Wilson",
        f"samples: {measure['n']}, answered wrongly: {len(found['wrong'])}",
        "2  noisy        degradation/gaussian_noise",
        "severity: 3",
        "from the stored table: equal to the last bit",
        "from the data on: equal to the last bit",
        "Equal to the last bit: this number can still be produced, from the bytes on.",
    ):
        assert said in answer.out, said


def test_a_byte_of_an_image_is_named_by_its_id(
    proved: Path, call: Callable[..., Any], flip: Callable[[Path], None]
) -> None:
    """The file by its hash, and the row that came out otherwise; no other row did."""
    flip(proved / "data/test/light/1.bmp")
    answer = call("explain", "last", FIGURE, "--json")
    found = json.loads(answer.out)
    assert answer.code == 1
    assert "data data/test: light/1.bmp changed" in found["sentence"]
    assert found["rows"]["differ"] == ["light/1.bmp"]


def test_weights_a_plugin_and_a_parameter_are_named(proved: Path, call: Callable[..., Any]) -> None:
    """What the number does not rest on may change: nothing is said of it."""
    file, weights, dim = proved / FILE, proved / "own/weights.json", proved / "own/dim.py"
    file.write_text(file.read_text().replace("eps: 8/255", "eps: 4/255"))
    assert call("explain", "last", FIGURE).code == 0
    answer = call("explain", "last", "attacked.robust_accuracy[severity=1]")
    assert answer.code == 1
    assert "The number is the same to the last bit, though not all is as it was: " in answer.out
    assert "steps.attacked.with.eps 8/255 -> 4/255" in answer.out.splitlines()[-1]
    weights.write_text(json.dumps({"share": 0.01}))
    answer = call("explain", "last", FIGURE)
    assert answer.code == 1
    assert "8 of 8 rows differ" in answer.out
    assert "file own/weights.json: its bytes are others" in answer.out.splitlines()[-1]
    weights.write_text(json.dumps({"share": 0.5}))
    dim.write_text(dim.read_text().replace('["share"]', '["share"] + 0'))
    answer = call("explain", "last", FIGURE)
    assert answer.code == 1
    assert "✓ rows: 8 rows equal to the last bit" in answer.out
    assert "plugin degradation/dim: its source changed" in answer.out.splitlines()[-1]


def test_a_damaged_table_is_found_and_the_chain_still_gives_the_number(
    proved: Path, call: Callable[..., Any], flip: Callable[[Path], None]
) -> None:
    """The stored rows are not read; the number comes from the data."""
    [place] = proved.glob("runs/*/tables/predictions.parquet")
    flip(place)
    answer = call("explain", "last", FIGURE)
    assert answer.code == 1
    assert "✓ from the data on, net taken as it was left: equal to the last bit" in answer.out
    assert "table predictions: tables/predictions.parquet is damaged" in answer.out


def test_what_nobody_declared_is_said_so(
    proved: Path, call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every hash holds and the number is another: by a library's state, here. Elsewhere bits may."""
    from adversity_plugins.degradation.noise.gaussian_noise import GaussianNoise

    degrade = GaussianNoise.degrade

    def darker(by: float) -> None:
        def changed(*given: Any, **more: Any) -> Any:
            made = degrade(*given, **more)
            return replace(made, images=made.images * by)

        monkeypatch.setattr(GaussianNoise, "degrade", changed)

    darker(0.9)
    answer = call("explain", "last", FIGURE)
    assert answer.code == 1
    assert "nothing that was recorded changed (8 of 8 rows differ" in answer.out
    darker(1 - 1e-6)
    monkeypatch.setattr("adversity_flows.proof.explain.processor", lambda: "another")
    answer = call("explain", "last", FIGURE)
    assert answer.code == 0, answer.out
    assert "Other hardware (" in answer.out
    assert "0 verdicts flipped, within 1e-05." in answer.out


def test_every_number_is_computed_again(proved: Path, call: Callable[..., Any]) -> None:
    """Each step from the data on, fits and attacks included, and what comes out otherwise is named."""
    answer = call("audit", "--recompute")
    assert answer.code == 0, answer.out
    steps = {"net", "known", "predictions", "scaled", "attacked", "doubt", "doubt_known", "told"}
    lines = [line for line in answer.out.splitlines() if line.startswith("  ✓ computed")]
    assert {line.split()[2] for line in lines} == steps
    assert all("equal to the last bit" in line for line in lines)
    (proved / "own/weights.json").write_text(json.dumps({"share": 0.1}))
    found = json.loads(call("audit", "--recompute", "--json").out)
    states = {one["name"]: one["state"] for one in found["checks"] if one["what"] == "computed"}
    assert states == {
        "net": "holds",
        "known": "holds",
        "predictions": "changed",
        "scaled": "changed",
        "attacked": "changed",
        "doubt": "changed",
        "doubt_known": "holds",
        "told": "changed",
    }
    assert found["sentence"].startswith("the first thing that changed: file own/weights.json")


def test_an_earlier_run_is_proved_out_of_the_cache_of_dvc(
    proved: Path, call: Callable[..., Any], flip: Callable[[Path], None]
) -> None:
    """A later run put others in the place of its artifacts; what it left is still kept."""
    [first] = (proved / "runs").glob("2*")
    file, text = proved / FILE, (proved / FILE).read_text()
    file.write_text(text.replace("epochs: 2", "epochs: 1"))
    assert call("run", FILE, "--direct").code == 0
    file.write_text(text)
    answer = call("audit", first.name)
    assert answer.code == 0, answer.out
    assert "made anew since; what this run left is in DVC's cache" in answer.out
    answer = call("explain", first.name, FIGURE)
    assert answer.code == 0, answer.out
    assert "rows: 8 rows equal to the last bit" in answer.out
    manifest = json.loads((first / "manifest.json").read_text())
    listed = manifest["hashes"]["artifacts/proved/net"]
    state = next(
        one["md5"]
        for one in json.loads(
            (proved / ".dvc/cache/files/md5" / listed[:2] / listed[2:]).read_text()
        )
        if one["relpath"] == "states/all.safetensors"
    )
    flip(proved / ".dvc/cache/files/md5" / state[:2] / state[2:])
    answer = call("audit", first.name)
    assert answer.code == 1
    assert "artifact net: made anew since, and what this run left is not in DVC's" in answer.out


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        ("predicions.accuracy", "did you mean predictions?"),
        ("predictions.acuracy", "did you mean accuracy?"),
        ("predictions.accuracy", "which 2 have; name one: [severity=1], [severity=3]"),
        ("predictions.accuracy[severity=2]", "did you mean severity="),
        ("known.accuracy[severity=1]", "expected no cell, since known has one only"),
        ("predictions", "expected STEP.MEASURE"),
        ("noisy.accuracy", "expected a step of "),
        ("attacked.worst_case_success[severity=1]", "the ledger of the machine that ran"),
    ],
)
def test_a_number_that_is_none_is_refused(
    proved: Path,
    call: Callable[..., Any],
    refused: Callable[..., str],
    figure: str,
    said: str,
) -> None:
    """With the nearest name, or the cells that there are."""
    refused(call("explain", "last", figure), said)


@pytest.mark.slow
def test_a_number_is_explained_where_it_was_pulled(
    proved: Path,
    call: Callable[..., Any],
    git: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Pushed, cloned and pulled, it is the same number, by the record of DVC alone."""

    def dvc(*arguments: str) -> None:
        subprocess.run([sys.executable, "-m", "dvc", "-q", *arguments], check=True)

    dvc("remote", "add", "--default", "here", str(tmp_path / "remote"))
    dvc("add", "data/train", "data/held", "data/test")
    git("add", "-A")
    git("commit", "-q", "-m", "a run")
    dvc("push")
    git("clone", "-q", ".", str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    dvc("pull")
    for name in ("HEAD", FILE):
        answer = call("explain", name, FIGURE)
        assert answer.code == 0, answer
        assert "rows: 8 rows equal to the last bit" in answer.out
        assert "library all: with which versions it was computed stands in runs/" in answer.out
