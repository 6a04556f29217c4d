"""A user's own model from a file: the same network by way of each format, and what is said of it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors.torch import save_file

import adversity
from adversity.contracts.project_files import bind_files
from adversity.errors import InputError
from adversity_plugins.classifier.imported._model_input import ModelInput
from adversity_plugins.classifier.imported.exported_program import ExportedProgram
from adversity_plugins.classifier.imported.onnx import Onnx
from adversity_plugins.classifier.imported.torchscript import TorchScript

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FORMATS = {
    "onnx": ("model.onnx", {}),
    "torchscript": ("model.ts", {"trusted": True}),
    "exported_program": ("model.pt2", {"trusted": True}),
    "torchvision": ("model.safetensors", {"architecture": "squeezenet1_1", "crop": 64}),
}
CLOSE = {"onnx": 1e-5, "torchscript": 1e-6, "exported_program": 1e-6, "torchvision": 1e-6}
"""How far the logits of a format may be from the network's own, of which the largest is about 1."""


@pytest.fixture(scope="module")
def stored(tmp_path_factory, network):
    """One torchvision network in each format."""
    import warnings

    folder = tmp_path_factory.mktemp("stored")
    images = torch.zeros(2, 3, 64, 64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two of the exporters are deprecated
        axes = {"images": {0: "n"}, "logits": {0: "n"}}
        torch.onnx.export(
            network,
            (images,),
            folder / "model.onnx",
            input_names=["images"],
            output_names=["logits"],
            dynamic_axes=axes,
            dynamo=False,
        )
        torch.onnx.export(network, (images[:1],), folder / "one_image.onnx", dynamo=False)
        torch.jit.trace(network, images).save(str(folder / "model.ts"))
        shapes = ({0: torch.export.Dim("n")},)
        torch.export.save(
            torch.export.export(network, (images,), dynamic_shapes=shapes), folder / "model.pt2"
        )
        torch.export.save(torch.export.export(network, (images[:1],)), folder / "one_image.pt2")
    save_file(network.state_dict(), folder / "model.safetensors")
    (folder / "names.txt").write_text("a\nb\n\nc\n", encoding="utf-8")
    return folder


@pytest.fixture
def made(stored, monkeypatch):
    """Return a function that makes a classifier of a stored model."""
    monkeypatch.chdir(stored)

    def make(kind, **given):
        file, more = FORMATS[kind]
        usual = {"file": file, "classes": ("a", "b", "c"), "mean": MEAN, "std": STD}
        # The drawn network ends in ReLU and pooling, and all its logits lie in [0, 1].
        usual |= {} if kind == "torchvision" else {"answers": "logits"}
        return adversity.create("classifier", kind, **(usual | more | given))

    return make


@pytest.mark.parametrize("kind", FORMATS)
def test_each_format_gives_the_networks_logits(made, network, noise, kind):
    """Images of 64 x 64 give what the network gives to normalised ones, to the tolerance stated."""
    images = noise(5, 3, 64, 64)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (MEAN, STD))
    with torch.no_grad():
        expected = network((images - mean) / std)
    classifier = made(kind)
    assert float((classifier(images) - expected).abs().max()) <= CLOSE[kind]
    assert classifier.class_names == ("a", "b", "c")


def test_pgd_is_the_same_by_way_of_each_format(made, noise):
    """Five steps of PGD lead to the same images but for places where the gradient is nearly zero."""
    images, targets = noise(4, 3, 64, 64), torch.tensor([0, 1, 2, 0])
    results = {}
    for kind in FORMATS:
        attack = adversity.create("attack", "pgd", norm="linf", eps="4/255", steps=5)
        results[kind] = attack(adversity.target(made(kind)), images, targets).images
    first = results.pop("torchvision")
    assert float((first - images).abs().max()) == pytest.approx(4 / 255, abs=1e-6)
    for kind, other in results.items():
        same = ((first - other).abs() < 1e-5).double().mean()
        assert float(same) > 0.99, kind


def test_onnx_answers_as_onnxruntime_alone(made, stored, noise):
    """Without mean and deviation the answer is onnxruntime's own, to the bit."""
    images = noise(16, 3, 64, 64)
    session = onnxruntime.InferenceSession(
        str(stored / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    (alone,) = session.run(None, {"images": images.numpy()})
    answer = made("onnx", mean=None, std=None)(images)
    assert np.array_equal(answer.numpy(), alone)


def test_a_graph_for_one_image_takes_any_number(made, noise):
    """What was exported for one image answers five as the network does, with gradients."""
    images = noise(5, 3, 64, 64)
    one, many = made("onnx", file="one_image.onnx"), made("onnx")
    assert torch.allclose(one(images), many(images), atol=1e-5)
    gradients = []
    for classifier in (one, many):
        point = images.clone().requires_grad_()
        logits = adversity.target(classifier).bind("abcde").logits(point)
        (gradient,) = torch.autograd.grad(logits[:, 0].sum(), point)
        gradients.append(gradient)
    assert float((gradients[0] - gradients[1]).abs().max()) < 1e-5


def test_a_program_for_one_image_takes_any_number(made, noise):
    """An exported program whose batch is fixed is called image by image."""
    images = noise(3, 3, 64, 64)
    one = made("exported_program", file="one_image.pt2")
    assert torch.allclose(one(images), made("exported_program")(images), atol=1e-5)


def prepared(images, **given):
    """Prepare images with these parameters, all else as usual."""
    usual = {
        "size": None,
        "resize": "crop",
        "channel_order": "rgb",
        "layout": "nchw",
        "pixel_range": "0..1",
        "mean": (0.0,),
        "std": (1.0,),
    }
    return ModelInput(**(usual | given)).prepared(images)


def test_images_are_prepared_as_the_parameters_say(noise):
    """Range, order, layout and grey are those of NumPy and Pillow; mean is in the model's order."""
    from PIL import Image

    images = noise(2, 3, 8, 8)
    array = images.numpy()
    caffe = prepared(
        images, channel_order="bgr", pixel_range="0..255", mean=(104, 117, 123), std=(1, 2, 4)
    )
    bgr = (array[:, ::-1] * 255 - np.reshape([104, 117, 123], (3, 1, 1))) / np.reshape(
        [1, 2, 4], (3, 1, 1)
    )
    np.testing.assert_allclose(caffe.numpy(), bgr, atol=1e-4)
    keras = prepared(images, layout="nhwc")
    np.testing.assert_array_equal(keras.numpy(), array.transpose(0, 2, 3, 1))
    bytes_ = (array[0].transpose(1, 2, 0) * 255).round().astype(np.uint8)
    grey = prepared(
        torch.from_numpy(bytes_.transpose(2, 0, 1)[None] / 255).float(), channel_order="grey"
    )
    pillow = np.asarray(Image.fromarray(bytes_).convert("L"), dtype=np.float64)
    assert np.abs(grey[0, 0].numpy() * 255 - pillow).max() <= 1
    assert torch.equal(prepared(images[:, :1], channel_order="grey"), images[:, :1])


def test_sizes_are_those_of_torchvision(noise):
    """`crop` is Resize and CenterCrop of torchvision, `stretch` is Resize to both sides."""
    from torchvision.transforms import v2

    crop = v2.Compose([v2.Resize(24, antialias=True), v2.CenterCrop(24)])
    for size in ((31, 57), (57, 31), (16, 20), (24, 24)):
        images = noise(1, 3, *size)
        assert torch.allclose(prepared(images, size=(24, 24)), crop(images), atol=1e-6), size
    images = noise(1, 3, 31, 57)
    stretched = v2.Resize((20, 24), antialias=True)(images)
    assert torch.allclose(prepared(images, size=(20, 24), resize="stretch"), stretched, atol=1e-6)


def test_torchvision_takes_other_ranges_and_orders(made, noise):
    """The published mean on 0..255 is the same network; BGR is that of the flipped image."""
    images = noise(2, 3, 64, 64)
    usual = made("torchvision")(images)
    scaled = made("torchvision", pixel_range="0..255", mean=None, std=None)(images)
    assert torch.allclose(usual, scaled, atol=1e-4)
    turned = made("torchvision", channel_order="bgr", mean=MEAN, std=STD)
    assert torch.equal(turned(images.flip(1)), usual)
    # The mean that is published is of red, green, blue: as nobody gave another, it turns as well.
    published = made("torchvision", channel_order="bgr", mean=None, std=None)
    red_last = made("torchvision", channel_order="bgr", mean=MEAN[::-1], std=STD[::-1])
    assert torch.equal(published(images), red_last(images))
    assert not torch.equal(published(images), turned(images))


def test_what_nobody_said_is_described(stored):
    """The report hears of file, input, defaults and classes."""
    plugin = Onnx(file="model.onnx", classes_file="names.txt", answers="logits")
    bind_files(plugin, stored)
    plugin.setup("cpu")
    facts = plugin.describe()
    assert facts["input"]["size"] == [64, 64]
    assert facts["by_default"] == [
        "resize",
        "channel_order",
        "layout",
        "pixel_range",
        "mean",
        "std",
    ]
    assert (facts["classes"], facts["class_names"]) == (3, "from classes_file")
    assert facts["answered_by"] == f"onnxruntime {onnxruntime.__version__}"
    assert plugin.class_names == ("a", "b", "c")


def test_a_size_that_the_file_has_too_may_be_given(stored):
    """Said twice is said: it is no default, and the description comes."""
    plugin = Onnx(file="model.onnx", size=64, answers="logits")
    bind_files(plugin, stored)
    plugin.setup("cpu")
    assert "size" not in plugin.describe()["by_default"]


def test_probabilities_are_what_the_model_answers(stored, made, noise):
    """A softmax at the end, said so, gives its probabilities; one of 0 stays 0, and costs all."""
    model = onnx.load(stored / "model.onnx")
    zero = np.array([[0, 0, -1e9]], dtype=np.float32)
    model.graph.initializer.append(onnx.numpy_helper.from_array(zero, "zero"))
    model.graph.node.append(onnx.helper.make_node("Add", ["logits", "zero"], ["all"]))
    model.graph.node.append(onnx.helper.make_node("Softmax", ["all"], ["shares"], axis=1))
    model.graph.output[0].name = "shares"
    onnx.save(model, stored / "shares.onnx")
    images = noise(3, 3, 64, 64)
    classifier = made("onnx", file="shares.onnx", answers="probabilities")
    probs = classifier(images)
    assert torch.allclose(probs[:, :2], made("onnx")(images)[:, :2].softmax(1), atol=1e-6)
    assert probs[:, 2].tolist() == [0, 0, 0]
    victim = adversity.target(classifier).bind("abc")
    assert victim.gives == "probs"
    assert torch.allclose(victim.logits(images)[:, :2], probs[:, :2].log())
    with pytest.raises(InputError, match=r"not negative and sum to 1; write `answers: prob"):
        made("onnx", file="shares.onnx")
    with pytest.raises(InputError, match=r"expected probabilities, as `answers` says"):
        made("onnx", answers="probabilities")(images)


@pytest.mark.parametrize("cls", [Onnx, TorchScript, ExportedProgram])
def test_making_one_imports_neither_torch_nor_onnx(cls):
    """A pipeline is checked before anything heavy is loaded."""
    code = (
        f"import sys; from {cls.__module__} import {cls.__name__} as made\n"
        f"made(**dict(made.examples[0]))\n"
        "print([name for name in ('torch', 'onnx', 'onnxruntime') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
