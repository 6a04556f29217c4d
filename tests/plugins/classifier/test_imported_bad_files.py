"""Files and parameters that do not belong to a model: one message each, with what to do."""

from __future__ import annotations

import contextlib
import random

import pytest
import torch
from pydantic import ValidationError

import adversity
from adversity.errors import InputError, WeightsError
from adversity_plugins.classifier.imported.onnx import Onnx


@pytest.mark.parametrize("kind", ["torchscript", "exported_program"])
def test_programs_must_be_trusted(kind):
    """A file that can run code is not opened before somebody answers for it."""
    with pytest.raises(InputError, match=r"expected true, got false: .* is a program.*ONNX"):
        adversity.create("classifier", kind, file="model.any")


@pytest.mark.parametrize(
    ("kind", "file", "words"),
    [
        ("onnx", "model.ts", "expected ONNX, got TorchScript; use classifier/torchscript"),
        (
            "onnx",
            "state.pt",
            "got a state dict; use classifier/torchvision or classifier/timm with its",
        ),
        ("onnx", "text.onnx", "expected ONNX, got an unknown format; export the model as ONNX"),
        ("onnx", "empty.onnx", "expected ONNX, got an empty file"),
        ("onnx", "cut.onnx", "expected ONNX, got a file that is damaged"),
        ("torchscript", "model.onnx", "expected TorchScript, got ONNX; use classifier/onnx"),
        ("torchscript", "model.pt2", "got an exported program .*; use classifier/exported_program"),
        ("exported_program", "model.ts", "expected an exported program .*, got TorchScript"),
        ("exported_program", "keras.h5", "got HDF5, as Keras writes it; export"),
    ],
)
def test_a_file_of_another_format_is_named(folder, kind, file, words):
    """The message says what the file is and which classifier reads it."""
    (folder / "text.onnx").write_text("hello", encoding="utf-8")
    (folder / "empty.onnx").write_bytes(b"")
    (folder / "cut.onnx").write_bytes((folder / "model.onnx").read_bytes()[:-40])
    (folder / "keras.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(40))
    trusted = {} if kind == "onnx" else {"trusted": True}
    with pytest.raises(WeightsError, match=words):
        adversity.create("classifier", kind, file=file, **trusted)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"classes": ("a", "b")}, "expected 3 names in classes, one for each logit.*got 2"),
        ({"classes": ("a", "b", "a")}, "expected each class once in classes, got a several"),
        ({"classes_file": "names.txt"}, "expected 3 names in classes_file names.txt.*got 4"),
    ],
)
def test_a_class_list_of_another_length(folder, given, words):
    """Both numbers stand in the message."""
    (folder / "names.txt").write_text("a\nb\nc\nd\n", encoding="utf-8")
    with pytest.raises(InputError, match=words):
        adversity.create("classifier", "onnx", file="model.onnx", **given)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"mean": (123.7, 116.3, 103.5)}, r"in 0 to 1, got .*write \[123.7/255, .*`pixel_range"),
        ({"std": (58.4, 57.1, 57.4)}, r"std: expected that of pixels in 0 to 1"),
        ({"mean": (0.5,), "pixel_range": "0..255"}, "in 0 to 255, got .0.5.; multiply mean"),
        ({"std": (0, 1, 1)}, "std must be positive"),
        ({"mean": (-0.5,)}, "mean: expected that of pixels in 0 to 1, got .*without the sign"),
        ({"std": (0.2,), "pixel_range": "0..255"}, "std: expected that of pixels in 0 to 255"),
        ({"mean": (300,), "pixel_range": "0..255"}, "in 0 to 255, got .300.*; give the mean of"),
        ({"mean": (0.5, 0.5)}, "mean: expected 3 values, one for each channel"),
        ({"mean": (0.5,) * 3, "channel_order": "grey"}, "mean: expected 1 values"),
        ({"size": 0}, "size: expected 1 pixel and more"),
        ({"classes": ("a",), "classes_file": "x.txt"}, "exclude each other"),
        ({"file": "../model.onnx"}, "inside the project"),
    ],
)
def test_wrong_parameters(given, words):
    """A parameter that cannot be meant so is refused before anything is opened."""
    with pytest.raises(ValidationError, match=words):
        Onnx(**({"file": "model.onnx"} | given))


def test_a_size_that_the_file_contradicts(folder):
    """An exported program for 32 x 32 is not given 64 x 64."""
    with pytest.raises(InputError, match=r"expected size \[32, 32\].*got \[64, 64\]; leave"):
        adversity.create("classifier", "exported_program", file="model.pt2", trusted=True, size=64)


def test_a_program_exported_in_training_mode(folder):
    """Dropout that cannot be switched off is refused with the call that was forgotten."""
    layers = torch.nn.Sequential(
        torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Dropout(0.5)
    )
    program = torch.export.export(layers.train(), (torch.zeros(2, 3, 8, 8),))
    torch.export.save(program, folder / "training.pt2")
    with pytest.raises(WeightsError, match=r"training mode .*call net.eval\(\) before"):
        adversity.create("classifier", "exported_program", file="training.pt2", trusted=True)


@pytest.mark.parametrize("limits", [{"max": 8}, {"min": 4}, {"min": 4, "max": 12}])
def test_a_program_for_few_images_or_many(folder, limits):
    """A call has as many images as the program says that it takes, however many there are."""
    layers = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    shapes = ({0: torch.export.Dim("n", **limits)},)
    program = torch.export.export(layers, (torch.zeros(5, 3, 8, 8),), dynamic_shapes=shapes)
    torch.export.save(program, folder / "few.pt2")
    given = {"file": "few.pt2", "trusted": True, "answers": "logits"}
    classifier = adversity.create("classifier", "exported_program", **given)
    for count in (1, 20):
        images = torch.rand(count, 3, 8, 8)
        assert torch.allclose(classifier(images), images.mean((2, 3)), atol=1e-6)


@pytest.mark.parametrize("kind", ["onnx", "torchscript", "exported_program"])
@pytest.mark.parametrize(
    "content",
    [
        b"\x08",
        b"PK\x05\x06" + bytes(4) + b"\x05\0\x05\0" + b"\x30\0\0\0\x10\0\0\0\0\0",
    ],
    ids=["one byte", "damaged zip"],
)
def test_what_is_cut_or_damaged_is_one_weights_error(folder, kind, content):
    """A file of which too little is left is named, and no fault of the plugin."""
    (folder / "cut").write_bytes(content)
    trusted = {} if kind == "onnx" else {"trusted": True}
    with pytest.raises(WeightsError, match=r"got (an unknown format|a damaged zip archive); "):
        adversity.create("classifier", kind, file="cut", **trusted)


def test_flipped_bytes_are_no_traceback(folder):
    """Wherever a zip archive is damaged, what is said is an error of the file."""
    content, chance = (folder / "model.ts").read_bytes(), random.Random(0)
    for _ in range(60):
        changed = bytearray(content)
        changed[-chance.randrange(1, 2000)] = chance.randrange(256)
        (folder / "flipped.ts").write_bytes(changed)
        with contextlib.suppress(InputError):
            adversity.create("classifier", "torchscript", file="flipped.ts", trusted=True)
