"""What DVC is given of a YAML file is what the file says now, parsed no more often than it changed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from dvc.dependency.param import read_param_file
from dvc.fs import localfs
from dvc.utils import strictyaml
from dvc.utils.serialize import YAMLFileCorruptedError, _yaml

from adversity_flows.dvc.parsed_once import parse_once
from adversity_flows.steps.run_steps import conduct

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each text was parsed, in a process that remembers nothing yet."""
    real = getattr(_yaml.parse_yaml, "__wrapped__", _yaml.parse_yaml)
    texts: Counter[str] = Counter()

    def counting(text: str, path: Any, typ: str = "safe") -> Any:
        if typ == "safe":
            texts[text] += 1
        return real(text, path, typ)

    monkeypatch.setattr(_yaml, "parse_yaml", counting)
    monkeypatch.setattr(strictyaml, "parse_yaml", counting)
    parse_once()
    parse_once()
    return texts


def test_a_run_parses_each_text_once(
    project: Path, conductor: Callable[..., Any], parsed: Counter[str]
) -> None:
    """DVC's own files under one name of the function, parameter files under the other."""
    conduct(conductor())
    assert {*parsed.values()} == {1}
    assert (project / "pipelines/tiny.yaml").read_text() in parsed
    assert any("\nstages:" in text for text in parsed)


def test_a_file_is_what_it_says_now(tmp_path: Path, parsed: Counter[str]) -> None:
    """Also within the resolution of its time, and back at a text that it had before."""
    path = tmp_path / "params.yaml"
    for text in ("a: {b: 1}\n", "a: {b: 2}\n", "a: {b: 1}\n", "a: 1\nc: 2\n"):
        path.write_text(text)
        read = read_param_file(localfs, str(path))
        assert read == _yaml.parse_yaml.__wrapped__(text, path)
        read["a"] = "changed by its reader"
    assert parsed["a: {b: 1}\n"] == 3  # once by DVC, twice by this test


def test_a_damaged_file_is_refused_each_time(tmp_path: Path, parsed: Counter[str]) -> None:
    """And named."""
    path = tmp_path / "broken.yaml"
    path.write_text("a: [1\n")
    for _ in range(2):
        with pytest.raises(YAMLFileCorruptedError, match=r"broken\.yaml"):
            read_param_file(localfs, str(path))
    assert parsed["a: [1\n"] == 2
