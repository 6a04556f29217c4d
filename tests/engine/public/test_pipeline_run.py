"""A whole pipeline through adversity.run: bytes that no batch, shard, order or worker changes."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

import adversity
from adversity.data.ledger import Ledger
from adversity.data.tables import read_table
from adversity.engine.public.open_stage import open_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.engine.summary.judged_run import judged_run
from adversity.engine.summary.summarise import build_report
from adversity.errors import AdversityError, DataError, PipelineError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline
from adversity.registry import discover
from adversity.report import verdict

if TYPE_CHECKING:
    from pathlib import Path


def tiny(project: Path) -> str:
    """Return the pipeline as its file says it."""
    return (project / "pipelines/tiny.yaml").read_text(encoding="utf-8")


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every artifact and metrics file."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for part in ("artifacts", "metrics")
        for path in sorted((folder / part).rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def finished(striped: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pipeline, run once with its own settings."""
    out = tmp_path_factory.mktemp("finished")
    adversity.run(striped / "pipelines/tiny.yaml", into=out, root=striped)
    return out


@pytest.mark.parametrize(
    ("batch", "shard", "workers"),
    [
        pytest.param(1, 64, 1, marks=pytest.mark.slow),
        pytest.param(64, 5, 4, marks=pytest.mark.slow),
        (7, 11, 2),
    ],
    ids=str,
)
def test_same_bytes_for_any_batch_shard_and_worker_count(
    striped: Path, finished: Path, tmp_path: Path, batch: int, shard: int, workers: int
) -> None:
    """Every artifact and metrics file is the same, bit for bit; the report's text as well."""
    adversity.run(
        striped / "pipelines/tiny.yaml",
        into=tmp_path,
        root=striped,
        overrides=[f"run.batch_size={batch}", f"run.shard_size={shard}"],
        workers=workers,
    )
    found, expected = hashes(tmp_path), hashes(finished)
    assert {k: v for k, v in found.items() if "report" not in k} == {
        k: v for k, v in expected.items() if "report" not in k
    }
    assert len(expected) > 12


@pytest.mark.slow
def test_same_bytes_for_another_order(striped: Path, finished: Path, tmp_path: Path) -> None:
    """Naming the test files in another order, by a CSV, changes no prediction and no image."""
    files = sorted((striped / "data/test").rglob("*.png"))
    shuffled = np.random.default_rng(9).permutation(len(files))
    shutil.copytree(striped / "data", tmp_path / "data")
    (tmp_path / "pipelines").mkdir()
    with (tmp_path / "data/test/order.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "label"])
        for i in shuffled:
            writer.writerow([files[i].relative_to(striped / "data/test"), files[i].parent.name])
    text = tiny(striped).replace(
        "with: {path: data/test}", "with: {path: data/test, labels: order.csv}"
    )
    (tmp_path / "pipelines/tiny.yaml").write_text(text)
    adversity.run(tmp_path / "pipelines/tiny.yaml", into=tmp_path / "out", root=tmp_path)
    found, expected = hashes(tmp_path / "out"), hashes(finished)
    tables = [name for name in expected if name.endswith("table.parquet") or "images" in name]
    assert tables
    assert {name: found[name] for name in tables} == {name: expected[name] for name in tables}


def test_only_missing_shards_are_computed_again(
    striped: Path, finished: Path, tmp_path: Path
) -> None:
    """After a loss of one shard only that one is pending, and the result is the same."""
    loaded = load_pipeline(striped / "pipelines/tiny.yaml", root=striped)
    plan = make_plan(loaded, discover())
    workspace = Workspace(striped, tmp_path, tmp_path / "store")
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    stage_run = open_stage(plan, plan.stage("noisy_predictions"), workspace)
    assert stage_run.pending() == ()
    lost = stage_run.shards[1]
    stage_run.store.path(stage_run.cell_key(lost.cell), lost.name).unlink()  # type: ignore[attr-defined]
    again = open_stage(plan, plan.stage("noisy_predictions"), workspace)
    assert again.pending() == (lost,)
    again.run_shard(lost)
    again.finish(tmp_path / "again")
    for name in ("table.parquet", "measures.json"):
        old = tmp_path / "artifacts/tiny/noisy_predictions" / name
        assert (tmp_path / "again" / name).read_bytes() == old.read_bytes()


def test_tables_hold_what_the_files_say(finished: Path, striped: Path) -> None:
    """Targets are the folders' labels; accuracy in measures.json is counted from the table."""
    table = read_table(finished / "artifacts/tiny/predictions/table.parquet")
    measures = json.loads((finished / "artifacts/tiny/predictions/measures.json").read_text())
    assert sorted(set(table["cell"])) == ["severity=1", "severity=4"]
    for cell in ("severity=1", "severity=4"):
        rows = table["cell"] == cell
        expected = float((table["prediction"][rows] == table["target"][rows]).mean())
        assert measures["cells"][cell]["accuracy"]["value"] == pytest.approx(expected, abs=1e-12)
        assert measures["cells"][cell]["accuracy"]["n"] == 24
    assert list(table["target"][:24]) == [0] * 12 + [1] * 12
    assert set(table["denoised_sigma"]) == {"side"}


def test_attack_counts_and_budget_in_the_table(finished: Path) -> None:
    """Fooled rows were right before; images keep eps in float64; larger eps fools more."""
    table = read_table(finished / "artifacts/tiny/attacked/table.parquet")
    assert not bool((table["fooled"] & ~table["start_correct"]).any())
    assert not bool(table["moved"][~table["start_correct"]].any())
    assert table["severity"].dtype == np.int64
    budgets = (1 / 255, 30 / 255)
    assert set(table["eps"].tolist()) == set(budgets)
    for eps in budgets:
        assert float(table["distance"][table["eps"] == eps].max()) <= eps * (1 + 1e-6)
    few, many = (int(table["fooled"][table["eps"] == eps].sum()) for eps in budgets)
    assert many > few


def test_calibration_that_cannot_be_trusted_says_so(finished: Path) -> None:
    """With 20 rows temperature scaling is the identity, and the note is in the artifact."""
    record = json.loads((finished / "artifacts/tiny/confidence/measures.json").read_text())
    assert any("20" in note for note in record["notes"])


HELD_OUT, HELD_ROWS = "{path: data/held_out}", "held_predictions: {uses: net, from: held_out}"
AMONG = "of the 24 images of test are among those of held_out, such as "
TAKEN = ", ".join(f"lying/00{number}.png (lying/taken{number}.png there)" for number in range(3))
ALL_AMONG = f"24 {AMONG}lying/000.png, lying/001.png, lying/002.png"
LEAKS: dict[str, tuple[str, str, type[AdversityError], str]] = {
    "one folder twice": (
        HELD_OUT,
        "{path: data/test/}",
        PipelineError,
        "test and held_out hold the same images",
    ),
    "predictions of what is judged": (
        HELD_ROWS,
        HELD_ROWS.replace("from: held_out", "from: test"),
        PipelineError,
        "test is used for both",
    ),
    "one folder with other settings": (
        HELD_OUT,
        "{path: data/test, classes: [lying, standing]}",
        DataError,
        ALL_AMONG,
    ),
    "a copy of the folder": (HELD_OUT, "{path: data/copied}", DataError, ALL_AMONG),
    "three copies, renamed": (HELD_OUT, "{path: data/mixed}", DataError, f"3 {AMONG}{TAKEN}"),
}
"""What is written otherwise, how, and the refusal of calibration on images of the test set."""


@pytest.fixture(scope="module")
def copied(striped: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with copies of its test images: all of them, and three among the held out."""
    root = tmp_path_factory.mktemp("copied")
    shutil.copytree(striped, root, dirs_exist_ok=True)
    shutil.copytree(root / "data/test", root / "data/copied")
    shutil.copytree(root / "data/held_out", root / "data/mixed")
    for number in range(3):
        taken = root / f"data/test/lying/{number:03d}.png"
        shutil.copy(taken, root / f"data/mixed/lying/taken{number}.png")
    return root


@pytest.mark.parametrize("case", LEAKS)
def test_fitting_data_must_not_be_tested(copied: Path, tmp_path: Path, case: str) -> None:
    """Calibration on images that judge is refused, however they overlap; nothing is computed."""
    old, new, error, expected = LEAKS[case]
    assert tiny(copied).count(old) == 1
    (copied / "pipelines/leak.yaml").write_text(tiny(copied).replace(old, new), encoding="utf-8")
    with pytest.raises(error) as caught:
        adversity.run(copied / "pipelines/leak.yaml", into=tmp_path, root=copied)
    assert str(caught.value) == (
        "pipelines/leak.yaml:18: confidence, doubt, attacked would be judged on images that fitted "
        f"confidence: {expected}; fit on others, or the numbers flatter"
    )
    assert not (tmp_path / "artifacts").exists()


@pytest.mark.parametrize(("gate", "small"), [("predictions", 1), ("held_predictions", 2)])
def test_terminal_and_page_agree(striped: Path, finished: Path, gate: str, small: int) -> None:
    """Both warn of 20 images that fitted a calibrator once a gate rests on them, and of the 24."""
    file = striped / f"pipelines/{gate}.yaml"
    file.write_text(f"{tiny(striped)}gates:\n  - {gate}.accuracy >= 0.1\n", encoding="utf-8")
    plan = make_plan(load_pipeline(file, root=striped), discover())
    workspace = Workspace(striped, finished, finished / "store")
    ledger = Ledger(finished / "ledger")
    said = judged_run(plan, workspace, ledger=ledger)
    page = build_report(plan, workspace, gates=said.gates, ledger=ledger)
    assert (said.caveats, verdict(said)) == (page.caveats, verdict(page))
    assert sum(" samples: differences below" in caveat.text for caveat in said.caveats) == small


def test_unlabelled_or_unknown_classes_are_refused(striped: Path, tmp_path: Path) -> None:
    """A class the classifier does not have is an error that lists both sides."""
    odd = striped / "data/odd/leaning"
    if not odd.exists():
        odd.mkdir(parents=True)
        Image.fromarray(np.full((24, 24), 128, np.uint8)).save(odd / "x.png")
    text = tiny(striped).replace("test: {uses: dataset/folder, with: {path: data/test}}",
                            "test: {uses: dataset/folder, with: {path: data/odd}}")  # fmt: skip
    (striped / "pipelines/odd.yaml").write_text(text.replace("name: tiny", "name: odd"))
    with pytest.raises(DataError, match=r"'leaning'.*'lying'"):
        adversity.run(striped / "pipelines/odd.yaml", into=tmp_path, root=striped)


def test_report_is_written(finished: Path) -> None:
    """Page, markdown and JSON say of each cell the accuracy that is counted from the table."""
    table = read_table(finished / "artifacts/tiny/predictions/table.parquet")
    folder = finished / "artifacts/tiny/report"
    record = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    (step,) = (step for step in record["steps"] if step["id"] == "predictions")
    cells = {cell["cell"]["severity"]: cell["measures"]["accuracy"] for cell in step["cells"]}
    assert (record["pipeline"], record["seed"], set(cells)) == ("tiny", 3, {"1", "4"})
    words = (folder / "report.md").read_text(encoding="utf-8").splitlines()
    page: Any = (finished / "report.html").read_text(encoding="utf-8")
    assert "Adversity report · <bdi>tiny</bdi>" in page
    headline = page.split('id="t-headline"')[1].split("</table>")[0]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in headline.split("<tr")]
    for severity, found in cells.items():
        own = table["cell"] == f"severity={severity}"
        right = int((table["prediction"][own] == table["target"][own]).sum())
        assert (found["n"], round(found["value"] * 24, 9)) == (24, right)
        shown = ["predictions", "accuracy", f"severity = {severity}", f"{right / 24:.3f}"]
        assert [(row[:4], row[5]) for row in rows if row[:3] == shown[:3]] == [(shown, "24")]
        assert sum(line.startswith(f"| {' | '.join(shown)} |") for line in words) == 1
