"""The project's own Prefect server: shared, quiet, and gone with its users."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from adversity_flows.prefect_flows import server, server_process
from adversity_flows.prefect_flows.proxies import proxies, proxies_aside
from adversity_flows.prefect_flows.server import (
    ServerError,
    alive,
    configured_api,
    own_environment,
    project_server,
    ui,
)

HOLD = """
import sys, time
from pathlib import Path
from adversity_flows.prefect_flows.server import project_server
with project_server(Path(sys.argv[1])) as url:
    print(url, flush=True)
    time.sleep(120)
"""


def pretend_server(folder: Path, lines: str) -> str:
    """Write a program that is started in the server's place."""
    program = folder / "pretended"
    program.write_text(f"#!/bin/sh\n{lines}\n")
    program.chmod(0o755)
    return str(program)


def test_a_configured_api_is_used_and_nothing_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With PREFECT_API_URL set, that address is lent and the project stays untouched."""
    monkeypatch.setenv("PREFECT_API_URL", "http://10.0.0.9:4200/api")
    with project_server(tmp_path) as url:
        assert url == "http://10.0.0.9:4200/api"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:99999/api", "http://[::1/api", "localhost:4200", "", "http://a b/", "x://y"],
)
def test_an_address_that_is_none_does_not_answer(url: str) -> None:
    """A port that cannot be, half an address, another scheme: no error, only no answer."""
    assert not alive(url)


def test_proxies_are_hidden_from_prefect_and_kept_for_the_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In every spelling, for the server on this machine only; NO_PROXY is no proxy."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    given = {"ALL_PROXY": "socks5://127.0.0.1:9", "http_proxy": "p:1", "Https_Proxy": "socks://q"}
    for name, value in (given | {"NO_PROXY": "example.org"}).items():
        monkeypatch.setenv(name, value)
    assert proxies() == given
    with proxies_aside("http://127.0.0.1:4200/api"):
        assert proxies() == {}
        assert os.environ["NO_PROXY"] == "example.org"
        runs = own_environment()
        assert {name: runs[name] for name in given} == given
    assert proxies() == given
    with proxies_aside("https://prefect.example.org/api"):
        assert proxies() == given


@pytest.mark.parametrize(
    "proxy", ["socks5://127.0.0.1:9", "socks://127.0.0.1:9", "http://127.0.0.1:99999", "nonsense"]
)
@pytest.mark.parametrize("name", ["ALL_PROXY", "http_proxy"])
def test_a_client_of_the_projects_server_uses_no_proxy(
    prefect_root: Path, monkeypatch: pytest.MonkeyPatch, name: str, proxy: str
) -> None:
    """Whatever the environment says, and though NO_PROXY names other hosts only."""
    from prefect.client.orchestration import get_client

    from adversity_flows.prefect_flows.settings import prefect_context

    monkeypatch.setenv(name, proxy)
    monkeypatch.setenv("NO_PROXY", "example.org")
    with (
        project_server(prefect_root) as url,
        prefect_context(url),
        get_client(sync_client=True) as client,
    ):
        assert client.api_healthcheck() is None
        assert os.environ[name] == proxy


def test_no_proxy_for_anything_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """`NO_PROXY=*` is a word of its own: with hosts behind it, it would mean nothing."""
    from adversity_flows.prefect_flows.settings import prefect_context

    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv("no_proxy", raising=False)
    with prefect_context("http://127.0.0.1:9/api"):
        assert os.environ["NO_PROXY"] == "*"


def test_an_api_of_the_profile_counts_as_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that Prefect's own settings name is used like one in the environment."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    assert configured_api() is None
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        assert configured_api() == "http://127.0.0.1:9/api"


def test_a_second_run_shares_the_server(prefect_root: Path) -> None:
    """Two runs of one project at a time use one server."""
    with project_server(prefect_root) as first, project_server(prefect_root) as second:
        assert first == second
        assert alive(first)
    time.sleep(0.1)
    assert alive(first)


def test_the_server_keeps_to_loopback_and_sends_no_telemetry(prefect_root: Path) -> None:
    """Its own answer says that analytics are off; its address is 127.0.0.1; its home is ours."""
    with project_server(prefect_root) as url:
        assert url.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(f"{url}/admin/settings", timeout=10) as answer:
            settings = json.load(answer)
    assert settings["server"]["analytics_enabled"] is False
    assert settings["home"] == str(prefect_root / ".adversity" / "prefect")
    listeners = Path("/proc/net/tcp").read_text()
    port = f"{int(url.rsplit(':', 1)[1].split('/')[0]):04X}"
    assert f" 0100007F:{port} 00000000:0000 0A" in listeners
    assert f" 00000000:{port} " not in listeners


def test_a_start_that_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message holds the exit code, the log's end and what to do instead."""
    program = pretend_server(tmp_path, "echo no such table: flow_run >&2; exit 3")
    monkeypatch.setattr(server.sys, "executable", program)
    with pytest.raises(ServerError) as caught, project_server(tmp_path):
        pass
    message = str(caught.value)
    assert "ended with exit code 3" in message
    assert "no such table: flow_run" in message
    assert "--direct" in message


@pytest.mark.parametrize("name", ["lock", "server.log", "server.json"])
def test_links_in_the_servers_folder_are_not_written_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Its file names are known: what a link there names keeps its content."""
    home = tmp_path / ".adversity/prefect"
    home.mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("not ours")
    (home / name).symlink_to(elsewhere)
    monkeypatch.setattr(server.sys, "executable", pretend_server(tmp_path, "echo no; exit 3"))
    with pytest.raises(ServerError, match="ended with exit code 3"), project_server(tmp_path):
        pass
    server_process._publish(home, 4200)
    assert json.loads((home / "server.json").read_text())["url"] == "http://127.0.0.1:4200/api"
    assert elsewhere.read_text() == "not ours"


def test_a_start_that_hangs_is_given_up_and_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the patience is over the process is killed and the error says how long it had."""
    program = pretend_server(tmp_path, f"echo $$ > {tmp_path}/pid; exec sleep 60")
    monkeypatch.setattr(server.sys, "executable", program)
    with (
        pytest.raises(ServerError, match=r"did not answer within 1 s"),
        project_server(tmp_path, patience=1),
    ):
        pass
    pid = int((tmp_path / "pid").read_text())
    until = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A file where the server's folder should be gives one message with its path."""
    (tmp_path / ".adversity").write_text("in the way")
    with (
        pytest.raises(ServerError, match=r"needs a writable .*\.adversity"),
        project_server(tmp_path),
    ):
        pass


def test_a_server_alone_keeps_its_files_from_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`ui` and `schedule serve` before any run: `git add --all` stages nothing of ours."""
    git = ("git", "-C", str(tmp_path))
    subprocess.run([*git, "init", "--quiet"], check=True)
    monkeypatch.setattr(server.sys, "executable", pretend_server(tmp_path, "exit 3"))
    with pytest.raises(ServerError), project_server(tmp_path):
        pass
    assert (tmp_path / ".adversity/prefect/server.log").is_file()
    subprocess.run([*git, "add", "--all"], check=True)
    staged = subprocess.run([*git, "ls-files"], check=True, capture_output=True, text=True).stdout
    assert staged == "pretended\n"


def test_nothing_at_an_address_is_not_alive() -> None:
    """A refused connection is an answer, not an error."""
    assert not alive("http://127.0.0.1:9/api", timeout=1)


def test_the_page_is_announced_and_interrupted(
    prefect_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`ui` tells the address of the page, which answers, and ends quietly on Ctrl-C."""
    pages: list[str] = []

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(server.time, "sleep", interrupt)
    ui(prefect_root, announce=pages.append)
    with project_server(prefect_root), urllib.request.urlopen(pages[0], timeout=10) as answer:
        assert b"<html" in answer.read().lower()


@pytest.mark.slow
@pytest.mark.parametrize("then", ["is there", "is deleted"])
def test_kill_9_of_the_only_user_ends_the_server(tmp_path: Path, then: str) -> None:
    """The server is gone within ten seconds of its parent's kill -9, and so are its files.

    Though the project's folder is deleted meanwhile.
    """
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        url = parent.stdout.readline().strip() if parent.stdout else ""
        home = tmp_path / ".adversity" / "prefect"
        pid = json.loads((home / "server.json").read_text())["pid"]
        assert alive(url)
        os.kill(parent.pid, signal.SIGKILL)
    if then == "is deleted":
        shutil.rmtree(home.parent)
    until = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
        time.sleep(0.1)
    assert not Path(f"/proc/{pid}").exists()
    assert not (home / "server.json").exists()
    assert not (home / "lease").exists()
