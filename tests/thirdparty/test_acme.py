"""A complete third-party distribution, installed by pip and used as a stranger would use it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "acme-adversity"
USE = """
import json, sys
from adversity.registry import discover, source_fingerprint
found = discover()
before = "torch" in sys.modules
kinds = {"degradation": "cosine_vignetting", "attack": "ni_fgsm",
         "uncertainty": "collision_entropy"}
entries = [found.get(kind, name) for kind, name in kinds.items()]
problems = [str(p) for p in found.problems if p.distribution == "acme-adversity"]
heard = found.notify("adversity_run_started", run={"id": "run-1"})
import acme_adversity
print(json.dumps({
    "torch": before,
    "entries": [[e.status, e.qualified, e.version] for e in entries],
    "problems": problems + [str(p) for p in heard],
    "heard": acme_adversity.heard,
    "prints": [source_fingerprint(e.cls) for e in entries],
    "file": acme_adversity.__file__,
}))
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Install the distribution with pip, without a network, and return an environment for it."""
    target = tmp_path_factory.mktemp("acme")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    pip += ["--disable-pip-version-check", "--no-build-isolation", "--target", str(target)]
    source = tmp_path_factory.mktemp("source") / "acme-adversity"
    _copy(HERE, source)
    done = subprocess.run(
        [*pip, str(source)], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return {**os.environ, "PYTHONPATH": str(target)}


def _copy(source, target):
    """Copy what an author would publish, so that a build leaves nothing in our tree."""
    for file in source.rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            copy = target / file.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())


def test_an_installed_distribution_is_found_and_used(environment):
    """All three plugins by their short names, its listener heard, and no torch on the way."""
    done = subprocess.run(
        [sys.executable, "-c", USE],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["entries"] == [
        ["ok", f"acme-adversity:{name}", "1.2.0"]
        for name in ("cosine_vignetting", "ni_fgsm", "collision_entropy")
    ]
    assert (said["problems"], said["heard"], said["torch"]) == ([], ["run-1"], False)
    assert len(set(said["prints"])) == 3
    assert said["file"].startswith(environment["PYTHONPATH"])


def test_its_own_tests_pass_where_it_is_installed(environment):
    """The mathematics of the three plugins, checked by their author against closed forms."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir"]
    tests = HERE / "tests"
    done = subprocess.run(
        [*command, str(tests), "-c", os.devnull, str(tests)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout
