"""What `pyproject.toml` of a new distribution says of its author, its licence and its needs."""

from __future__ import annotations

import json
import re
from importlib import metadata
from typing import TYPE_CHECKING

from adversity_flows.cli.new_plugin.publishing import requirement_of_this

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adversity.contracts import PluginBase

__all__ = ["PROPRIETARY", "SPDX", "home", "in_toml", "pyproject_words"]

PROPRIETARY = "proprietary"
SPDX = {PROPRIETARY: "LicenseRef-Proprietary"}
"""The SPDX expressions of licences that are called by another word."""


def pyproject_words(answers: Mapping[str, str], contract: type[PluginBase]) -> dict[str, str]:
    """Return what stands for the words of that file in the template.

    Args:
        answers: To all questions.
        contract: Of the kind.
    """
    from adversity import __version__

    return {
        "adversity": requirement_of_this(_bounds(__version__)),
        "author_toml": _author(answers["author"], answers["email"]),
        "classifiers_toml": ", ".join(map(in_toml, _classifiers(answers["licence"]))),
        "requires_toml": ", ".join(map(in_toml, _requires(contract))),
        "python": _oldest_python(),
    }


def home(contract: type[PluginBase]) -> str:
    """Return the module that plugins of a kind import its contract from."""
    return contract.__module__ if _bringer(contract) else "adversity"


def in_toml(text: str) -> str:
    """Write a TOML string; JSON's escapes are TOML's."""
    return json.dumps(text, ensure_ascii=False)


def _author(name: str, email: str) -> str:
    parts = {"name": name, **({"email": email} if email else {})}
    return "{ " + ", ".join(f"{key} = {in_toml(value)}" for key, value in parts.items()) + " }"


def _classifiers(licence: str) -> list[str]:
    # Package indexes refuse what is so marked: it cannot be published by mistake.
    return ["Typing :: Typed", *(["Private :: Do Not Upload"] if licence == PROPRIETARY else [])]


def _requires(contract: type[PluginBase]) -> list[str]:
    """Return what it depends on: Adversity, and the distribution that brings the kind."""
    from adversity import __version__

    bringer = _bringer(contract)
    others = [f"{bringer[0]}>={bringer[1].partition('+')[0]}"] if bringer else []
    return [f"adversity{_bounds(__version__)}", *others]


def _bringer(contract: type[PluginBase]) -> tuple[str, str] | None:
    """Return name and version of the distribution that brings a kind; None if it is ours."""
    from adversity.contracts import KINDS
    from adversity.distributions import distribution_of

    return None if contract.kind in KINDS else distribution_of(contract.__module__)


def _bounds(version: str) -> str:
    """Return the releases that keep the contracts of this one: up to the next major one."""
    public = version.partition("+")[0]  # no order is defined for what stands behind it (PEP 440)
    major, minor = public.split(".")[:2]
    released = re.fullmatch(r"[0-9.]+", public)
    return f">={f'{major}.{minor}' if released else public},<{int(major) + 1}"


def _oldest_python() -> str:
    """Return the oldest Python that Adversity runs on, such as `3.11`."""
    stated = re.search(r"\d+\.\d+", metadata.metadata("adversity")["Requires-Python"])
    if stated is None:
        raise LookupError("the metadata of adversity name no Python version")
    return stated.group()
