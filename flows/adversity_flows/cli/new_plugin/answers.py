"""What `adversity new-plugin` must know, how each answer is judged, and what is proposed."""

from __future__ import annotations

import keyword
import re
import sys
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from adversity.contracts.plugin import SNAKE_CASE
from adversity.did_you_mean import did_you_mean
from adversity.errors import InputError
from adversity.git import git_says
from adversity_flows.cli.new_plugin.files import about, kinds, licences, shapes, why_not

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Known = Mapping[str, str]
    """The answers so far."""

__all__ = ["QUESTIONS", "Question", "look_afresh", "owner_of", "plain_name"]

LONGEST = 40
"""Characters of a plugin's name: the lines that it stands in must stay readable."""
_KEBAB = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to know.

    Attributes:
        key: The name of the option or argument.
        text: What a person is asked.
        check: Returns the answer as it is used, or raises `InputError`.
        propose: Returns what Enter stands for; empty where only the author can know.
        explain: Returns lines shown before the question.
        optional: It has an answer although nobody gave one.
        applies: Says whether a person is asked at all.
    """

    key: str
    text: str
    check: Callable[[str, Known], str]
    propose: Callable[[Known], str] = lambda _: ""
    explain: Callable[[Known], Sequence[str]] = lambda _: ()
    optional: bool = True
    applies: Callable[[Known], bool] = lambda _: True

    @property
    def written(self) -> str:
        """How it is written on the command line."""
        return self.key.upper() if self.key in ("kind", "name") else f"--{self.key}"


def _kind(text: str, _: Known) -> str:
    from adversity.registry import discover

    known, contract = kinds(), discover().kinds.get(text)
    if text in known:
        return text
    if contract is not None:
        raise InputError(
            f"expected a kind with a template, {', '.join(known)}, got {text}, whose template is "
            f"missing ({contract.describes.template or 'it describes none'}); derive a class from "
            f"{contract.__module__}.{contract.__name__}, or ask the author of the kind for one"
        )
    hint = did_you_mean(text, known, f"kinds are {', '.join(known)}.")
    raise InputError(f"unknown kind {text!r}; {hint}")


def _kinds_explained(_: Known) -> list[str]:
    known = kinds()
    width = max(map(len, known))
    rows = [f"  {kind.ljust(width)}  {about(kind)['does']}" for kind in known]
    how = (
        "A new plugin. Enter takes what stands in [brackets]; Ctrl-C ends it, and nothing is "
        "written before the last answer."
    )
    return [how, "", *rows, ""]


def _shape(text: str, known: Known) -> str:
    kind = known.get("kind", "")
    there = shapes(kind) if kind in kinds() else []
    if text in there or not text:
        return text or next(iter(there), "")
    if not there:
        raise InputError(
            f"expected no shape of {kind or 'an unknown kind'}, got {text!r}; leave --shape out"
        )
    hint = did_you_mean(text, there, f"shapes are {', '.join(there)}.")
    raise InputError(f"expected a shape of {kind}, got {text!r}; {hint}")


def _shapes_explained(known: Known) -> list[str]:
    there = shapes(known["kind"])
    width = max(map(len, there))
    return [f"  {shape.ljust(width)}  {about(known['kind'], shape)['does']}" for shape in there]


def plain_name(text: str) -> None:
    """Refuse what is no name of a plugin, whatever the kind.

    Raises:
        InputError: With a proposal where one can be made.
    """
    if not SNAKE_CASE.fullmatch(text):
        raise InputError(
            f"expected a name in snake_case such as gaussian_noise, got {text!r}{_meant(text)}"
        )
    if len(text) > LONGEST:
        raise InputError(
            f"expected a name of at most {LONGEST} characters, got {text!r}, which has {len(text)}"
        )
    if keyword.iskeyword(text):
        raise InputError(f"{text!r} is a word of the Python language; choose another name")


def _name(text: str, known: Known) -> str:
    plain_name(text)
    kind = known.get("kind")
    if kind is not None:
        _refuse_clash(kind, text, known.get("shape", ""))
    return text


def _meant(text: str) -> str:
    """Propose the snake_case of what was typed."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text.strip())
    snake = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")
    return f"; did you mean {snake}?" if SNAKE_CASE.fullmatch(snake) else ""


def _refuse_clash(kind: str, name: str, shape: str) -> None:
    """Refuse a name that is taken, among the installed plugins or in the files to be written."""
    if owner := owner_of(kind, name):
        raise InputError(
            f"{kind}/{name} is a plugin of {owner}, which is installed; choose another name, or "
            "pipelines that use it would have to say whose they mean"
        )
    reason = why_not(kind, name, shape)
    if reason:
        raise InputError(f"{name!r} cannot be used: {reason}; choose another name")


def look_afresh() -> None:
    """Forget what git and the catalogue said: a command reads each of them once."""
    _owners.cache_clear()
    _from_git.cache_clear()


def owner_of(kind: str, name: str) -> str | None:
    """Return the distribution and version that has such a plugin, or None."""
    return _owners().get((kind, name))


@cache
def _owners() -> dict[tuple[str, str], str]:
    """Return the distribution and version that has the plugin, by kind and name."""
    from adversity.registry.catalogue import read_catalogue

    return {
        (listing.kind, listing.name): f"{listing.distribution} {listing.version}"
        for listing in reversed(read_catalogue().plugins)  # the first of two stays
    }


def _free_name(known: Known) -> str:
    """Propose the term for what the template computes, or one beside it if it is taken."""
    kind = known.get("kind")
    if kind is None:
        return ""
    name = about(kind, known.get("shape", ""))["name"]
    return f"my_{name}" if (kind, name) in _owners() else name


def _author(text: str, _: Known) -> str:
    name = " ".join(text.split())
    if not name or not name.isprintable():
        raise InputError(f"expected the author's name, got {text!r}")
    if "," in name:
        # The standard for pyproject.toml forbids commas in the names of authors.
        raise InputError(
            f"expected an author's name without a comma, as pyproject.toml needs it, got {text!r}; "
            'write "A. Author and B. Author"'
        )
    return name


def _email(text: str, _: Known) -> str:
    address = text.strip()
    if address and not re.fullmatch(r"[^@\s,<>\"]+@[^@\s,<>\"]+", address):
        raise InputError(f"expected an address such as a.author@example.org, got {text!r}")
    return address


def _licence(text: str, _: Known) -> str:
    known = {name.lower(): name for name in licences()}
    if text.lower() in known:
        return known[text.lower()]
    hint = did_you_mean(text, known.values(), "choose one of them.")
    raise InputError(
        f"licence: there are texts for {', '.join(known.values())}, got {text!r}; {hint}"
    )


def _distribution(text: str, _: Known) -> str:
    if not _KEBAB.fullmatch(text):
        proper = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
        hint = f"; did you mean {proper}?" if _KEBAB.fullmatch(proper) else ""
        raise InputError(
            f"expected a distribution's name such as acme-adversity, got {text!r}{hint}"
        )
    package = text.replace("-", "_")
    another = "choose another with --distribution"
    if keyword.iskeyword(package) or package in sys.stdlib_module_names:
        raise InputError(f"the package {package!r} would hide Python's own; {another}")
    if find_spec(package) is not None:
        owners = metadata.packages_distributions().get(package)
        whose = f"belongs to {owners[0]}" if owners else "is there already"
        raise InputError(f"the package {package!r} {whose} in this environment; {another}")
    if any(metadata.distributions(name=text)):
        raise InputError(f"a distribution {text!r} is installed in this environment; {another}")
    return text


def _output(text: str, _: Known) -> str:
    folder = Path(text)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: expected a new or an empty folder, got a file; name another")
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(
            f"{folder}: expected a new or an empty folder, got one with files in it; name another"
        )
    return text


@cache
def _from_git() -> str:
    """Return what git calls the person here, or nothing."""
    return (git_says(Path.cwd(), "config", "user.name") or "").strip().replace(",", "")


QUESTIONS = (
    Question("kind", "kind", _kind, explain=_kinds_explained, optional=False),
    Question(
        "shape",
        "shape",
        _shape,
        lambda known: next(iter(shapes(known["kind"])), ""),
        _shapes_explained,
        applies=lambda known: bool(shapes(known["kind"])),
    ),
    Question("name", "name in pipelines", _name, _free_name, optional=False),
    Question("author", "author", _author, lambda _: _from_git(), optional=False),
    Question("email", "e-mail (may be left out)", _email),
    Question(
        "licence",
        "licence",
        _licence,
        lambda _: "MIT",
        lambda _: [f"  licences: {', '.join(licences())}"],
    ),
    Question(
        "distribution",
        "distribution",
        _distribution,
        lambda known: f"{known.get('name', '').replace('_', '-')}-adversity",
    ),
    Question("output", "folder", _output, lambda known: known.get("distribution", "")),
)
"""In the order in which they are asked; later ones may look at earlier answers."""
