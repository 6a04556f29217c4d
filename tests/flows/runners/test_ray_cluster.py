"""What is wrong with a Ray cluster is one message; none of it needs Ray.

Runs on a real cluster are in tests/e2e/test_ray.py.
"""

from __future__ import annotations

import socket
import sys
from types import ModuleType, SimpleNamespace

import pytest

from adversity.errors import InputError
from adversity_flows.runners.ray_cluster import RayCluster


@pytest.fixture
def ray(monkeypatch):
    """A Ray that is installed, and knows no cluster."""
    for name in ("grpc", "ray", "ray.util", "ray.util.client"):
        module = ModuleType(name)
        module.__path__ = []
        monkeypatch.setitem(sys.modules, name, module)
    quiet = SimpleNamespace(logger=SimpleNamespace(setLevel=lambda _: None))
    sys.modules["ray.util.client"].logsclient = quiet
    sys.modules["ray"].__version__ = "2.60.0"
    for name in ("USAGE_STATS_ENABLED", "ENABLE_AUTO_CONNECT", "CLIENT_RECONNECT_GRACE_PERIOD"):
        monkeypatch.delenv(f"RAY_{name}", raising=False)
    return sys.modules["ray"]


@pytest.fixture
def listener():
    """Somebody who listens on loopback."""
    with socket.socket() as there:
        there.bind(("127.0.0.1", 0))
        there.listen()
        yield there


def cluster(port=1):
    return RayCluster(f"ray://127.0.0.1:{port}", device="cpu", warn=print)


def test_without_ray_the_message_says_what_to_install(monkeypatch):
    """The extra is named."""
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(
        InputError, match=r"needs Ray; install it with `pip install 'adversity\[ray"
    ):
        cluster().places(1)


@pytest.mark.usefixtures("ray")
def test_nobody_at_the_address_is_said(listener):
    """A port at which nobody listens."""
    port = listener.getsockname()[1]
    listener.close()
    with pytest.raises(InputError, match=r"expected a Ray cluster, got no answer in 10 s; start"):
        cluster(port).places(1)


def test_a_cluster_of_another_version_is_said_in_one_line(ray, listener):
    """What Ray says of versions is in several lines."""

    def init(address, **_):
        assert address == f"ray://127.0.0.1:{listener.getsockname()[1]}"
        raise RuntimeError("Version mismatch:\n    Ray: 2.60.0 here\n    Ray: 2.50.1 there\n")

    ray.init = init
    with pytest.raises(InputError) as caught:
        cluster(listener.getsockname()[1]).places(1)
    said = str(caught.value)
    assert "expected a Ray cluster with Ray 2.60.0 and the Python of this run, got" in said
    assert "2.50.1 there; install the same versions there" in said
    assert "\n" not in said


def test_a_cluster_without_processors_is_said_and_left(ray, listener):
    """A head that only coordinates, and a dead node: nobody computes."""
    left = []
    ray.init = lambda *_, **__: None
    ray.shutdown = lambda: left.append(1)
    ray.nodes = lambda: [
        {"NodeID": "a", "NodeManagerAddress": "1", "Alive": True, "Resources": {"memory": 9}},
        {"NodeID": "b", "NodeManagerAddress": "2", "Alive": False, "Resources": {"CPU": 4}},
    ]
    with pytest.raises(
        InputError, match="expected nodes of the Ray cluster that compute, got none"
    ):
        cluster(listener.getsockname()[1]).places(1)
    assert left == [1]
