"""Workers on two machines that share nothing: network namespaces, host names and disks of their own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import ExitStack, contextmanager

import numpy as np
import pytest
from PIL import Image

from clusters import CLI
from s3_server import BUCKET, s3_server

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow

FILE = "pipelines/tiny.yaml"
PIPELINE = """\
name: tiny
data:
  photos: {uses: dataset/folder, with: {path: photos}}
steps:
  dark: {uses: degradation/gaussian_noise, from: photos, with: {severity: 3}}
  quality: {uses: metric/psnr, from: dark}
run: {shard_size: 1}
"""
NET = f"10.213.{os.getpid() % 250}"
HERE = f"{NET}.1"
PORT = 8786
OWN_MACHINE = 'hostname "$0" && mount -t tmpfs none "$1" && shift && exec "$@"'


def ip(*words):
    """Call `ip`; say whether that was allowed."""
    return subprocess.run(["ip", *words], check=False, capture_output=True).returncode == 0


@contextmanager
def network(names):
    """Join network namespaces by a bridge; yield their addresses, and take all of it away."""
    if os.geteuid() or not (shutil.which("ip") and shutil.which("unshare")):
        pytest.skip("only root may make network namespaces")
    with ExitStack() as stack:
        bridge = f"adv{os.getpid() % 100_000}"
        stack.callback(ip, "link", "del", bridge)
        done = ip("link", "add", bridge, "type", "bridge")
        done = done and ip("addr", "add", f"{HERE}/24", "dev", bridge)
        done = done and ip("link", "set", bridge, "up")
        addresses = {}
        for number, name in enumerate(names):
            addresses[name] = f"{NET}.{number + 2}"
            outer, inner = f"{bridge}o{number}", f"{bridge}i{number}"
            stack.callback(ip, "netns", "del", name)
            for command in (
                f"netns add {name}",
                f"link add {outer} type veth peer name {inner} netns {name}",
                f"link set {outer} master {bridge} up",
                f"-n {name} addr add {addresses[name]}/24 dev {inner}",
                f"-n {name} link set {inner} up",
                f"-n {name} link set lo up",
            ):
                done = done and ip(*command.split())
        if not done:
            pytest.skip("network namespaces are not allowed here")
        yield addresses


@contextmanager
def cluster(addresses, folder, hidden, environment):
    """Start a scheduler here and a worker in each namespace, which does not see a folder."""
    children = []

    def start(*command, **how):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        children.append(subprocess.Popen(command, **quiet, **how))

    scheduler = [sys.executable, "-m", f"{CLI}scheduler", "--host", HERE, "--port", str(PORT)]
    start(*scheduler, "--no-dashboard", env=environment, cwd=folder)
    try:
        for name, address in addresses.items():
            for place in ("cache", "tmp"):
                (folder / name / place).mkdir(parents=True)
            own = {"XDG_CACHE_HOME": folder / name / "cache", "TMPDIR": folder / name / "tmp"}
            worker = [
                sys.executable,
                "-m",
                f"{CLI}worker",
                f"tcp://{HERE}:{PORT}",
                "--host",
                address,
            ]
            worker += ["--nthreads", "1", "--no-nanny", "--no-dashboard"]
            machine = ["ip", "netns", "exec", name, "unshare", "-mu", "sh", "-c", OWN_MACHINE, name]
            start(*machine, str(hidden), *worker, env=environment | own, cwd=folder / name)
        yield f"tcp://{HERE}:{PORT}"
    finally:
        for child in children:
            child.kill()
            child.wait()


def test_machines_that_share_nothing_get_data_by_content(
    started, tmp_path, program, clean_environment
):
    """Two workers get twelve photographs from S3, none from the run; the bytes are those of threads."""
    hidden, names = tmp_path / "projects", [f"adversity-{os.getpid()}-{side}" for side in "ab"]
    hidden.mkdir()
    project = started.copy(str(hidden / "project"))
    (project.root / FILE).write_text(PIPELINE, "utf-8")
    (project.root / "photos" / "grey").mkdir(parents=True)
    for number in range(12):
        pixels = np.random.default_rng(number).integers(0, 255, (128, 128, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(project.root / f"photos/grey/{number}.png")
    here = project.copy("here")
    here.adversity("run", FILE, "--direct")
    with network(names) as addresses, s3_server(tmp_path, program("rclone"), HERE) as s3:
        project.dvc("remote", "add", "--default", "team", f"s3://{BUCKET}/adversity")
        project.dvc("remote", "modify", "team", "endpointurl", s3.address)
        project.dvc("add", "--quiet", "photos")
        project.call("dvc", "push", "--quiet", "photos.dvc", **s3.keys())
        environment = clean_environment | s3.keys()
        with cluster(addresses, tmp_path, hidden, environment) as address:
            wait_for_workers(address, 2)
            how = f'{{shard_size: 1, runner: dask, address: "{address}", data_from: remote}}'
            answer = project.adversity("run", FILE, "--direct", "-v", "--set", f"run={how}")
    assert "warning" not in answer.err
    by = re.findall(r" · by tcp://(\S+):\d+ in ", answer.err)
    assert len(by) == 12
    assert set(by) <= set(addresses.values())
    name = "metrics/tiny/quality.json"
    assert (project.root / name).read_bytes() == (here.root / name).read_bytes()


def wait_for_workers(address, count):
    """Return when a cluster has so many workers."""
    from distributed import Client

    with Client(address, set_as_default=False, timeout=60) as client:
        client.wait_for_workers(count, timeout=60)
