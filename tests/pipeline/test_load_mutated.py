"""Files that nobody would write: each ends in a plan or in messages, never in a crash."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adversity.errors import PipelineError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline

_LETTERS = st.characters(codec="utf-8")


MUTATED = settings(deadline=None, suppress_health_check=list(HealthCheck))


@settings(MUTATED, max_examples=15)
@given(data=st.data())
def test_mutated_files_end_in_a_pipeline_error_or_a_plan(pipeline_text, registry, data):
    """Whatever is cut out of a file or put into it, nothing but PipelineError comes."""
    _mutate(pipeline_text, registry, data)


@pytest.mark.slow
@settings(MUTATED, max_examples=150)
@given(data=st.data())
def test_many_mutated_files_end_in_a_pipeline_error_or_a_plan(pipeline_text, registry, data):
    """Of ten times as many files none ends otherwise."""
    _mutate(pipeline_text, registry, data)


def _mutate(pipeline_text, registry, data):
    start = data.draw(st.integers(0, len(pipeline_text)))
    end = data.draw(st.integers(start, min(len(pipeline_text), start + 40)))
    inserted = data.draw(
        st.one_of(
            st.text(_LETTERS, max_size=12),
            st.sampled_from(
                ["[", "{a: ", "\n- ", ": ", "&x", "*x", "!!set", "${", "$eps", "\t", "~"]
            ),
            st.lists(st.sampled_from(pipeline_text.split()), max_size=4).map(" ".join),
        )
    )
    text = pipeline_text[:start] + inserted + pipeline_text[end:]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.yaml"
        path.write_bytes(text.encode())
        found: tuple[str, ...] = ()
        try:
            make_plan(load_pipeline(path, root=Path(folder)), registry)
        except PipelineError as error:
            found = error.findings
        assert all(finding.startswith("x.yaml:") for finding in found)


@settings(max_examples=60, deadline=None)
@given(raw=st.binary(max_size=60))
def test_any_bytes_end_in_a_pipeline_error(raw):
    """Bytes that are no pipeline are refused, never crashed on."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.yaml"
        path.write_bytes(raw)
        with pytest.raises(PipelineError):
            load_pipeline(path, root=Path(folder))
