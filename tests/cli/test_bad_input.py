"""Wrong pipeline files, data and weights, as a user meets them: one message, exit code 2."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import sys

import pytest

import adversity
from adversity.errors import InputError

FILE = "pipelines/shots.yaml"
RUN = ("run", FILE, "--direct", "--json")
NET = "classifier/small_cnn, fit_on: train, with: {epochs: 1, width: 4}"
NOISE = "from: test}\n  noisy: {uses: degradation/gaussian_noise, from: test, with: "
LOOP = """from: b}
  a: {uses: degradation/gaussian_noise, from: b, with: {severity: 1}}
  b: {uses: degradation/gaussian_noise, from: a, with: {severity: 1}}"""


WRONG = {
    "unknown plugin": (
        "classifier/small_cnn",
        "classifier/smal_cnn",
        ":6: unknown plugin classifier/smal_cnn; did you mean small_cnn?",
    ),
    "unknown parameter": ("epochs: 1", "epoch: 1", ":6:", "epoch; did you mean epochs?"),
    "wrong type": ("epochs: 1", "epochs: many", ":6:", "epochs must be an integer, got 'many'"),
    "out of range": (
        "epochs: 1",
        "epochs: 0",
        ":6:",
        "epochs must be greater than or equal to 1, got 0",
    ),
    "severity and a physical parameter": (
        "from: test}",
        NOISE + "{severity: 3, sigma: 0.1}}",
        ":8:",
        "severity excludes sigma; give one or the other",
    ),
    "cycle": ("from: test}", LOOP, ":9:", "in a circle: b -> a -> b; cut one arrow"),
    "absolute path": ("data/test", "/etc", ":4:", "path", "got '/etc'"),
    "path upwards": ("data/test", "../photos", ":4:", "path", "got '../photos'"),
    "undeclared variable": (
        "epochs: 1",
        "epochs: $n",
        ":6: steps.net.with.epochs: matrix variable $n is not declared under matrix:",
        "add n: [...] there",
    ),
    "braces": ("epochs: 1", "epochs: ${n}", ":6:", "${...} is refused", "as $name"),
    "quoted braces": ("epochs: 1", "epochs: '${n}'", ":6:", "${...} is refused", "as $name"),
    "two problems": (
        "small_cnn, fit_on: train",
        "smal_cnn, fit_on: trian",
        "2 things are wrong:\n  ",
        "did you mean small_cnn?\n",
        "did you mean train?",
    ),
    "unicode in a name": ("predictions:", "prédictions:", ":7:", "snake_case", "'prédictions'"),
    "control character in a name": ("net:", '"n\\et":', ":6:", "U+001B", "drop it"),
    "control character in a value": ("data/test", '"data/\\e[31m"', ":4:", "U+001B", "drop it"),
    "line break in a name": (
        "classifier/small_cnn",
        '"classifier/small\\ncnn"',
        ":6: unknown plugin classifier/small\\ncnn",
    ),
    "turned direction of writing": (
        "classifier/small_cnn",
        '"classifier/\\u202Ennc"',
        ":6: unknown plugin classifier/\\u202ennc",
    ),
}


@pytest.mark.parametrize("command", [("validate", FILE, "--json"), RUN], ids=["validate", "run"])
@pytest.mark.parametrize("case", WRONG)
def test_wrong_pipeline_file(case, command, shots, call, refused):
    """Each fault is one message with its line, before anything is written."""
    before, after, *said = WRONG[case]
    shots.edit(before, after)
    refused(call(*command), *said, FILE)
    assert not (shots.root / "dvc.yaml").exists()
    assert not (shots.root / "runs").exists()


def test_a_file_that_is_not_utf8(shots, call, refused):
    """The line and the byte are named."""
    shots.file.write_bytes(shots.file.read_bytes().replace(b"predictions", b"pr\xe9dictions"))
    refused(call("validate", FILE, "--json"), f"{FILE}:7: expected UTF-8 text, got the byte 0xe9")


def test_a_pipeline_that_is_a_folder(shots, call, refused):
    """A folder is refused whether it is named or found."""
    shots.file.unlink()
    shots.file.mkdir()
    refused(call(*RUN), f"{FILE}: expected a pipeline file, got a folder")
    refused(call("validate"), f"{FILE}: expected a pipeline file, got a folder")


def test_a_file_name_that_would_colour_the_terminal(shots, call, refused):
    """Escapes in a name on the command line are shown, not obeyed."""
    refused(call("run", "pipelines/\x1b[31mshot\n.yaml"), "\\x1b[31mshot\\n.yaml: there is no")


@pytest.mark.slow
def test_missing_data_are_said_before_any_step_runs(shots, call, refused):
    """Both folders are named with their lines, and nothing was trained for nothing."""
    shutil.rmtree(shots.root / "data" / "test")
    refused(call(*RUN), f"{FILE}:4: data.test: expected", "data/test", "got none", "`dvc pull`")
    shots.holds_nothing_of("net")
    shutil.rmtree(shots.root / "data" / "train")
    refused(call(*RUN), "2 things are wrong", f"{FILE}:3: data.train", f"{FILE}:4: data.test")
    answer = call("validate", FILE)
    assert answer.code == 0
    assert f"  ! {FILE}:4: data.test: expected" in answer.out
    assert len(json.loads(call("validate", FILE, "--json").out)["pipelines"][0]["warnings"]) == 2
    shots.draw("data/train", 6)
    shots.draw("data/test", 4)
    assert call(*RUN).code == 0


@pytest.mark.slow
def test_unreadable_images_are_listed_until_none_is_left(shots, call, refused):
    """What cannot be decoded is a caveat and stands in the report; nothing left is an error."""
    test = shots.root / "data" / "test"
    (test / "dark" / "junk.png").write_bytes(b"junk")
    whole = (test / "light" / "0.png").read_bytes()
    (test / "light" / "0.png").write_bytes(whole[:-30])
    answer = call(*RUN)
    assert answer.code == 0, answer.err
    document = json.loads(answer.out)
    (caveat,) = [c["text"] for c in document["caveats"] if "left out" in c["text"]]
    assert "2 images of test" in caveat
    page = (shots.root / document["run"]["folder"] / "report.md").read_text(encoding="utf-8")
    assert "dark/junk.png: not an image" in page
    assert "light/0.png: damaged" in page
    for image in test.rglob("*.png"):
        image.write_bytes(b"junk")
    refused(call(*RUN), "step predictions", "'data/test' has no usable image; 9 were left out")
    shutil.rmtree(test)
    (test / "dark").mkdir(parents=True)
    refused(call(*RUN), "step predictions", "data/test: no class folders with images", "put the")


@pytest.mark.slow
def test_one_class_cannot_be_learned(shots, call, refused):
    """Training on one class names it and the step, and leaves no weights."""
    shutil.move(shots.root / "data" / "train" / "light", shots.root / "light")
    refused(call(*RUN), "step net", "data of two classes or more to learn from", "'dark' alone")
    shots.holds_nothing_of("net")
    shutil.move(shots.root / "light", shots.root / "data" / "train" / "light")
    assert call(*RUN).code == 0


@pytest.mark.slow
def test_a_label_that_is_no_class(shots, call, refused):
    """Every wrong row of the CSV is named by file and line; corrected, the run goes on."""
    labels = shots.root / "data" / "test" / "labels.csv"
    labels.write_text("file,label\ndark/0.png,dark\nlight/0.png,lihgt\ndark/1.png,\n")
    shots.edit("path: data/test", "path: data/test, labels: labels.csv, classes: [dark, light]")
    message = refused(call(*RUN), "step net: data/test/labels.csv:3: 'lihgt' is not a class")
    assert "did you mean light?\n  data/test/labels.csv:4: 'dark/1.png' has no label" in message
    shots.holds_nothing_of("net")
    labels.write_text("file,label\ndark/0.png,dark\nlight/0.png,light\n")
    answer = call(*RUN)
    assert answer.code == 0, answer.err


@pytest.mark.slow
def test_file_names_that_are_no_text(shots, call, refused):
    """Control characters cost one image, a name that is not UTF-8 the data set; unicode nothing."""
    folder = shots.root / "data" / "test" / "dark"
    (folder / "0.png").rename(folder / "日本 é, =.png")
    (folder / "a\x1b[31m\nb.png").write_bytes(b"")
    (folder / "a\x1b[31m\nb.png").write_bytes((folder / "日本 é, =.png").read_bytes())
    answer = call(*RUN)
    assert answer.code == 0, answer.err
    (caveat,) = [c["text"] for c in json.loads(answer.out)["caveats"] if "left out" in c["text"]]
    assert r"dark/a\x1b[31m\nb.png (its name holds a control character (U+001B); rename" in caveat
    (folder / "a\x1b[31m\nb.png").unlink()
    if sys.platform == "linux":  # elsewhere such a name cannot be made
        name = os.fsencode(folder) + b"/\xff.png"
        with open(name, "wb"):  # noqa: PTH123  (a pathlib path is text)
            pass
        said = r"data/test/dark/\udcff.png: expected a name in UTF-8; rename it"
        refused(call(*RUN), f"{FILE}:4: data.test: {said}")
        os.unlink(name)  # noqa: PTH108
    assert call(*RUN).code == 0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system makes no pipes")
@pytest.mark.parametrize("name", ["dark/zz.png", "dark/.hidden"])
def test_a_pipe_among_the_images_is_refused_before_anything_waits_for_it(
    name, shots, call, refused
):
    """DVC would wait for a pipe for ever; the run names it, through every door."""
    os.mkfifo(shots.root / "data" / "test" / name)
    said = f"data/test/{name} is a pipe, expected a regular file; delete it"
    refused(call(*RUN), f"{FILE}:4: data.test: {said}")
    assert f"{FILE}:4: data.test: {said}" in call("validate", FILE).out
    with pytest.raises(InputError, match=said):
        adversity.run(FILE, into=shots.root / "out", root=shots.root)
    os.mkfifo(shots.root / "pipelines" / "pipe.yaml")
    refused(call("validate", "pipelines/pipe.yaml"), "expected a pipeline file, got a pipe")


@pytest.mark.slow
@pytest.mark.parametrize("what", ["folder", "image", "weights"])
def test_a_link_out_of_the_project(what, shots, call, refused, tmp_path):
    """A folder, an image or a weight file that lies elsewhere is not read through a link."""
    test = shots.root / "data" / "test"
    outside = tmp_path / "outside"
    shutil.copytree(test, outside)
    if what == "folder":
        shutil.rmtree(test)
        test.symlink_to(outside)
        refused(call(*RUN), f"{FILE}:4:", "data/test must lie in the project")
    elif what == "image":
        (test / "dark" / "link.png").symlink_to(outside / "dark" / "0.png")
        refused(call(*RUN), "data/test/dark/link.png is a link out of the data set; copy the file")
    else:
        (shots.root / "net.pt").symlink_to(outside / "dark" / "0.png")
        shots.edit(NET, torchvision("./net.pt"))
        refused(call(*RUN), f"{FILE}:6:", "net.pt must lie in the project")
    shots.holds_nothing_of("predictions")


def torchvision(file):
    """Return the `uses:` and `with:` of a network whose weights are in `file`."""
    given = f"architecture: resnet18, file: {file}, classes: [dark, light], crop: 32"
    return f"classifier/torchvision, with: {{{given}}}"


class Bomb:
    """What makes a file when it is unpickled."""

    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return (os.mkdir, (self.marker,))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bomb.pt", "zipped.pt", "bomb.safetensors", "missing.pt", "."])
def test_weights_that_are_not_weights(name, shots, call, refused, tmp_path):
    """A pickle bomb does not go off, whatever it is called; a missing file is named."""
    import torch

    marker, models = tmp_path / "exploded", shots.root / "models"
    models.mkdir()
    if name == "zipped.pt":
        torch.save({"weight": Bomb(marker)}, models / name)
    elif name.startswith("bomb"):
        (models / name).write_bytes(pickle.dumps(Bomb(marker)))
    shots.edit(NET, torchvision(f"models/{name}"))
    said = {
        "bomb.safetensors": "bomb.safetensors is damaged",
        "missing.pt": "there is no file models/missing.pt in the project",
        ".": "models: expected a file in the project, got a folder",
    }
    safe = f"{name} holds more than tensors, so loading it could run code; it was not loaded"
    where = (
        f"{FILE}:6: classifier/torchvision" if name in ("missing.pt", ".") else "step predictions"
    )
    refused(call(*RUN), where, said.get(name, safe))
    assert not marker.exists()
    shots.holds_nothing_of("predictions")


def test_a_missing_file_is_told_once_however_many_steps_use_it(shots, call):
    """Where the plugin that names it stands, not again in each step that the plugin answers in."""
    shots.edit(NET, torchvision("models/missing.pt"))
    shots.edit("steps:\n", "steps:\n  again: {uses: net, from: test}\n")
    answer = call("validate", FILE)
    assert answer.out.count("there is no file models/missing.pt in the project") == 1, answer.out
    assert f"{FILE}:7: classifier/torchvision" in answer.out


def test_the_bomb_of_these_tests_is_a_real_one(tmp_path):
    """Unpickled without care, it goes off."""
    pickle.loads(pickle.dumps(Bomb(tmp_path / "exploded")))
    assert (tmp_path / "exploded").exists()


def test_weights_upwards(shots, call, refused):
    """A weight file outside the project is refused while planning."""
    shots.edit(NET, torchvision("../net.pt"))
    refused(call(*RUN), f"{FILE}:6:", "file: must be a path inside the project, got '../net.pt'")
