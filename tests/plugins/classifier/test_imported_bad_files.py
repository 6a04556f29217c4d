"""Files and parameters that do not belong to a model: one message each, with what to do."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from pydantic import ValidationError

import adversity
from adversity.errors import InputError, WeightsError
from adversity_plugins.classifier.imported.exported_program import ExportedProgram
from adversity_plugins.classifier.imported.onnx import Onnx
from adversity_plugins.classifier.imported.torchscript import TorchScript


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A project with a small model in each format."""
    for cls in (Onnx, TorchScript, ExportedProgram):
        cls.write_example_files(tmp_path)
    torch.save({"weight": torch.ones(2)}, tmp_path / "state.pt")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def graph_of(*nodes, outputs=("logits",), shape=("n", 3, "h", "w"), weights=(), domain=""):
    """Return an ONNX model of these nodes, from `images` on."""
    stored = [numpy_helper.from_array(np.asarray(v), name) for name, v in weights]
    graph = helper.make_graph(
        [helper.make_node(*node[:3], **(node[3] if len(node) > 3 else {})) for node in nodes],
        "made",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        stored,
    )
    opsets = [helper.make_opsetid("", 17), *([helper.make_opsetid(domain, 1)] if domain else [])]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def saved(model, name="made.onnx", **given):
    """Save a model in the current folder and make a classifier of it."""
    onnx.save(model, name)
    return adversity.create("classifier", "onnx", file=name, **given)


MEANS = ("ReduceMean", ["images"], ["logits"], {"axes": [2, 3], "keepdims": 0})


@pytest.mark.parametrize("kind", ["torchscript", "exported_program"])
def test_programs_must_be_trusted(kind):
    """A file that can run code is not opened before somebody answers for it."""
    with pytest.raises(InputError, match=r"expected true, got false: .* is a program.*ONNX"):
        adversity.create("classifier", kind, file="model.any")


@pytest.mark.parametrize(
    ("kind", "file", "words"),
    [
        ("onnx", "model.ts", "expected ONNX, got TorchScript; use classifier/torchscript"),
        ("onnx", "state.pt", "expected ONNX, got a state dict; use classifier/torchvision"),
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
    ("model", "words"),
    [
        (graph_of(("Relu", ["images"], ["logits"])), r"got shape \[2, 3, 224, 224\]; .*pooling"),
        (
            graph_of(("ReduceMean", ["images"], ["logits"], {"axes": [1, 2, 3], "keepdims": 0})),
            r"got shape \[2\]; export a model of two classes with two logits",
        ),
        (
            graph_of((*MEANS[:2], ["means"], MEANS[3]), ("Log", ["below"], ["logits"])),
            "onnxruntime runs, got",
        ),
        (
            graph_of(
                (*MEANS[:2], ["means"], MEANS[3]),
                ("Sub", ["means", "one"], ["below"]),
                ("Log", ["below"], ["logits"]),
                weights=(("one", np.float32(2)),),
            ),
            "got NaN or infinity in row 0; see whether .*pixel_range 0..1",
        ),
        (graph_of(MEANS, shape=("n", "h", "w")), r"floating-point \[N, C, H, W\], got float"),
        (
            graph_of(("Magic", ["images"], ["logits"], {"domain": "acme"}), domain="acme"),
            "got some of acme, whose code is a library of its own and is not loaded",
        ),
        (graph_of(MEANS, shape=("n", 32, 32, 3)), "write `layout: nhwc`"),
        (graph_of(MEANS, shape=("n", 1, 28, 28)), "write `channel_order: grey`"),
        (
            graph_of(MEANS, ("Relu", ["logits"], ["other"]), outputs=("logits", "other")),
            r"2 outputs \(logits, other\), and none is named; .*`output: NAME`",
        ),
    ],
)
def test_a_graph_that_is_no_classifier_of_images(folder, model, words):
    """What came out, or what the graph says, stands in the message with what to do."""
    with pytest.raises(InputError, match=words):
        saved(model)


def test_one_of_several_outputs_can_be_named(folder):
    """The named output is the answer, and gradients go through the same."""
    twice = ("Add", ["logits", "logits"], ["other"])
    model = graph_of(MEANS, twice, outputs=("logits", "other"))
    images = torch.rand(2, 3, 8, 8)
    classifier = saved(model, output="other")
    assert torch.allclose(classifier(images), 2 * images.mean((2, 3)), atol=1e-6)
    point = images.clone().requires_grad_()
    adversity.target(classifier).bind("ab").logits(point).sum().backward()
    assert torch.allclose(point.grad, torch.full_like(images, 2 / 64), atol=1e-7)


def test_batch_normalisation_as_exporters_write_it_has_a_gradient(folder):
    """`training_mode: 0` is said where nothing need be said: d/dx of (x - 1) / sqrt(4) is 1/2."""
    values = (("gain", 1), ("shift", 0), ("mean", 1), ("variance", 4))
    model = graph_of(
        (
            "BatchNormalization",
            ["images", "gain", "shift", "mean", "variance"],
            ["normal"],
            {"training_mode": 0, "epsilon": 0.0},
        ),
        ("ReduceMean", ["normal"], ["logits"], {"axes": [2, 3], "keepdims": 0}),
        weights=[(name, np.full(3, value, dtype=np.float32)) for name, value in values],
    )
    point = torch.rand(2, 3, 8, 8).requires_grad_()
    adversity.target(saved(model)).bind("ab").logits(point).sum().backward()
    assert torch.allclose(point.grad, torch.full_like(point, 1 / 2 / 64), atol=1e-7)


ROUNDED = graph_of(
    (*MEANS[:2], ["means"], MEANS[3]),
    ("Mul", ["means", "ten"], ["more"]),
    ("Round", ["more"], ["whole"]),
    ("QuantizeLinear", ["whole", "scale"], ["bytes"]),
    ("DequantizeLinear", ["bytes", "scale"], ["logits"]),
    weights=(("ten", np.float32(10)), ("scale", np.float32(0.05))),
)
UNKNOWN = graph_of(
    (*MEANS[:2], ["means"], MEANS[3]),
    ("QuickGelu", ["means"], ["logits"], {"domain": "com.microsoft"}),
    domain="com.microsoft",
)


@pytest.mark.parametrize(
    ("model", "words"),
    [(UNKNOWN, "its graph does not convert to torch"), (ROUNDED, "no gradient leads through its")],
)
def test_a_graph_without_gradient_is_a_black_box(folder, model, words):
    """Answers come, attacks without gradients run, others are refused in words, the report's too."""
    classifier = saved(model)
    images = torch.rand(2, 3, 8, 8)
    assert classifier(images).shape == (2, 3)
    victim, targets = adversity.target(classifier), classifier(images).argmax(1)
    pgd = adversity.create("attack", "pgd", norm="linf", eps=0.1, steps=2)
    with pytest.raises(InputError, match=rf"{words}.*only attacks that need no gradient"):
        pgd(victim, images, targets)
    square = adversity.create("attack", "square", norm="linf", eps=0.1, queries=5)
    assert square(victim, images, targets).images.shape == images.shape
    (link,) = victim.bind("ab").described
    assert link["gradient"].startswith(f"none ({words}")


def test_gradients_that_do_not_match_are_refused(folder, monkeypatch):
    """A converter that gets an operator wrong by 1e-3 is found on the images that it is used for."""
    from adversity_plugins.classifier.imported import _onnx_gradients

    right = _onnx_gradients.converted

    def wrong(model, device):
        network = right(model, device)
        return lambda images: network(images) + 1e-3

    monkeypatch.setattr(_onnx_gradients, "converted", wrong)
    classifier, images = saved(graph_of(MEANS)), torch.rand(2, 3, 8, 8)
    pgd = adversity.create("attack", "pgd", norm="linf", eps=0.1, steps=2)
    with pytest.raises(InputError, match=r"differs by 0.001 on your images, where 0.0001"):
        pgd(adversity.target(classifier), images, classifier(images).argmax(1))


def test_gradients_false_is_a_black_box(folder):
    """Who wants to treat a model as a black box says so, and is held to it."""
    classifier = adversity.create("classifier", "onnx", file="model.onnx", gradients=False)
    images = torch.rand(2, 3, 8, 8)
    pgd = adversity.create("attack", "pgd", norm="linf", eps=0.1, steps=2)
    with pytest.raises(InputError, match=r"`gradients: false` makes it a black box"):
        pgd(adversity.target(classifier), images, classifier(images).argmax(1))


def test_weights_in_a_file_apart_must_be_named(folder):
    """What the key would not see is refused; named, it answers as in one file."""
    model = onnx.load("model.onnx")
    onnx.save(model, "apart.onnx", save_as_external_data=True, location="w.bin", size_threshold=0)
    with pytest.raises(InputError, match=r"its weights lie in w.bin.*write `data: \[FILE\]`"):
        adversity.create("classifier", "onnx", file="apart.onnx")
    with pytest.raises(InputError, match=r"got state.pt, which the graph does not name"):
        adversity.create("classifier", "onnx", file="apart.onnx", data=("w.bin", "state.pt"))
    images = torch.rand(2, 3, 20, 20)
    apart = adversity.create("classifier", "onnx", file="apart.onnx", data=("w.bin",))
    whole = adversity.create("classifier", "onnx", file="model.onnx")
    assert torch.equal(apart(images), whole(images))


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
        ({"mean": (0.5,), "pixel_range": "0..255"}, "in 0 to 255, got .0.5.; multiply it"),
        ({"std": (0, 1, 1)}, "std must be positive"),
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
