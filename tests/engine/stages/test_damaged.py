"""A flipped bit in the store or in an artifact is found before a number is made of it."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open

import adversity
from adversity.data.arrays import read_arrays, write_arrays
from adversity.data.checksums import SUMS
from adversity.data.tables import read_table, write_table
from adversity.engine.public.open_stage import open_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.engine.stages.read_result import read_result
from adversity.engine.stages.stage import hardware
from adversity.errors import StorageError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline
from adversity.provenance import processor
from adversity.registry import discover

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from adversity.engine.stages.stage import StageRun

PIPELINE = """
name: bits
seed: 3
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  held_out: {uses: dataset/folder, with: {path: data/held_out}}
  test: {uses: dataset/folder, with: {path: data/test}}
steps:
  net: {uses: classifier/logistic_regression, fit_on: train}
  predictions: {uses: net, from: test}
  held_predictions: {uses: net, from: held_out}
  confidence: {uses: uncertainty/temperature_scaling, from: predictions, fit_on: held_predictions}
  doubt: {uses: uncertainty/entropy, from: confidence}
  attacked: {uses: attack/pgd, from: test, against: confidence, with: {eps: 8/255, steps: 2}}
  seen_again: {uses: net, from: attacked}
run: {shard_size: 8}
"""


def draw(folder: Path, per_class: int, seed: int) -> None:
    """Write grey noise, brighter on the left or on the right."""
    rng = np.random.default_rng(seed)
    for label, name in enumerate(("left", "right")):
        (folder / name).mkdir(parents=True)
        for number in range(per_class):
            image = rng.uniform(0.3, 0.6, (8, 8))
            image[:, 4 * label : 4 * label + 4] += 0.08
            Image.fromarray((image * 255).astype(np.uint8)).save(
                folder / name / f"{number:02d}.png"
            )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of small images."""
    root = tmp_path_factory.mktemp("bits")
    for seed, (name, count) in enumerate({"train": 15, "held_out": 8, "test": 6}.items()):
        draw(root / "data" / name, count, seed)
    (root / "pipelines").mkdir()
    (root / "pipelines/bits.yaml").write_text(PIPELINE)
    return root


@pytest.fixture(scope="module")
def ran(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pipeline, run once."""
    out = tmp_path_factory.mktemp("ran")
    adversity.run(project / "pipelines/bits.yaml", into=out, root=project)
    return out


@pytest.fixture
def out(ran: Path, tmp_path: Path) -> Path:
    """A copy of the finished run, to damage."""
    return shutil.copytree(ran, tmp_path / "out")


def contents(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of the artifacts."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / "artifacts").rglob("*"))
        if path.is_file()
    }


def opened(project: Path, out: Path, step: str) -> StageRun:
    """Open a stage over what was run."""
    plan = make_plan(load_pipeline(project / "pipelines/bits.yaml", root=project), discover())
    return open_stage(plan, plan.stage(step), Workspace(project, out, out / "store"))


def compute(stage_run: StageRun) -> None:
    """Compute what is pending."""
    for shard in stage_run.pending():
        stage_run.run_shard(shard)


def values(path: Path) -> list[Any]:
    """Read a file of the store or of an artifact, whatever it is."""
    found = read_table(path) if path.suffix == ".parquet" else read_arrays(path)[0]
    return [(name, array.tolist()) for name, array in found.items()]


def flip(path: Path, *, start: int) -> None:
    """Flip a bit so that the file still reads, and says something else."""
    whole = path.read_bytes()
    before = values(path)
    for place in range(start, len(whole)):
        content = bytearray(whole)
        content[place] ^= 1
        path.write_bytes(content)
        try:
            if values(path) != before:
                return
        except (StorageError, UnicodeDecodeError):
            continue
    raise AssertionError(f"no bit of {path} can be flipped without a word")


def body(path: Path) -> int:
    """Return where the numbers of a file begin."""
    if path.suffix == ".parquet":
        return 4
    with safe_open(path, "np") as file:
        assert list(file.keys())
    return 8 + int.from_bytes(path.read_bytes()[:8], "little")


def is_prediction(path: Path) -> bool:
    """Say whether a file is a stored shard of predictions."""
    return path.suffix == ".parquet" and "fooled" not in read_table(path)


def is_attack(path: Path) -> bool:
    """Say whether a file is a stored shard of the attack's rows."""
    return path.suffix == ".parquet" and "fooled" in read_table(path)


def is_images(path: Path) -> bool:
    """Say whether a file is a stored shard of adversarial images."""
    return path.name.endswith("00001.safetensors")


def is_state(path: Path) -> bool:
    """Say whether a file is the stored state of the classifier."""
    return path.name == "state.safetensors"


def in_store(out: Path, wanted: Callable[[Path], bool]) -> Path:
    """Return the first such file of the store."""
    files = (path for path in sorted((out / "store").rglob("*")) if path.is_file())
    return next(path for path in files if path.suffix != ".sha256" and wanted(path))


@pytest.mark.parametrize(
    "which",
    [
        is_prediction,
        is_state,
        *(pytest.param(w, marks=pytest.mark.slow) for w in (is_attack, is_images)),
    ],
)
def test_a_damaged_file_of_the_store_is_computed_again_and_named(
    project: Path, ran: Path, out: Path, which: Callable[[Path], bool]
) -> None:
    """Whatever of the store has a flipped bit, a new run says so and ends in the same bytes."""
    damaged = in_store(out, which)
    flip(damaged, start=body(damaged))
    shutil.rmtree(out / "artifacts")
    with pytest.warns(UserWarning, match=f"damaged in the store.*{damaged.name}"):
        adversity.run(project / "pipelines/bits.yaml", into=out, root=project)
    assert contents(out) == contents(ran)


@pytest.mark.parametrize(
    ("file", "reader"),
    [
        ("net/states/all.safetensors", "predictions"),
        ("predictions/table.parquet", "confidence"),
        ("held_predictions/table.parquet", "confidence"),
        ("confidence/table.parquet", "doubt"),
        ("confidence/states/all.safetensors", "attacked"),
        ("attacked/images/all/00000.safetensors", "seen_again"),
    ],
)
def test_a_damaged_artifact_is_refused_by_the_step_that_reads_it(
    project: Path, out: Path, file: str, reader: str
) -> None:
    """A flipped bit upstream ends the step with the file's name and what to do."""
    path = out / "artifacts/bits" / file
    flip(path, start=body(path))
    with pytest.raises(StorageError, match=rf"{path.name} is damaged: .*; delete .* run again"):
        compute(opened(project, out, reader))


@pytest.mark.parametrize(
    "file", ["predictions/measures.json", "predictions/table.parquet", "attacked/identity.json"]
)
def test_a_damaged_result_is_not_recalled(project: Path, out: Path, file: str) -> None:
    """A digit that changed in what a step measured, or in its table, is not read back."""
    path = out / "artifacts/bits" / file
    text = path.read_bytes()
    place = max(i for i, byte in enumerate(text) if 48 <= byte <= 56)
    path.write_bytes(text[:place] + bytes([text[place] + 1]) + text[place + 1 :])
    stage_run = opened(project, out, file.partition("/")[0])
    with pytest.raises(StorageError, match=f"{path.name} is damaged"):
        read_result(stage_run.plan, stage_run.stage, stage_run.workspace)


def test_every_artifact_has_its_sums(ran: Path) -> None:
    """Each folder that a step leaves lists all its files, the report's as well."""
    folders = [path for path in (ran / "artifacts/bits").iterdir() if path.is_dir()]
    assert len(folders) == 8
    for folder in folders:
        listed = {line[66:] for line in (folder / SUMS).read_text().splitlines()}
        files = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
        assert listed == files - {SUMS}


@pytest.mark.parametrize("step", ["net", "predictions", "confidence", "attacked"])
def test_a_forced_step_is_computed_and_not_taken_from_the_store(
    project: Path, ran: Path, out: Path, step: str
) -> None:
    """Stored shards of other numbers, sums and all, do not survive `--force`: same bytes again."""
    stage_run = opened(project, out, step)
    shard: Any = stage_run.shards[0]
    key = stage_run.fits.key(shard.cell) if step == "net" else stage_run.cell_key(shard.cell)  # type: ignore[attr-defined]
    other = stage_run.store.path(key, shard.name)
    write = write_arrays if step == "net" else write_table
    content = read_arrays(other)[0] if step == "net" else read_table(other)
    name = next(name for name, array in content.items() if array.dtype.kind == "f")
    stage_run.store.put(
        key, other.name, lambda path: write(path, content | {name: content[name] + 1})
    )
    for wave in stage_run.waves(force=True):
        for shard in wave:
            stage_run.run_shard(shard)
    stage_run.finish(out / "again")
    assert (out / "again" / SUMS).read_bytes() == (
        ran / "artifacts/bits" / step / SUMS
    ).read_bytes()


@pytest.mark.parametrize("step", ["net", "predictions", "attacked"])
def test_shards_of_another_processor_are_not_taken(
    project: Path, ran: Path, out: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """A table mixes no two types of hardware; its bytes do not tell which one it was."""
    assert opened(project, out, step).pending() == ()
    monkeypatch.setattr("adversity.engine.stages.stage.processor", lambda: "Another One")
    stage_run = opened(project, out, step)
    assert stage_run.pending() == stage_run.shards
    compute(stage_run)
    stage_run.finish(out / "again")
    assert (out / "again" / SUMS).read_bytes() == (
        ran / "artifacts/bits" / step / SUMS
    ).read_bytes()


def test_the_hardware_is_the_type_of_device_and_of_processor() -> None:
    """The CPU has one type, whatever it is called; nothing of the run's other settings counts."""
    kind, name = hardware("cpu")
    assert kind == "cpu"
    assert name == processor()
    assert hardware("mps:0")[0] == "mps"
