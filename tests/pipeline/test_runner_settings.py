"""Who computes: what `run:` may say of it, and that it is in no key."""

from __future__ import annotations

import pytest

from adversity.errors import PipelineError

ADDRESS = '"tcp://10.0.0.5:8786"'


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("runner: slurm", "run.runner must be 'threads', 'processes' or 'dask', got 'slurm'"),
        ("runner: dask", "run must have an address (tcp://10.0.0.5:8786), which runner: dask"),
        (
            f"address: {ADDRESS}",
            "run must have no address, which is of runner: dask, got runner: t",
        ),
        (
            "runner: dask, address: there",
            "run.address must be a scheduler's address such as tcp://",
        ),
        ("runner: dask, address: 8786", "run.address must be text, got 8786"),
    ],
)
def test_a_runner_that_cannot_be_is_one_message(plan, pipeline_text, run, words):
    """The message says what may stand there."""
    with pytest.raises(PipelineError) as caught:
        plan(f"{pipeline_text}run: {{{run}}}\n")
    (finding,) = caught.value.findings
    assert words in finding


@pytest.mark.parametrize("run", ["runner: processes", f"runner: dask, address: {ADDRESS}"])
def test_who_computes_is_in_no_key(plan, pipeline_text, run):
    """A stage depends on the same keys and plugins, whoever computes it."""
    one, other = plan(pipeline_text), plan(f"{pipeline_text}run: {{{run}}}\n")
    assert one.resolved == other.resolved
    assert [stage.params for stage in one.stages] == [stage.params for stage in other.stages]
