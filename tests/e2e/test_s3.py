"""A remote of DVC on S3: a server on loopback that checks each request's signature."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from s3_server import BUCKET, S3, files_holding, s3_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow


@pytest.fixture
def s3(tmp_path: Path, program: Callable[[str], str]) -> Iterator[S3]:
    """Start a server with a bucket, and end it."""
    with s3_server(tmp_path, program("rclone")) as server:
        yield server


def test_what_was_pushed_to_s3_is_all_that_a_clone_needs(copied, finished, s3: S3, tmp_path):
    """Pulled, run: unchanged; the keys come from the environment, and are written nowhere."""
    keys = s3.keys()
    copied.dvc("remote", "add", "--default", "team", f"s3://{BUCKET}/adversity")
    copied.dvc("remote", "modify", "team", "endpointurl", s3.address)
    copied.call("dvc", "push", **keys)
    assert any(s3.folder.rglob("*.dir"))
    copied.commit()
    copied.call("git", "clone", "--quiet", "--no-hardlinks", ".", str(tmp_path / "clone"))
    clone = type(copied)(tmp_path / "clone")

    # The numbers of a commit are read out of the remote; nothing is pulled for it.
    table = clone.call("adversity", "diff", "HEAD", "HEAD", "--draws", "0", **keys)
    assert table.out.startswith("No image flipped")
    assert not list((clone.root / "artifacts").rglob("*.parquet"))

    wrong = clone.call("dvc", "pull", code=None, **s3.keys("0" * 32))
    assert wrong.code != 0
    clone.call("dvc", "pull", **keys)
    answer = clone.call("adversity", "run", "pipelines/smoke.yaml", "--direct", **keys)
    assert answer.ran == {}
    assert clone.differences(finished) == []
    for project in (copied, clone):
        assert not files_holding(project.root, s3.secret)
