"""`adversity new-plugin`: every name either gives files that work or is refused in one message."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from typing import TYPE_CHECKING

import pytest
import yaml

from adversity.contracts import KINDS
from adversity.errors import InputError, PluginError
from adversity_flows.cli.new_plugin import files
from adversity_flows.cli.new_plugin.answers import QUESTIONS
from adversity_flows.cli.new_plugin.files import render

if TYPE_CHECKING:
    from pathlib import Path

NEUTRAL = "zzz_qqq"
WORDS = {"true", "false", "none", "lambda", "match", "type", "list", "print", "index_error"}
YAML_WORDS = {"on", "off", "yes", "no", "null", "y", "n"}
STANDARD = {"json", "random", "statistics", "types", "typing", "enum", "test", "re", "abc"}
NAMES_OF_OTHERS = {"linear", "stream", "test_time_augmentation", "a", "x1", "gini", "adversity"}
_NAME = next(question for question in QUESTIONS if question.key == "name")


def rendered(kind: str, name: str) -> dict[str, str]:
    """Return the files for a name, or raise what a person would read."""
    _NAME.check(name, {"kind": kind})
    answers = {"kind": kind, "name": name, "author": "A", "email": "", "licence": "MIT"}
    return render({**answers, "distribution": "some-adversity", "output": "some"})


def names(source: str) -> list[str]:
    """Return every name that stands by itself, as often as it does; attributes do not."""
    found, before = [], ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME and before != ".":
            found.append(token.string)
        before = token.string
    return found


def snake(name: str) -> str:
    """Return the plugin's name whose class would have this name."""
    return re.sub(r"(?<=.)([A-Z])", r"_\1", name).lower()


def class_of(name: str) -> str:
    """Return how the class of a plugin is called."""
    return "".join(word.capitalize() for word in name.split("_"))


@pytest.mark.parametrize(
    "kind",
    [pytest.param(k, marks=[pytest.mark.slow] * (k != "degradation")) for k in KINDS],
)
def test_a_name_hides_nothing_or_is_refused(kind: str) -> None:
    """The class stands wherever an unused name's would, and nowhere else: it hides no other."""
    neutral = rendered(kind, NEUTRAL)
    sources = {path: text for path, text in neutral.items() if path.endswith(".py")}
    used = {name for text in sources.values() for name in names(text)}
    wanted = {snake(name) for name in used if re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", name)}
    module_names = {name.lower() for name in used if re.fullmatch(r"[a-z][a-z0-9_]*", name)}
    everything = wanted | module_names | WORDS | YAML_WORDS | NAMES_OF_OTHERS | STANDARD
    usable = set()
    for name in sorted(everything):
        try:
            files = rendered(kind, name)
        except InputError:
            continue
        usable.add(name)
        for path, text in sources.items():
            mine = files[path.replace(NEUTRAL, name)]
            ast.parse(mine)
            found = names(mine).count(class_of(name))
            assert found == names(text).count(class_of(NEUTRAL)), f"{name}: {path}"
        example = yaml.safe_load(files[f"examples/{name}.yaml"])
        assert example["name"] == name.replace("_", "-")
    assert usable > NAMES_OF_OTHERS | YAML_WORDS | STANDARD
    assert not usable & {"true", "false", "none", "lambda", kind}


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("attack", "none", "its class would be None, a word of the Python language"),
        ("dataset", "index_error", "its class IndexError would hide another of that name"),
        ("uncertainty", "uncertainty", "its class Uncertainty would hide another of that name"),
        ("attack", "adversity_attacks", "its module adversity_attacks would hide what its package"),
        ("attack", "conformance", "tests/test_conformance.py is a file of every distribution"),
    ],
)
def test_a_name_that_cannot_be_is_refused_with_its_reason(kind: str, name: str, said: str) -> None:
    """One message says what the name would break, and what to do."""
    with pytest.raises(InputError, match=f"'{name}' cannot be used: {said}") as caught:
        rendered(kind, name)
    assert str(caught.value).endswith("choose another name")


ABOUT = 'does = "d"\nname = "n"\nsummary = "s"\nusage = "{{clas_name}}"\n'


@pytest.mark.parametrize(
    ("about", "said"),
    [
        (None, "expected an about.toml for metric plugins: "),
        ("does = ", "expected an about.toml for metric plugins: "),
        ('does = "d"\nname = "n"\n', "expected summary, usage in about.toml for metric plugins"),
        (ABOUT, "got {{clas_name}}; did you mean class_name?"),
    ],
)
def test_a_template_that_is_broken_is_the_fault_of_its_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, about: str | None, said: str
) -> None:
    """One that another distribution brings may lack a part or have a word that nobody fills in."""
    monkeypatch.setattr(files, "_of_kind", lambda *_: tmp_path)
    if about is not None:
        (tmp_path / "about.toml").write_text(about, encoding="utf-8")
    with pytest.raises(PluginError, match=re.escape(said)):
        files.render(
            {
                "kind": "metric",
                "name": "zzz",
                "author": "A",
                "email": "",
                "licence": "MIT",
                "distribution": "some-adversity",
                "output": "some",
            }
        )
