"""ONNX graphs: what they must be, which have a gradient, and where their weights lie."""

from __future__ import annotations

import hashlib

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

import adversity
from adversity.errors import InputError


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
    """Save a model in the current folder and make a classifier of it; means are its logits."""
    onnx.save(model, name)
    return adversity.create("classifier", "onnx", **{"file": name, "answers": "logits", **given})


MEANS = ("ReduceMean", ["images"], ["logits"], {"axes": [2, 3], "keepdims": 0})


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
WHOLE = graph_of(
    (*MEANS[:2], ["means"], MEANS[3]),
    ("Mul", ["means", "ten"], ["more"]),
    ("Round", ["more"], ["logits"]),
    weights=(("ten", np.float32(10)),),
)
UNKNOWN = graph_of(
    (*MEANS[:2], ["means"], MEANS[3]),
    ("QuickGelu", ["means"], ["logits"], {"domain": "com.microsoft"}),
    domain="com.microsoft",
)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (UNKNOWN, "its graph does not convert to torch"),
        (ROUNDED, "no gradient leads through its"),
        (WHOLE, "the gradient of its graph is zero while its answer changes"),
    ],
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


def test_equal_pixels_are_no_reason_to_refuse_a_gradient(folder):
    """On a black image every place is a maximum: steps back and forth find different ones."""
    pool = ("MaxPool", ["images"], ["most"], {"kernel_shape": [4, 4], "strides": [4, 4]})
    classifier = saved(graph_of(pool, ("ReduceMean", ["most"], *MEANS[2:])))
    black = torch.zeros(2, 3, 8, 8).requires_grad_()
    adversity.target(classifier).bind("ab").logits(black).sum().backward()
    assert float(black.grad.sum()) == pytest.approx(2 * 3)


def test_what_is_quantised_by_the_call_is_called_for_one_image(folder):
    """Its scale is that of the largest value of a call: no image decides over another's."""
    scale = ["bytes", "scale", "zero"]
    nodes = (
        ("DynamicQuantizeLinear", ["images"], scale),
        ("DequantizeLinear", scale, ["back"]),
        ("ReduceMean", ["back"], *MEANS[2:]),
    )
    classifier = saved(graph_of(*nodes))
    images = torch.rand(5, 3, 8, 8) * torch.tensor([0.1, 0.3, 1, 0.2, 0.5]).view(5, 1, 1, 1)
    alone = torch.cat([classifier(image) for image in images.split(1)])
    assert torch.equal(classifier(images), alone)
    assert torch.allclose(alone, images.mean((2, 3)), atol=0.1 / 255)
    assert classifier.ready.plugin.describe()["images_a_call"] == 1
    with pytest.raises(InputError, match="a graph for 4 images that is quantised by the largest"):
        saved(graph_of(*nodes, shape=(4, 3, 8, 8)))


@pytest.mark.parametrize(
    ("nodes", "shape", "words"),
    [
        (
            (
                (*MEANS[:2], ["means"], *MEANS[3:]),
                ("Dropout", ["means", "half", "yes"], ["logits"]),
            ),
            ("n", 3, 8, 8),
            r"another the second time: it draws random numbers, .*net.eval\(\)",
        ),
        (
            (
                (*MEANS[:2], ["means"], *MEANS[3:]),
                ("ReduceMean", ["means"], ["most"], {"axes": [0], "keepdims": 1}),
                ("Sub", ["means", "most"], ["logits"]),
            ),
            ("n", 3, 8, 8),
            r"an answer to each image by itself, got one that differs by .* images beside it",
        ),
        (
            (
                (*MEANS[:2], ["means"], *MEANS[3:]),
                ("Concat", ["means", "means"], ["logits"], {"axis": 0}),
            ),
            (1, 3, 8, 8),
            r"for 1 images, .*got shape \[2, 3\]",
        ),
    ],
    ids=["random", "over the batch", "more rows"],
)
def test_an_answer_that_is_not_one_to_each_image(folder, nodes, shape, words):
    """What is drawn, normalised over the images, or of more rows than images is refused at once."""
    values = (("half", np.float32(0.5)), ("yes", np.bool_(True)))
    with pytest.raises(InputError, match=words):
        saved(graph_of(*nodes, shape=shape, weights=values))


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
    digest = hashlib.sha256((folder / "w.bin").read_bytes()).hexdigest()
    assert apart.ready.plugin.describe()["data"] == {"w.bin": digest}


def in_a_constant(values):
    """Return a node whose attribute holds numbers."""
    tensor = numpy_helper.from_array(np.asarray(values, dtype=np.float32))
    return helper.make_node("Constant", [], ["weights"], value=tensor)


def in_a_branch(values):
    """Return a node in whose two graphs such a node stands."""
    out = helper.make_tensor_value_info("weights", TensorProto.FLOAT, None)
    graph = helper.make_graph([in_a_constant(values)], "branch", [], [out])
    return helper.make_node("If", ["yes"], ["weights"], then_branch=graph, else_branch=graph)


@pytest.mark.parametrize("made", [in_a_constant, in_a_branch])
def test_weights_apart_are_found_wherever_the_graph_has_them(folder, made):
    """Numbers of a node or of a graph in a node are named and hashed as those of the graph."""
    model = graph_of((*MEANS[:2], ["means"], MEANS[3]), weights=(("yes", np.bool_(True)),))
    model.graph.node.append(made(np.eye(3)))
    model.graph.node.append(helper.make_node("MatMul", ["means", "weights"], ["logits"]))
    for graph in [model.graph, *(a.g for node in model.graph.node for a in node.attribute)]:
        for tensor in (a.t for node in graph.node for a in node.attribute if a.t.raw_data):
            (folder / "w.bin").write_bytes(tensor.raw_data)
            onnx.external_data_helper.set_external_data(tensor, "w.bin")
            tensor.ClearField("raw_data")
    with pytest.raises(InputError, match=r"its weights lie in w.bin.*write `data: \[FILE\]`"):
        saved(model)
    images = torch.rand(2, 3, 8, 8)
    assert torch.allclose(saved(model, data=("w.bin",))(images), images.mean((2, 3)), atol=1e-6)


def test_weights_apart_that_are_a_link_of_dvc(folder):
    """onnxruntime follows no link out of the folder: the message says how DVC puts the file there."""
    cached = folder / "cache/files/md5/00" / ("0" * 30)
    cached.parent.mkdir(parents=True)
    (folder / "sub").mkdir()
    model = onnx.load("model.onnx")
    place = {"location": "w.bin", "size_threshold": 0}
    onnx.save(model, "sub/apart.onnx", save_as_external_data=True, **place)
    (folder / "sub/w.bin").rename(cached)
    (folder / "sub/w.bin").symlink_to(cached)
    with pytest.raises(InputError, match=r"folder of the model, got w.bin, which .*dvc unprotect"):
        adversity.create("classifier", "onnx", file="sub/apart.onnx", data=("sub/w.bin",))
