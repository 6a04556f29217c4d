"""Torchvision's networks from an address: real downloads over loopback."""

from __future__ import annotations

import hashlib
import threading
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler

import pytest
import torch

from adversity.errors import ParameterError, WeightsError
from adversity_plugins.classifier.network._torchvision_network import build


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


def test_download_over_loopback(server, hub, network, noise, ready):
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


def test_download_of_another_file(server, hub, network, ready):
    """A file with another hash is refused and not kept."""
    folder, address = server
    torch.save(network.state_dict(), folder / "net.pth")
    with pytest.raises(WeightsError, match="gave another file than expected"):
        ready(url=f"{address}/net.pth", sha256="0" * 64)
    assert list(hub.rglob("*.pth")) == []


def test_download_that_fails_says_what_to_do(server, hub, ready):
    """Offline, or with a wrong address, the message says how to get the file by hand."""
    _, address = server
    with pytest.raises(WeightsError, match=r"cannot download .*name the file in `file:`"):
        ready(url=f"{address}/none.pth", sha256="0" * 64)
    with pytest.raises(WeightsError, match=r"cannot download .*refused"):
        ready(url="http://127.0.0.1:9/net.pth", sha256="0" * 64)


def test_torchvisions_own_weights_come_from_their_address(
    server, hub, noise, monkeypatch, ready, small
):
    """`weights: default` fetches the published address, checks the hash in its name, and names 1000 classes.

    The published address is pointed at a loopback server that has a network of that kind.
    """
    from torchvision.models import get_model_weights

    folder, address = server
    choices = get_model_weights(small)
    torch.save(build(small, classes=1000, side=224).state_dict(), folder / "net.pth")
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
