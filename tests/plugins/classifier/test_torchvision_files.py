"""Torchvision's networks from local files, and files that must not be loaded."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import random
import warnings
import zipfile

import pytest
import torch
from safetensors.torch import save_file

from adversity.errors import InputError, ParameterError, WeightsError
from adversity_plugins.classifier.network._weights import read_weights


@pytest.mark.parametrize("suffix", ["pth", "safetensors", "wrapped.pth", "parallel.pth"])
def test_a_local_state_dict(tmp_path, network, noise, suffix, ready):
    """A state dict from torch or safetensors, wrapped or with `module.`, gives the network's logits."""
    state = network.state_dict()
    path = tmp_path / f"net.{suffix}"
    if suffix == "safetensors":
        save_file(state, path)
    elif suffix == "wrapped.pth":
        torch.save({"state_dict": state}, path)
    elif suffix == "parallel.pth":
        torch.save({f"module.{key}": value for key, value in state.items()}, path)
    else:
        torch.save(state, path)
    classifier = ready(tmp_path, file=path.name, classes=("a", "b", "c"))
    images = noise(2, 3, 64, 64)
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    with torch.no_grad():
        assert torch.equal(classifier.logits(images), network((images - mean) / std))
    assert classifier.class_names == ("a", "b", "c")
    assert classifier.synsets is None
    assert classifier.describe()["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert not any(p.requires_grad for p in classifier._network.parameters())
    assert not classifier._network.training


class Bomb:
    """A pickle that makes a folder when loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("how", ["pickle", "torch", "beside weights"])
def test_pickle_bombs_are_refused_and_never_run(tmp_path, network, how, ready):
    """A weight file that holds code is a WeightsError, and nothing of it runs."""
    fuse, path = tmp_path / "it_ran", tmp_path / "bomb.pth"
    if how == "pickle":
        path.write_bytes(pickle.dumps(Bomb(fuse), protocol=2))
    else:
        extra = {} if how == "torch" else network.state_dict()
        torch.save({**extra, "bomb": Bomb(fuse)}, path)
    with pytest.raises(WeightsError, match=r"bomb.pth holds more than tensors"):
        ready(tmp_path, file="bomb.pth")
    assert not fuse.exists()
    with path.open("rb") as stream:  # the bomb is a real one
        torch.load(stream, weights_only=False) if how != "pickle" else pickle.load(stream)
    assert fuse.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "damaged"),
        (b"PK\x03\x04 cut zip", "damaged"),
        (b"not weights", "holds more than tensors|damaged"),
    ],
)
def test_damaged_weight_files(tmp_path, content, words, ready):
    """An empty, cut or foreign file is one WeightsError."""
    for name in ("w.pth", "w.safetensors"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(WeightsError, match=rf"weight file {name} .*({words})"):
            ready(tmp_path, file=name)


@pytest.mark.parametrize("old", [False, True], ids=["zip", "before 1.6"])
@pytest.mark.parametrize("prefix", ["_orig_mod.", "model.", "module._orig_mod.", "model.module."])
def test_prefixes_of_wrappers_are_taken_off(tmp_path, old, prefix):
    """What torch.compile, DataParallel and training frameworks put before names is no name."""
    state = {f"{prefix}fc.weight": torch.ones(2, 3), f"{prefix}fc.bias": torch.zeros(2)}
    torch.save(state, tmp_path / "w.pth", _use_new_zipfile_serialization=not old)
    assert sorted(read_weights(tmp_path / "w.pth")) == ["fc.bias", "fc.weight"]


def test_programs_are_called_what_they_are(tmp_path):
    """TorchScript is named, with the line that makes a state dict, and nothing unsafe is advised."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch deprecates TorchScript, people still hold it
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), tmp_path / "w.pt")
    with pytest.raises(WeightsError, match=r"TorchScript file.*torch.jit.load") as caught:
        read_weights(tmp_path / "w.pt")
    assert "weights_only" not in str(caught.value)


def _compressed(path):
    """Write a state dict anew with a million zeros behind each tensor, deflated."""
    torch.save({"w": torch.zeros(2)}, path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content + bytes(10**6 * ("/data/" in name)))


def _longer_than_its_file(path):
    """Write the old format, whose pickle says that a storage has 10^12 values."""
    torch.save({"w": torch.zeros(7)}, path, _use_new_zipfile_serialization=False)
    seven, many = b"K\x07N", b"\x8a\x06" + (10**12).to_bytes(6, "little") + b"N"
    content = path.read_bytes()
    assert content.count(seven) == 1
    path.write_bytes(content.replace(seven, many))


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda p: torch.save({"w": torch.zeros(1).expand(10**12)}, p), "w says .* holds 4 bytes"),
        (
            lambda p: torch.save(
                {"w": torch.zeros(1).expand(10**12)}, p, _use_new_zipfile_serialization=False
            ),
            "w says .* holds 4 bytes",
        ),
        (_compressed, "is compressed"),
        (_longer_than_its_file, r"1e\+12 values in \d+ bytes"),
        (lambda p: torch.save({"w": torch.ones(2).to_sparse()}, p), "sparse"),
        (lambda p: torch.save({"model.w": torch.ones(1), "w": torch.ones(1)}, p), "2 names are 1"),
    ],
    ids=["expanded", "expanded, old", "compressed", "old storage", "sparse", "two in one"],
)
def test_sizes_are_held_against_the_file(tmp_path, write, words):
    """A file of some kB that speaks of terabytes is refused before memory is taken."""
    path = tmp_path / "w.pt"
    write(path)
    with pytest.raises(WeightsError, match=words):
        read_weights(path)


@pytest.mark.parametrize("old", [False, True], ids=["zip", "before 1.6"])
def test_whatever_is_damaged_is_one_weights_error(tmp_path, old):
    """Bytes flipped and ends cut at random: weights, or a WeightsError, never another error."""
    path = tmp_path / "w.pth"
    torch.save({"w": torch.ones(3)}, path, _use_new_zipfile_serialization=not old)
    content, chance = path.read_bytes(), random.Random(0)
    for trial in range(300):
        changed = bytearray(content)
        changed[chance.randrange(len(changed))] = chance.randrange(256)
        cut = chance.randrange(len(changed)) if trial % 10 == 0 else None
        path.write_bytes(bytes(changed[:cut]))
        with contextlib.suppress(WeightsError):
            read_weights(path)


def test_weights_that_are_no_numbers_are_named(tmp_path, network, ready):
    """NaN in a file is the file's fault, said with the tensor before anything is computed."""
    state = dict(network.state_dict())
    state["features.0.bias"] = torch.full_like(state["features.0.bias"], torch.nan)
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match=r"w.pth hold NaN or infinity: 1 .*features.0.bias"):
        ready(tmp_path, file="w.pth")


def test_weights_that_do_not_fit(tmp_path, network, ready):
    """Weights of another network, or with missing and unexpected names, list the first few."""
    state = network.state_dict()
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match=r"no last layer of resnet18 \(fc.weight, fc.bias\)"):
        ready(tmp_path, file="w.pth", architecture="resnet18")
    broken = dict(state)
    broken["extra"] = broken.pop("features.0.weight")
    broken["features.0.bias"] = torch.zeros(5)
    torch.save(broken, tmp_path / "w.pth")
    words = (
        r"1 missing \(features.0.weight\), 1 unexpected \(extra\), "
        r"1 of another shape \(features.0.bias \[5\] instead of \[64\]\)"
    )
    with pytest.raises(WeightsError, match=words):
        ready(tmp_path, file="w.pth")


def test_class_names(tmp_path, network, ready):
    """Names come from a list or a file, one for each class; without them they are numbered."""
    torch.save(network.state_dict(), tmp_path / "w.pth")
    (tmp_path / "names.txt").write_text("ash\nbeech\n\nyew\n")
    assert ready(tmp_path, file="w.pth").class_names == ("class_0", "class_1", "class_2")
    named = ready(tmp_path, file="w.pth", classes_file="names.txt")
    assert named.class_names == ("ash", "beech", "yew")
    with pytest.raises(ParameterError, match=r"expected 3 names in classes, .*got 2"):
        ready(tmp_path, file="w.pth", classes=("a", "b"))
    with pytest.raises(ParameterError, match=r"expected 3 names in classes, .*got 1000"):
        ready(tmp_path, file="w.pth", classes="imagenet")
    with pytest.raises(ParameterError, match="each class once in classes, got a several"):
        ready(tmp_path, file="w.pth", classes=("a", "b", "a"))
    with pytest.raises(InputError, match=r"there is no file none.txt in the project"):
        ready(tmp_path, file="w.pth", classes_file="none.txt")


def test_what_nobody_said_of_a_file(tmp_path, network, ready):
    """Of a file's input it is the defaults; of torchvision's own weights it is published."""
    torch.save(network.state_dict(), tmp_path / "w.pth")
    said = ready(tmp_path, file="w.pth", mean=(0.5, 0.5, 0.5)).describe()
    assert said["by_default"] == ["std", "channel_order", "pixel_range"]
    assert ready(weights="none", classes=("a", "b")).describe()["by_default"] == []


def test_files_outside_and_missing(tmp_path, tmp_path_factory, ready):
    """A missing weight file, and a link out of the project, have their messages."""
    with pytest.raises(InputError, match=r"there is no file none.pth in the project"):
        ready(tmp_path, file="none.pth")
    outside = tmp_path_factory.mktemp("outside") / "w.pth"
    outside.write_bytes(b"x")
    (tmp_path / "w.pth").symlink_to(outside)
    with pytest.raises(InputError, match=r"w.pth must lie in the project"):
        ready(tmp_path, file="w.pth")


def test_wrong_hash_and_wrong_sizes(tmp_path, network, ready):
    """A stated hash is checked for local files too; a resize below the crop is refused."""
    torch.save(network.state_dict(), tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="expected SHA-256 000"):
        ready(tmp_path, file="w.pth", sha256="0" * 64)
    with pytest.raises(ParameterError, match="resize 32 is smaller than crop 64"):
        ready(tmp_path, file="w.pth", resize=32)
