"""A scheduled look that Prefect shows, and whose server is killed in the middle of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from adversity_flows.runs.looks import past_looks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILE = "pipelines/shown.yaml"
PIPELINE = """\
name: shown
data:
  test: {uses: dataset/digits, with: {split: test, limit: 24}}
steps:
  dew: {uses: "./own/dew.py:dew", from: test}
  noisy: {uses: degradation/gaussian_noise, from: dew, with: {severity: 3}}
  quality: {uses: metric/psnr, from: noisy}
gates:
  - quality.psnr_db >= 5
schedule: {interval: 6h}
"""
DEW = '''\
import os
import time
from pathlib import Path
from typing import ClassVar

from adversity import Degradation


class Dew(Degradation):
    """Leave images as they are; say that it works, and wait to be let go."""

    name: ClassVar[str] = "dew"

    def degrade(self, images, rng):
        """Return the images."""
        if "WAITS_AT" in os.environ:
            Path(os.environ["WAITS_AT"]).touch()
            while not Path(os.environ["WAITS_AT"] + ".go").exists():
                time.sleep(0.05)
        return images
'''


@pytest.mark.slow
def test_a_look_outlives_its_prefect_server(
    tmp_path: Path, program: Callable[[str], str], clean_environment: dict[str, str]
) -> None:
    """After kill -9 of the server it ends with its verdict, on its branch; the next look is as ever."""
    adversity = program("adversity")
    root, at = tmp_path / "project", tmp_path / "at"
    own = clean_environment | {"WAITS_AT": str(at), "PREFECT_HOME": str(tmp_path / "home")}
    given: dict[str, Any] = {"cwd": root, "env": own, "text": True}
    subprocess.run([adversity, "init", str(root)], env=own, check=True, capture_output=True)
    (root / "pipelines" / "first_look.yaml").unlink()
    (root / "own").mkdir()
    (root / "own" / "dew.py").write_text(DEW)
    (root / FILE).write_text(PIPELINE)
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    for words in (("add", "."), ("commit", "-q", "-m", "start")):
        subprocess.run(["git", *who, *words], check=True, **given)
    command = [adversity, "schedule", "run", FILE, "--prefect"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **given
    ) as looking:
        until = time.monotonic() + 300
        while not at.exists() and looking.poll() is None and time.monotonic() < until:
            time.sleep(0.1)
        assert looking.poll() is None, looking.communicate()
        server = json.loads((root / ".adversity" / "prefect" / "server.json").read_text())
        os.kill(server["pid"], signal.SIGKILL)
        at.with_name("at.go").touch()
        out, err = looking.communicate(timeout=300)
    assert looking.returncode == 0, err
    assert "stopped answering; the run goes on without Prefect" in err
    assert "Traceback" not in err
    assert "PASS: the gate passed" in out
    again = subprocess.run(command, capture_output=True, check=False, **given)
    assert again.returncode == 0, again.stderr
    first, second = past_looks(root, "shown")
    assert (first.outcome, second.outcome) == ("done", "done")
    assert (second.repeated, second.results) == (True, first.results)
    said = subprocess.run(
        ["git", "log", "--first-parent", "--format=%s", "-1", "results/shown"],
        capture_output=True,
        check=True,
        **given,
    )
    assert said.stdout.startswith("shown: ✓ PASS")
