"""Who computes: what `run:` may say of it, and that it is in no key."""

from __future__ import annotations

import pytest

from adversity.errors import PipelineError

ADDRESS = '"tcp://10.0.0.5:8786"'


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (
            "runner: slurm",
            "run.runner must be 'threads', 'processes', 'dask' or 'ray', got 'slurm'",
        ),
        (
            "runner: dask",
            "run must have an address such as tcp://10.0.0.5:8786, which runner: dask",
        ),
        ("runner: ray", "run must have an address such as ray://10.0.0.5:10001, which runner: ray"),
        (
            f"runner: ray, address: {ADDRESS}",
            "such as ray://10.0.0.5:10001, which runner: ray connects to, got tcp://10.0.0.5:8786",
        ),
        (
            'runner: dask, address: "ray://10.0.0.5:10001"',
            "such as tcp://10.0.0.5:8786, which runner: dask connects to, got ray://",
        ),
        (
            f"address: {ADDRESS}",
            "run must have no address, which is of runner: dask or ray, got runner: t",
        ),
        (
            "runner: dask, address: there",
            "run.address must be a cluster's address such as tcp://",
        ),
        ("runner: dask, address: 8786", "run.address must be text, got 8786"),
        (
            "runner: processes, data_from: remote",
            "run must have no data_from, which is of runner: dask or ray, got runner: processes",
        ),
    ],
)
def test_a_runner_that_cannot_be_is_one_message(plan, pipeline_text, run, words):
    """The message says what may stand there."""
    with pytest.raises(PipelineError) as caught:
        plan(f"{pipeline_text}run: {{{run}}}\n")
    (finding,) = caught.value.findings
    assert words in finding


@pytest.mark.parametrize(
    "run",
    [
        "runner: processes",
        f"runner: dask, address: {ADDRESS}",
        'runner: ray, address: "ray://10.0.0.5:10001"',
    ],
)
def test_who_computes_is_in_no_key(plan, pipeline_text, run):
    """A stage depends on the same keys and plugins, whoever computes it."""
    one, other = plan(pipeline_text), plan(f"{pipeline_text}run: {{{run}}}\n")
    assert one.resolved == other.resolved
    assert [stage.params for stage in one.stages] == [stage.params for stage in other.stages]
