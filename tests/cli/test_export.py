"""`adversity export`: the images of a run as files that hold what the run had."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from adversity.data.arrays import read_arrays
from adversity_plugins.dataset.folder import Folder

PIPELINE = """\
name: shots
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  test: {uses: dataset/folder, with: {path: data/test}}
matrix:
  severity: [1, 3]
steps:
  net: {uses: classifier/small_cnn, fit_on: train, with: {epochs: 1, width: 4}}
  noisy: {uses: degradation/gaussian_noise, from: test, with: {severity: $severity}}
  better: {uses: restoration/gamma_correction, from: noisy, with: {gamma: 0.8}}
  unread: {uses: restoration/gamma_correction, from: noisy, with: {gamma: 0.9}}
  predictions: {uses: net, from: better}
  clean: {uses: net, from: test}
  attacked: {uses: attack/fgsm, from: noisy, against: predictions, with: {eps: 8/255}}
run: {shard_size: 4, batch_size: 3}
"""
AGAIN = """\
name: again
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  better: {uses: dataset/folder, with: {path: data/out_better, labels: manifest.csv}}
  attacked: {uses: dataset/folder, with: {path: data/out_attacked, labels: manifest.csv}}
  test: {uses: dataset/folder, with: {path: data/out_test, labels: manifest.csv}}
steps:
  net: {uses: classifier/small_cnn, fit_on: train, with: {epochs: 1, width: 4}}
  restored: {uses: restoration/gamma_correction, from: attacked, with: {gamma: 0.8}}
  of_better: {uses: net, from: better}
  of_attacked: {uses: net, from: restored}
  of_test: {uses: net, from: test}
"""


def manifest(folder):
    """Return the rows of a manifest."""
    with (Path(folder) / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def answers(pipeline, step):
    """Return the table of a step, by cell and image."""
    rows = pq.read_table(f"artifacts/{pipeline}/{step}/table.parquet").to_pylist()
    return {(row["cell"], row["id"]): row for row in rows}


def test_what_the_run_had_comes_back_as_data(finished, call):
    """Exported, read by `folder`, classified again: bit for bit the logits of the run.

    A view is computed again and an attack's images are read; one value off by one bit shows.
    """
    exported = {"better": "predictions", "attacked": "attacked", "test": "clean"}
    for step in exported:
        answer = call("export", "pipelines/shots.yaml", step, f"data/out_{step}")
        assert answer.code == 0, answer.err
    (finished.root / "pipelines" / "again.yaml").write_text(AGAIN)
    assert call("run", "pipelines/again.yaml", "--direct").code == 0
    for step, seen in exported.items():
        first, second = answers("shots", seen), answers("again", f"of_{step}")
        rows = manifest(f"data/out_{step}")
        assert len(rows) == len(first) == len(second) == (8 if step == "test" else 16)
        for row in rows:
            before, after = first[row["cell"], row["id"]], second["", row["file"]]
            assert list(before["logits"]) == list(after["logits"])
            assert len(before["logits"]) == 2
            assert before["prediction"] == after["prediction"]
            assert row[f"prediction_{seen}"] == ["dark", "light"][before["prediction"]]
            assert row["label"] == ["dark", "light"][before["target"]] == row["id"].split("/")[0]
            if step == "attacked":
                assert row["fooled"] == ("yes" if before["fooled"] else "no")


def test_files_are_as_the_manifest_says(finished, call):
    """Every file has its row and its SHA-256; 8-bit images stay PNG of 8 bits, floats are TIFF."""
    assert call("export", "pipelines/shots.yaml", "test", "plain").code == 0
    rows = manifest("plain")
    assert {row["depth"] for row in rows} == {"8"}
    for row in rows:
        kept = np.asarray(Image.open(finished.root / "data" / "test" / row["id"]))
        assert np.array_equal(kept, np.asarray(Image.open(Path("plain") / row["file"])))
    answer = call("export", "pipelines/shots.yaml", "attacked", "deep", "--cell", "severity=3")
    assert answer.code == 0
    assert "8 of float32" in answer.out
    assert "rounded" not in answer.out
    rows = manifest("deep")
    assert {row["cell"] for row in rows} == {"severity=3"}
    files = {path.relative_to("deep").as_posix() for path in Path("deep").rglob("*.tif")}
    assert files == {row["file"] for row in rows}
    for row in rows:
        held = hashlib.sha256((Path("deep") / row["file"]).read_bytes()).hexdigest()
        assert held == row["sha256"]
    record = json.loads(Path("deep/export.json").read_text())
    run = next(path.name for path in Path("runs").glob("*-shots"))
    assert (record["run"], record["step"], record["uses"]) == (run, "attacked", "attack/fgsm")
    assert record["cells"][0]["cell"] == {"severity": "3"}


def test_the_key_is_of_the_images(finished, call):
    """Equal images have one key, other ones another: of cells, and after a change of the seed."""
    assert call("export", "pipelines/shots.yaml", "better", "one").code == 0
    assert call("export", "pipelines/shots.yaml", "better", "two", "--format", "npy").code == 0
    one, two = (
        json.loads(Path(f"{name}/export.json").read_text())["cells"] for name in ("one", "two")
    )
    assert [cell["key"] for cell in one] == [cell["key"] for cell in two]
    finished.edit("name: shots", "name: shots\nseed: 7")
    assert call("run", "pipelines/shots.yaml", "--direct").code == 0
    assert call("export", "pipelines/shots.yaml", "better", "three").code == 0
    three = json.loads(Path("three/export.json").read_text())["cells"]
    assert len({cell["key"] for cell in one + three}) == 4


def test_rounding_is_said(finished, call):
    """Images that are rounded on demand are said to be others, by how much in each row."""
    stored = read_arrays(
        next(finished.root.glob("artifacts/shots/attacked/images/severity=1/*.safetensors"))
    )
    answer = call("export", "pipelines/shots.yaml", "attacked", "small", "--cell", "severity=1", "--format", "png8")  # fmt: skip
    assert answer.code == 0
    assert "not the images that the run judged" in answer.out
    by_id = {name: stored[0][f"{row:04d}"] for row, name in enumerate(stored[1]["ids"])}
    for row in manifest("small"):
        read = np.asarray(Image.open(Path("small") / row["file"]), np.float32) / np.float32(255)
        off = float(np.abs(read.transpose(2, 0, 1) - by_id[row["id"]]).max())
        assert float(row["rounded_by"]) == pytest.approx(off, rel=1e-2)
        assert 0 < off <= 0.5001 / 255


REFUSED = [
    (("attaked", "x"), ("attaked", "did you mean attacked")),
    (("predictions", "x"), ("predictions", "makes no images", "attacked")),
    (("net", "x"), ("makes no images",)),
    (("unread", "x"), ("no step that leaves a table reads",)),
    (("noisy", "x", "--cell", "severity=2"), ("severity=2", "severity=1; severity=3")),
    (("noisy", "x", "--cell", "severity"), ("has no cell",)),
    (("test", "x", "--cell", "severity=1"), ("one without variables",)),
    (("noisy", "data"), ("holds files", "nothing is overwritten")),
    (("noisy", "notes.txt"), ("notes.txt",)),
    (("noisy", "."), ("holds files",)),
]


def test_wrong_input_is_one_message(finished, call):
    """A step without images, an unknown step or cell, a folder with files: exit code 2."""
    (finished.root / "notes.txt").write_text("")
    before = sorted(path for path in finished.root.iterdir())
    for arguments, words in REFUSED:
        answer = call("export", "pipelines/shots.yaml", *arguments)
        assert answer.code == 2, answer
        assert all(word in answer.err for word in words), answer.err
        assert "Traceback" not in answer.err
        assert before == sorted(path for path in finished.root.iterdir())


def test_without_a_run_nothing_is_exported(shots, call):
    """Images that no run has computed are not exported as if one had."""
    shots.file.write_text(PIPELINE)
    answer = call("export", "pipelines/shots.yaml", "noisy", "x")
    assert answer.code == 2
    assert "expected a run" in answer.err
    assert not Path("x").exists()


def test_a_change_since_the_run_is_refused(finished, call):
    """What the pipeline now says was not run; a change behind a step leaves its images."""
    finished.edit("eps: 8/255", "eps: 4/255")
    assert call("export", "pipelines/shots.yaml", "attacked", "x").code == 2
    assert (
        call("export", "pipelines/shots.yaml", "better", "y").code == 0
    )  # the attack comes behind
    finished.edit("gamma: 0.8", "gamma: 0.7")
    answer = call("export", "pipelines/shots.yaml", "better", "x")
    assert answer.code == 2
    assert "changed since" in answer.err
    assert not Path("x").exists()


def test_damaged_images_are_not_passed_on(finished, call):
    """A stored image whose bytes changed is never exported: DVC's copy is, or nothing."""
    assert call("export", "pipelines/shots.yaml", "attacked", "good").code == 0
    file = next(finished.root.glob("artifacts/shots/attacked/images/severity=1/*.safetensors"))
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.chmod(0o644)
    file.write_bytes(bytes(content))
    answer = call("export", "pipelines/shots.yaml", "attacked", "x")
    if answer.code == 0:
        assert manifest("x") == manifest("good")
    else:
        assert not [path for path in Path().iterdir() if path.name.lstrip(".").startswith("x")]


def test_ids_that_look_alike_are_files_of_their_own(shots, call):
    """Ids that differ in capitals, accents or signs alone, and names systems misread, part."""
    picture = next((shots.root / "data" / "test" / "dark").iterdir()).read_bytes()
    for name in ("a b", "a_b", "A_B", "CON", "a..", "a%2Fb", "é", "-rf", "x" * 200):
        (shots.root / "data" / "test" / "dark" / f"{name}.png").write_bytes(picture)
    assert call("run", "pipelines/shots.yaml", "--direct").code == 0
    assert call("export", "pipelines/shots.yaml", "test", "x").code == 0
    rows = manifest("x")
    assert len(rows) == 17
    assert len({row["file"].casefold() for row in rows}) == len({row["id"] for row in rows}) == 17
    assert all(len(Path(row["file"]).name) < 60 and row["file"].isascii() for row in rows)
    assert all(Path(row["file"]).parent == Path("images/all") for row in rows)
    assert all(Path(row["file"]).name[0].isdigit() for row in rows)


def test_groups_and_attributes_come_along(shots, call):
    """As columns of their own, also where an attribute is named as a column of the manifest."""
    rows = [
        f"{file.relative_to('data/test')},{file.parent.name},scene {i // 2},cam {i % 3},{i} m"
        for i, file in enumerate(sorted(Path("data/test").rglob("*.png")))
    ]
    text = "\n".join(["file,label,group,camera,depth", *rows])
    Path("data/test/labels.csv").write_text(f"{text}\n", encoding="utf-8")
    pipeline = Path("pipelines/shots.yaml")
    with_labels = pipeline.read_text().replace("data/test}", "data/test, labels: labels.csv}")
    pipeline.write_text(with_labels)
    assert call("run", "pipelines/shots.yaml", "--direct").code == 0
    assert call("export", "pipelines/shots.yaml", "test", "x").code == 0
    given = {row.split(",")[0]: row.split(",")[2:] for row in rows}
    written = manifest("x")
    assert len(written) == len(rows) > 0
    for row in written:
        assert [row["group"], row["camera"], row["attribute_depth"]] == given[row["id"]]
        assert row["depth"] == "8"


def test_numbers_come_along_and_are_read_again(shots, call):
    """A column for each, which `dataset/folder` takes as `targets`."""
    files = sorted(Path("data/test").rglob("*.png"))
    rows = [f"{file.relative_to('data/test')},{i / 7!r}" for i, file in enumerate(files)]
    Path("data/test/far.csv").write_text("\n".join(["file,far_m", *rows]), encoding="utf-8")
    far = "with: {path: data/test, labels: far.csv, targets: [far_m]}"
    Path("pipelines/far.yaml").write_text(
        f"name: far\ndata:\n  test: {{uses: dataset/folder, {far}}}\n"
        "steps:\n  line: {uses: regressor/bayesian_ridge, fit_on: test}\n"
    )
    assert call("run", "pipelines/far.yaml", "--direct").code == 0
    assert call("export", "pipelines/far.yaml", "test", "x").code == 0
    again = Folder(path="x", labels="manifest.csv", targets=("far_m",))
    again.open(Path.cwd())
    assert [again.item(i).target for i in range(len(files))] == [i / 7 for i in range(len(files))]


@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_interrupted_leaves_nothing_that_looks_whole(finished, call, child_environment, name):
    """Ctrl-C leaves nothing, and a kill a hidden folder that the next export removes."""
    program = (
        "import adversity_flows.runs.export as e, os, signal\n"
        "plain = e.image_file\n"
        "def slow(*a):\n"
        f"    os.kill(os.getpid(), signal.{name})\n"
        "    return plain(*a)\n"
        "e.image_file = slow\n"
        "from adversity_flows.cli import main\n"
        "import sys; sys.exit(main())"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, "export", "pipelines/shots.yaml", "noisy", "x"],
        env=child_environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode == (130 if name == "SIGINT" else -9), ended.stderr
    assert "Traceback" not in ended.stderr
    left = [path.name for path in Path().iterdir() if path.name.lstrip(".").startswith("x")]
    assert len(left) == (name == "SIGKILL")
    assert not Path("x").exists()
    assert call("export", "pipelines/shots.yaml", "noisy", "x").code == 0
    assert [path for path in Path().iterdir() if path.name.lstrip(".").startswith("x")] == [
        Path("x")
    ]


def test_an_empty_folder_is_filled(finished, call):
    """A folder that is there and empty is taken; progress goes to standard error."""
    Path("x").mkdir()
    answer = call("export", "pipelines/shots.yaml", "noisy", "x")
    assert answer.code == 0
    assert "noisy" in answer.err
    assert len(manifest("x")) == 16
