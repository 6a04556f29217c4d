"""What a new distribution is published with: where CI finds Adversity, and the release."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from packaging.requirements import Requirement

from adversity_flows.cli.new_plugin.publishing import requirement_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BOUNDS = ">=0.1,<1"
RELEASED = "adversity>=0.1,<1"
COMMIT = "0123456789012345678901234567890123456789"


def installed(url: str, **more: str) -> dict[str, Any]:
    """Return what pip writes of a package that it installed from a repository (PEP 610)."""
    return {"url": url, "vcs_info": {"vcs": "git", "commit_id": COMMIT}, **more}


@pytest.mark.parametrize(
    ("origin", "requirement"),
    [
        ({}, RELEASED),
        ({"url": "file:///tmp/adversity-0.1.0.whl", "archive_info": {}}, RELEASED),
        ({"url": "file:///no/such/folder", "dir_info": {}}, RELEASED),
        (installed("file:///home/me/adversity"), RELEASED),
        (installed("https://h.org/it's"), RELEASED),
        (installed("https://h.org/lab/a"), f"adversity @ git+https://h.org/lab/a@{COMMIT}"),
        (installed("https://me:pw@h.org/lab/a"), f"adversity @ git+https://h.org/lab/a@{COMMIT}"),
        (installed("ssh://git@h.org/lab/a"), f"adversity @ git+https://h.org/lab/a@{COMMIT}"),
        (
            installed("https://h.org/lab/a", subdirectory="tool"),
            f"adversity @ git+https://h.org/lab/a@{COMMIT}#subdirectory=tool",
        ),
    ],
)
def test_ci_installs_what_this_machine_has(origin: dict[str, Any], requirement: str) -> None:
    """From where pip says it came, without a password; a release where only we could find it."""
    assert requirement_for(origin, BOUNDS) == requirement
    assert Requirement(requirement).name == "adversity"


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("git@h.org:lab/adversity.git", "https://h.org/lab/adversity.git"),
        ("https://h.org/lab/adversity", "https://h.org/lab/adversity"),
        ("/srv/adversity", None),
    ],
)
def test_a_clone_names_its_remote_and_a_commit_that_is_there(
    tmp_path: Path, remote: str, address: str | None
) -> None:
    """A commit that was not pushed is on no other machine: the last one of upstream counts."""

    def git(*arguments: str) -> str:
        command = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments]
        done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "--quiet", "--initial-branch", "main")
    git("commit", "--quiet", "--allow-empty", "--message", "pushed")
    pushed = git("rev-parse", "HEAD")
    git("remote", "add", "origin", remote)
    git("update-ref", "refs/remotes/origin/main", pushed)
    git("branch", "--quiet", "--set-upstream-to", "origin/main")
    git("commit", "--quiet", "--allow-empty", "--message", "not pushed")
    found = requirement_for({"url": tmp_path.as_uri(), "dir_info": {"editable": True}}, BOUNDS)
    assert found == (f"adversity @ git+{address}@{pushed}" if address else RELEASED)


def test_a_release_tries_the_wheel_before_it_is_published(
    call: Callable[..., Any], tmp_path: Path
) -> None:
    """Trusted publishing: the job that publishes alone may prove who it is, and holds no secret."""
    call("new-plugin", "metric", "dew", "--author", "A", "--output", str(tmp_path / "made"))
    text = (tmp_path / "made/.github/workflows/release.yml").read_text("utf-8")
    workflow = yaml.safe_load(text)
    steps = [step.get("run", "") for step in workflow["jobs"]["build"]["steps"]]
    assert any(step.startswith("adversity check metric/dew ") for step in steps)
    assert "dist/dew_adversity-${GITHUB_REF_NAME#v}-py3-none-any.whl" in text
    jobs = workflow["jobs"]
    assert jobs["publish"]["needs"] == "build"
    trusted = {name for name, job in jobs.items() if "id-token" in job.get("permissions", {})}
    assert trusted == {"publish"}
    assert "secrets." not in text
    assert "release.yml" in (tmp_path / "made/README.md").read_text("utf-8")


def test_what_may_not_be_published_has_no_release(call: Callable[..., Any], tmp_path: Path) -> None:
    """Its licence gives nobody rights, and package indexes refuse it."""
    folder = tmp_path / "made"
    call("new-plugin", "metric", "dew", "--author", "A", "--licence", "proprietary", "--output",
         str(folder))  # fmt: skip
    assert [file.name for file in (folder / ".github/workflows").iterdir()] == ["ci.yml"]
    assert "Publish" not in (folder / "README.md").read_text("utf-8")
