"""What a run records of where and with what it happened is complete, or says what it lacks."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace

import pytest

from adversity_flows.runs.environment import git_state, versions


@pytest.fixture
def repository(tmp_path):
    """Give a git repository with one file in one commit."""

    def git(*arguments):
        who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        done = subprocess.run(
            ["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    git("init", "-q")
    (tmp_path / "pipeline.yaml").write_text("name: one\n")
    git("add", "pipeline.yaml")
    git("commit", "-q", "-m", "One")
    return tmp_path, git("rev-parse", "HEAD")


def test_the_state_of_a_repository_is_what_git_says(repository):
    """Clean, dirty after an edit, and unknown, not clean, where git cannot tell."""
    root, revision = repository
    assert git_state(root) == {"revision": revision, "state": "clean"}
    (root / "pipeline.yaml").write_text("name: two\n")
    assert git_state(root) == {"revision": revision, "state": "dirty"}
    (root / ".git" / "index").write_bytes(b"damaged")
    assert git_state(root) == {"revision": revision, "state": "unknown"}


def test_versions_name_the_distributions_of_all_plugins():
    """Also those of metrics and of plugins in parameters, which no step names."""
    nested = {"degradation/acme-weather:fog": {"version": "1.5"}}
    resolved = {
        "core": {"device": "cpu"},
        "data": {"photos": {"distribution": "acme-data", "version": "2.0"}},
        "steps": {"storm": {"distribution": "acme-storm", "version": "3.0", "nested": nested}},
        "metrics": {"acme-score:f1": {"distribution": "acme-score", "version": "4.0"}},
    }
    found = versions(SimpleNamespace(resolved=resolved))
    assert {name: found[name] for name in found if name.startswith("acme-")} == {
        "acme-data": "2.0",
        "acme-storm": "3.0",
        "acme-weather": "1.5",
        "acme-score": "4.0",
    }
    assert {"python", "adversity", "torch"} <= set(found)
