"""Torchvision's networks: real downloads, local files, and files that must not be loaded."""

from __future__ import annotations

import hashlib
import os
import pickle
import subprocess
import sys
import threading
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import save_file

from adversity.errors import ParameterError, WeightsError
from adversity_plugins.classifier.torchvision import Torchvision
from adversity_plugins.classifier.torchvision_network import architectures, build

SMALL = "squeezenet1_1"
"""The architecture with the fewest weights: 0.7 million with three classes."""


def ready(root=None, **parameters):
    classifier = Torchvision(**({"architecture": SMALL, "crop": 64} | parameters))
    if root is not None:
        classifier.use_root(root)
    classifier.setup("cpu")
    return classifier


@pytest.fixture(scope="module")
def network():
    """A network of three classes whose state dict the tests store and load."""
    state = torch.get_rng_state()
    torch.manual_seed(0)
    made = build(SMALL, classes=3, side=64).eval()
    torch.set_rng_state(state)
    return made


@pytest.fixture
def server(tmp_path):
    """Serve a folder on loopback; returns the folder and its address."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield folder, f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Keep torch.hub's downloads in the test's folder."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    return tmp_path / "hub"


def test_every_classification_architecture_is_known():
    """The names read from the sources are those that torchvision lists, 80 and more."""
    import torchvision.models

    assert set(architectures()) == set(torchvision.models.list_models(module=torchvision.models))
    assert len(architectures()) >= 80


def test_naming_an_architecture_does_not_import_torchvision():
    """A pipeline with a wrong architecture is refused at once, without importing torch."""
    code = (
        "import sys; from adversity_plugins.classifier.torchvision import Torchvision\n"
        "try: Torchvision(architecture='resnet5O')\n"
        "except ValueError as error: print(error)\n"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "did you mean resnet50" in done.stdout


@pytest.mark.parametrize("suffix", ["pth", "safetensors", "wrapped.pth", "parallel.pth"])
def test_a_local_state_dict(tmp_path, network, noise, suffix):
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
def test_pickle_bombs_are_refused_and_never_run(tmp_path, network, how):
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
def test_damaged_weight_files(tmp_path, content, words):
    """An empty, cut or foreign file is one WeightsError."""
    for name in ("w.pth", "w.safetensors"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(WeightsError, match=rf"weight file {name} .*({words})"):
            ready(tmp_path, file=name)


def test_weights_that_do_not_fit(tmp_path, network):
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


def test_class_names(tmp_path, network):
    """Names come from a list or a file, one for each class; without them they are numbered."""
    torch.save(network.state_dict(), tmp_path / "w.pth")
    (tmp_path / "names.txt").write_text("ash\nbeech\n\nyew\n")
    assert ready(tmp_path, file="w.pth").class_names == ("class_0", "class_1", "class_2")
    named = ready(tmp_path, file="w.pth", classes_file="names.txt")
    assert named.class_names == ("ash", "beech", "yew")
    with pytest.raises(ParameterError, match="3 classes, but 2 names"):
        ready(tmp_path, file="w.pth", classes=("a", "b"))
    with pytest.raises(ParameterError, match="3 classes, but 1000 names"):
        ready(tmp_path, file="w.pth", classes="imagenet")
    with pytest.raises(ParameterError, match=r"named twice: \['a'\]"):
        ready(tmp_path, file="w.pth", classes=("a", "b", "a"))
    with pytest.raises(ParameterError, match=r"classes_file none.txt: expected a file"):
        ready(tmp_path, file="w.pth", classes_file="none.txt")


def test_download_over_loopback(server, hub, network, noise):
    """A real download through torch.hub is checked, cached, and loaded."""
    folder, address = server
    torch.save(network.state_dict(), folder / "net.pth")
    digest = hashlib.sha256((folder / "net.pth").read_bytes()).hexdigest()
    classifier = ready(url=f"{address}/net.pth", sha256=digest)
    assert classifier.logits(noise(1, 3, 64, 64)).shape == (1, 3)
    assert classifier.describe()["sha256"] == digest
    (folder / "net.pth").unlink()  # the second time nothing is fetched
    assert ready(url=f"{address}/net.pth", sha256=digest).class_names == classifier.class_names
    (cached,) = hub.rglob("net.pth")
    cached.write_bytes(b"x")
    with pytest.raises(WeightsError, match="is not the file with SHA-256"):
        ready(url=f"{address}/net.pth", sha256=digest)


def test_download_of_another_file(server, hub, network):
    """A file with another hash is refused and not kept."""
    folder, address = server
    torch.save(network.state_dict(), folder / "net.pth")
    with pytest.raises(WeightsError, match="gave another file than expected"):
        ready(url=f"{address}/net.pth", sha256="0" * 64)
    assert list(hub.rglob("*.pth")) == []


def test_download_that_fails_says_what_to_do(server, hub):
    """Offline, or with a wrong address, the message says how to get the file by hand."""
    _, address = server
    with pytest.raises(WeightsError, match=r"cannot download .*name the file in `file:`"):
        ready(url=f"{address}/none.pth", sha256="0" * 64)
    with pytest.raises(WeightsError, match=r"cannot download .*refused"):
        ready(url="http://127.0.0.1:9/net.pth", sha256="0" * 64)


def test_torchvisions_own_weights_come_from_their_address(server, hub, noise, monkeypatch):
    """`weights: default` fetches the published address, checks the hash in its name, and names 1000 classes.

    The published address is pointed at a loopback server that has a network of that kind.
    """
    from torchvision.models import get_model_weights

    folder, address = server
    choices = get_model_weights(SMALL)
    torch.save(build(SMALL, classes=1000, side=224).state_dict(), folder / "net.pth")
    digest = hashlib.sha256((folder / "net.pth").read_bytes()).hexdigest()
    name = f"squeezenet-{digest[:8]}.pth"
    (folder / "net.pth").rename(folder / name)
    published = choices.DEFAULT.value
    monkeypatch.setattr(
        choices.DEFAULT,
        "_value_",
        type(published)(f"{address}/{name}", published.transforms, published.meta),
    )
    classifier = ready(weights="default", crop=None)
    assert classifier.class_names[0] == "tench"
    assert classifier.synsets[0] == "n01440764"
    assert classifier.describe()["input"]["crop"] == 224
    assert classifier.describe()["sha256"] == digest
    assert classifier.logits(noise(1, 1, 40, 60)).shape == (1, 1000)
    with pytest.raises(
        ParameterError,
        match="has no weights 'IMAGENET1K_V9'; choose default, none or one of IMAGENET1K_V1",
    ):
        ready(weights="IMAGENET1K_V9")


def test_random_weights_depend_on_the_seed_alone(noise):
    """`weights: none` is the same network for the same seed, and leaves global state as found."""
    before = torch.get_rng_state()
    first, again, other = (
        ready(weights="none", classes=("a", "b"), seed=seed) for seed in (1, 1, 2)
    )
    assert torch.equal(torch.get_rng_state(), before)
    images = noise(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(first.logits(images), again.logits(images))
        assert not torch.equal(first.logits(images), other.logits(images))


def test_features_lead_to_the_logits(noise):
    """On a ResNet the last layer on the features gives the logits; no hook stays behind."""
    classifier = ready(architecture="resnet18", weights="none", classes=("a", "b"), crop=32)
    images = noise(2, 3, 32, 32)
    with torch.no_grad():
        features = classifier.features(images)
        assert torch.equal(classifier._network.fc(features), classifier.logits(images))
    assert not classifier._network.fc._forward_pre_hooks


def test_resize_and_crop_follow_torchvision(noise):
    """Other sizes go through the shorter-side resize and centre crop of torchvision's transforms."""
    from torchvision.transforms import v2

    classifier = ready(weights="none", classes=("a", "b"), resize=50, crop=40)
    transform = v2.Compose([v2.Resize(50, antialias=True), v2.CenterCrop(40)])
    with torch.no_grad():
        for size in ((61, 97), (97, 61), (45, 45), (40, 52)):
            images = noise(1, 3, *size)
            wanted = transform(images)
            assert torch.equal(classifier.logits(images), classifier.logits(wanted)), size
        exact = noise(1, 3, 40, 40)
        normal = (exact - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor(
            [0.229, 0.224, 0.225]
        ).view(3, 1, 1)
        assert torch.equal(classifier.logits(exact), classifier._network(normal))


@pytest.mark.parametrize("architecture", ["googlenet", "inception_v3", "vit_b_16", "densenet121"])
@pytest.mark.slow
def test_architectures_with_peculiar_needs(tmp_path, noise, architecture):
    """Auxiliary heads, image sizes and old names are handled: a stored network comes back."""
    side = 96 if architecture == "inception_v3" else 64
    made = build(architecture, classes=4, side=side).eval()
    state = made.state_dict()
    if architecture == "densenet121":  # names as in the files that torchvision publishes
        state = {
            k.replace(".norm1.", ".norm.1.").replace(".conv2.", ".conv.2."): v
            for k, v in state.items()
        }
    torch.save(state, tmp_path / "w.pth")
    classifier = ready(
        tmp_path, file="w.pth", architecture=architecture, crop=side, mean=(0, 0, 0), std=(1, 1, 1)
    )
    images = noise(1, 3, side, side)
    with torch.no_grad():
        assert torch.equal(classifier.logits(images), made(images))
        assert classifier.features(images).ndim == 2


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"architecture": "efficientnet_b9"}, "did you mean efficientnet_b"),
        ({"file": "../w.pth"}, "inside the project"),
        ({"file": "/w.pth"}, "inside the project"),
        ({"classes_file": "C:\\w.txt"}, "inside the project"),
        ({"file": "w.pth", "weights": "default"}, "weights and file exclude each other"),
        ({"url": "https://x.org/w.pth"}, "url needs sha256"),
        ({"url": "file:///etc/passwd", "sha256": "0" * 64}, "must start with https"),
        ({"classes": ("a",), "classes_file": "x.txt"}, "exclude each other"),
        ({"std": (0, 1, 1)}, "std must be positive"),
        ({"sha256": "abc"}, "pattern"),
    ],
)
def test_wrong_parameters(parameters, words):
    """Each wrong or contradicting parameter is refused before anything is loaded."""
    with pytest.raises(ValidationError, match=words):
        Torchvision(**({"architecture": SMALL} | parameters))


def test_files_outside_and_missing(tmp_path, tmp_path_factory):
    """A missing weight file, and a link out of the project, have their messages."""
    with pytest.raises(WeightsError, match=r"none.pth: expected a file in the project"):
        ready(tmp_path, file="none.pth")
    outside = tmp_path_factory.mktemp("outside") / "w.pth"
    outside.write_bytes(b"x")
    (tmp_path / "w.pth").symlink_to(outside)
    with pytest.raises(WeightsError, match="a link out of the project"):
        ready(tmp_path, file="w.pth")


def test_wrong_hash_and_wrong_sizes(tmp_path, network):
    """A stated hash is checked for local files too; a resize below the crop is refused."""
    torch.save(network.state_dict(), tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="expected SHA-256 000"):
        ready(tmp_path, file="w.pth", sha256="0" * 64)
    with pytest.raises(ParameterError, match="resize 32 is smaller than crop 64"):
        ready(tmp_path, file="w.pth", resize=32)
