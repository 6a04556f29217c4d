"""Workers that do not see the project get data from a remote on S3, or say why they do not."""

from __future__ import annotations

import re
import secrets
import shutil

import pytest
from PIL import Image

from clusters import Cluster, can_hide, free_port
from s3_server import BUCKET, files_holding, s3_server

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
run: {shard_size: 2}
"""


@pytest.fixture
def s3(tmp_path, program):
    """A server with a bucket."""
    with s3_server(tmp_path, program("rclone")) as server:
        yield server


@pytest.fixture
def hidden(tmp_path):
    """A folder that workers do not see."""
    folder = tmp_path / "projects"
    folder.mkdir()
    if not can_hide(folder):
        pytest.skip("this system gives no process a view of its own")
    return folder


@pytest.fixture
def project(started, hidden, s3):
    """Five photographs, pushed to the bucket; two shards of them are measured."""
    made = started.copy(str(hidden / "project"))
    shutil.rmtree(made.root / "pipelines")
    (made.root / "pipelines").mkdir()
    (made.root / FILE).write_text(PIPELINE, "utf-8")
    folder = made.root / "photos" / "grey"
    folder.mkdir(parents=True)
    for number in range(5):
        Image.new("RGB", (20, 20), (number, 50, 99)).save(folder / f"{number}.png")
    made.dvc("remote", "add", "--default", "team", f"s3://{BUCKET}/adversity")
    made.dvc("remote", "modify", "team", "endpointurl", s3.address)
    made.dvc("add", "--quiet", "photos")
    made.call("dvc", "push", "--quiet", **s3.keys())
    return made


@pytest.fixture
def with_worker(project, hidden, s3, tmp_path, clean_environment):
    """Return a function that runs with a new worker, of such a secret; what the run answered."""
    clusters = []

    def run(secret=None, *, data_from="remote", code=0):
        place = tmp_path / f"cluster-{len(clusters)}"
        place.mkdir()
        cluster = Cluster(place, clean_environment)
        clusters.append(cluster)
        cluster.worker(free_port(), hide=hidden, code=s3.keys(secret))
        how = f'shard_size: 2, runner: dask, address: "{cluster.address}", data_from: {data_from}'
        settings = ("--set", f"run={{{how}}}")
        answer = project.adversity("run", FILE, "--direct", "-v", *settings, code=code)
        assert "Traceback" not in answer.err
        for word in (s3.secret, *filter(None, [secret])):
            assert word not in answer.out + answer.err
            assert not files_holding(project.root, word)
            assert not files_holding(cluster.folder, word)
        return answer

    yield run
    for cluster in clusters:
        cluster.end()


def sentence(answer):
    """Return the one error that a run ended with."""
    (said,) = re.findall(r"^error: (.+(?:\n  .+)*)", answer.err, re.MULTILINE)
    return " ".join(said.split())


def test_data_come_from_s3_by_content(project, with_worker):
    """The run sends none of them, and the numbers are those of threads."""
    here = project.copy("here")
    here.adversity("run", FILE, "--direct")
    answer = with_worker()
    assert len(re.findall(r" · by tcp://\S+ in ", answer.err)) == 3
    assert "warning" not in answer.err
    name = "metrics/tiny/quality.json"
    assert (project.root / name).read_bytes() == (here.root / name).read_bytes()


def test_an_object_that_is_missing_is_one_sentence(project, with_worker, s3):
    """Exit code 3, and the file; `data_from: any` lets the run send it."""
    import hashlib

    content = (project.root / "photos" / "grey" / "3.png").read_bytes()
    name = hashlib.md5(content, usedforsecurity=False).hexdigest()
    s3.delete(f"adversity/files/md5/{name[:2]}/{name[2:]}")
    said = sentence(with_worker(code=3))
    assert re.search(
        r"worker tcp://\S+: DVC's remote has not photos/grey/3\.png as they are here; `dvc push`",
        said,
    ), said
    (log,) = (project.root / "runs").rglob("log.txt")
    assert "photos/grey/3.png" in log.read_text("utf-8")
    assert "warning" not in with_worker(data_from="any").err


def test_credentials_that_are_refused_are_one_sentence(with_worker):
    """Exit code 3, or with `data_from: any` a warning, and why; no secret is written anywhere."""
    wrong = secrets.token_hex(16)
    said = sentence(with_worker(wrong, code=3))
    assert re.search(r"worker tcp://\S+: DVC's remote gave it no data \(PermissionError: ", said), (
        said
    )
    answer = with_worker(wrong, data_from="any")
    (warning,) = re.findall(r"^ *warning: .+", answer.err, re.MULTILINE)
    assert "DVC's remote gave it no data (PermissionError: " in warning
