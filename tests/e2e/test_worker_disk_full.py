"""A worker whose disk is full in the middle of a run: a real file system of a few megabytes."""

from __future__ import annotations

import re
import subprocess

import pytest

from clusters import Cluster, can_hide, free_port
from small_disk import fill, mounted

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow

SHARDS = 2 * 64 // 8
MESSAGE = r"error: step attacked, [^:]+: worker tcp://\S+: cannot write (\S+): the disk is full"
BY = re.compile(r"^   attacked.* · by tcp://")


def test_a_full_disk_of_a_worker_ends_the_run_and_the_next_one_goes_on(
    in_shards, by_threads, tmp_path, program, clean_environment
):
    """One message with the worker and exit code 3; with room again, finished shards are kept."""
    hidden, disk = tmp_path / "projects", tmp_path / "disk"
    hidden.mkdir()
    disk.mkdir()
    if not can_hide(hidden):
        pytest.skip("this system gives no process a view of its own")
    cluster = Cluster(tmp_path, clean_environment)
    try:
        with mounted(str(disk), "-t", "tmpfs", "-o", "size=16m", "tmpfs"):
            project = in_shards.copy(str(hidden / "project"))
            project.edit("workers: 2", f'runner: dask, address: "{cluster.address}"')
            cluster.worker(free_port(), hide=hidden, code={"XDG_CACHE_HOME": str(disk)})
            command = [program("adversity"), "run", "pipelines/smoke.yaml", "--direct", "-v"]
            code, lines = filled_at_third(command, project, clean_environment, disk / "ballast")
            said = " ".join("".join(lines).split())
            assert code == 3, said
            found = re.search(MESSAGE, said)
            assert found, said
            assert found[1].startswith(str(disk))
            assert "Traceback" not in said
            assert half_written(disk) == half_written(project.root) == []
            done = sum(bool(BY.match(line)) for line in lines)
            assert 3 <= done < SHARDS
            (disk / "ballast").unlink()
            again = project.run("-v")
            assert sum(bool(BY.match(line)) for line in again.err.splitlines()) == SHARDS - done
            assert project.differences(by_threads) == []
            cluster.end()
    finally:
        cluster.end()


def filled_at_third(command, project, environment, ballast):
    """Run, fill the worker's disk from the third shard of the attack on; return code and lines.

    It is filled again after each further shard: what the worker has sent makes room.
    """
    with subprocess.Popen(
        command,
        cwd=project.root,
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as child:
        lines = []
        for line in child.stderr:
            lines.append(line)
            if sum(bool(BY.match(line)) for line in lines) >= 3 and BY.match(line):
                fill(ballast, leave=0)
    return child.returncode, lines


def half_written(folder):
    """Return what stands below a folder under a name that a writer uses until a file is whole."""
    kept = {".gitignore", ".gitkeep", ".dvcignore"}
    return [
        path
        for path in folder.rglob(".*")
        if path.is_file()
        and path.name not in kept
        and not {".git", ".dvc"} & set(path.relative_to(folder).parts[:-1])
    ]
