"""Numbers as people type them: the meant number or a refusal in words, never another number."""

from __future__ import annotations

import pytest

from adversity.errors import PipelineError
from adversity.pipeline.gates.gate_text import Gate, read_gate
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.reader import parse
from adversity_flows.cli.plugins.check import _parameters

INTEGER = "must be an integer"
NUMBER = "must be a number"
ZERO = "without a leading zero"

WRITTEN = [  # as written; as `steps`, a whole number; as `eps`, in (0, 1]; as `run.batch_size`
    ("1e-3", INTEGER, 1e-3, INTEGER),
    ("1E2", 100, "less than or equal to 1", INTEGER),
    ("8/255", INTEGER, 8 / 255, INTEGER),
    ("8 / 255", INTEGER, 8 / 255, INTEGER),
    ("8/0", INTEGER, NUMBER, INTEGER),
    (".5", INTEGER, 0.5, INTEGER),
    ("+1", 1, 1.0, 1),
    ("1_000", 1000, "less than or equal to 1", INTEGER),
    ("0x10", INTEGER, NUMBER, INTEGER),
    ("0o10", INTEGER, NUMBER, INTEGER),
    ("1,5", INTEGER, NUMBER, INTEGER),
    ("50%", INTEGER, NUMBER, INTEGER),
    ("inf", INTEGER, "must be a finite number", INTEGER),
    (".inf", INTEGER, NUMBER, INTEGER),
    ("1e400", "must be a finite number", "must be a finite number", INTEGER),
    ("nan", INTEGER, "must be a finite number", INTEGER),
    (".nan", INTEGER, NUMBER, INTEGER),
    *((word, INTEGER, NUMBER, INTEGER) for word in ("yes", "no", "on", "off", "true", "~")),
    ("010", ZERO, ZERO, ZERO),
    ("-01", ZERO, ZERO, ZERO),
    ("00", ZERO, ZERO, ZERO),
    ('"5"', 5, "less than or equal to 1", INTEGER),
    ('"0.5"', INTEGER, 0.5, INTEGER),
    ('"8/255"', INTEGER, 8 / 255, INTEGER),
    ('"0x10"', INTEGER, NUMBER, INTEGER),
    ("2026-11-28", INTEGER, NUMBER, INTEGER),
    ("1:30", INTEGER, NUMBER, INTEGER),
]
"""The number that is meant, or what the refusal says."""

WHOLE = [(written, whole) for written, whole, _, _ in WRITTEN]
SHARES = [(written, share) for written, _, share, _ in WRITTEN]
STRICT = [(written, strict) for written, _, _, strict in WRITTEN]

WEATHER = """\
name: toy-weather
data:
  photos: {uses: dataset/toy_folder, with: {path: data/photos}}
steps:
  clean: {uses: classifier/tiny, from: photos}
  storm:
    uses: attack/weather
    from: photos
    against: clean
    with: {eps: 8/255, degradation: {uses: darker, with: {factor: FACTOR}}}
"""


def holds(expected, read):
    """Check that reading gives the number, of its type, or fails in the words that are expected."""
    if isinstance(expected, str):
        with pytest.raises(PipelineError) as caught:
            read()
        assert expected in str(caught.value)
        assert ", got " in str(caught.value)
    else:
        found = read()
        assert (found, type(found)) == (expected, type(expected))


def _push(plan):
    return next(iter(plan.steps["attacked"].plugins.values()))


def _one_eps(text, written):
    """Return the pipeline with this eps and no matrix variable for it."""
    for old, new in (
        ("eps: $eps ", f"eps: {written} "),
        ("  eps: [4/255, 8/255, 0.10]\n", ""),
        ("  - attacked[eps=8/255].robust_accuracy not_worse_than last\n", ""),
    ):
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(("written", "expected"), WHOLE)
def test_whole_numbers_of_a_plugin(plan, pipeline_text, written, expected):
    """`steps` in the file."""
    text = pipeline_text.replace("steps: 3", f"steps: {written}")
    holds(expected, lambda: _push(plan(text)).steps)


@pytest.mark.parametrize(("written", "expected"), WHOLE)
def test_whole_numbers_of_a_plugin_from_outside(plan, pipeline_text, written, expected):
    """`--set` on the same place."""
    override = f"steps.attacked.with.steps={written}"
    holds(expected, lambda: _push(plan(pipeline_text, override)).steps)


@pytest.mark.parametrize(("written", "expected"), SHARES)
def test_numbers_of_a_plugin(plan, pipeline_text, written, expected):
    """`eps` in the file."""
    holds(expected, lambda: _push(plan(_one_eps(pipeline_text, written))).eps)


@pytest.mark.parametrize(
    ("written", "expected"), [case for case in SHARES if case[0] not in ("1,5", "~", "1:30")]
)
def test_numbers_in_a_plugin_of_a_plugin(toys, toys_with_parts, load, written, expected):
    """`factor` of the degradation that an attack is given, in (0, 1] as well."""
    registry = toys.ToyRegistry([*toys.TOYS, *toys_with_parts.NESTING])

    def read():
        storm = make_plan(load(WEATHER.replace("FACTOR", written)), registry).steps["storm"]
        (weather,) = storm.plugins.values()
        return weather.degradation.plugin.factor

    holds(expected, read)


@pytest.mark.parametrize(
    ("written", "expected"),
    [case for case in SHARES if case[0] not in ("1,5", "8 / 255", "~", "1:30")],
)
def test_numbers_of_a_matrix(plan, pipeline_text, written, expected):
    """A value of `matrix: {eps: [...]}`; its cell bears it as written, without quotes."""
    text = pipeline_text.replace("[4/255, 8/255, 0.10]", f"[{written}, 0.125]")
    text = text.replace("  - attacked[eps=8/255].robust_accuracy not_worse_than last\n", "")
    if written == "1e400":
        expected = "finite number"
    bare = written.strip('"')

    def read():
        return next(
            plugin.eps
            for cell, plugin in plan(text).steps["attacked"].plugins.items()
            if cell.key == f"severity=1,eps={bare}"
        )

    holds(expected, read)


@pytest.mark.parametrize("written", ["1e1", "8 / 255", "1,5", "~", "010", "1:30", "2026-11-28"])
def test_no_number_is_a_cron_expression(plan, pipeline_text, written):
    """`schedule: {cron: 5}` has no five fields, and none of YAML's readings makes them."""
    text = pipeline_text.replace(
        'schedule: {cron: "0 2 * * *", timezone: UTC}', f"schedule:\n  cron: {written}"
    )
    assert text != pipeline_text
    holds(ZERO if written == "010" else "must have five fields", lambda: plan(text))


def test_a_cron_expression_may_have_leading_zeros(plan, pipeline_text):
    """`00 02 * * *` is text, where cron knows no octal numbers."""
    assert plan(pipeline_text.replace("0 2 * * *", "00 02 * * *")).spec.schedule.cron[:5] == "00 02"


@pytest.mark.parametrize(("written", "expected"), STRICT)
def test_numbers_of_run(plan, pipeline_text, written, expected):
    """`run:` and `seed:` take whole numbers as they are, nothing that must be turned into one."""
    for text in (
        pipeline_text + f"run:\n  batch_size: {written}\n",
        pipeline_text.replace("seed: 7", f"seed: {written}"),
    ):
        holds(expected, lambda text=text: _run_number(plan(text).spec, pipeline_text, text))
    override = f"run.batch_size={written}"
    holds(expected, lambda: plan(pipeline_text, override).spec.run.batch_size)


def _run_number(spec, before, after):
    return spec.run.batch_size if after.startswith(before) else spec.seed


@pytest.mark.parametrize("written", [written for written, _, _, _ in WRITTEN])
def test_check_reads_a_parameter_as_a_pipeline_does(load, pipeline_text, written):
    """`adversity check NAME --set steps=VALUE` hands on what the file's `steps: VALUE` says."""

    def of_file():
        text = pipeline_text.replace("steps: 3", f"steps: {written}")
        return load(text).spec.steps["attacked"].parameters["steps"]

    if dict(WHOLE)[written] == ZERO:
        holds(ZERO, of_file)
        holds(ZERO, lambda: _parameters([f"steps={written}"]))
    else:
        assert _parameters([f"steps={written}"]) == {"steps": of_file()}


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("1e-3", 1e-3),
        ("8/255", 8 / 255),
        (".5", 0.5),
        ("30", 30.0),
        ("030", "did you mean 30?"),
        ("-08", "did you mean -8?"),
        ("00", "did you mean 0?"),
        ("1_000", "did you mean 1000?"),
        ("0,5", "did you mean 0.5?"),
        ("50%", "did you mean 0.5?"),
        ("0x10", "expected a number or a fraction, got '0x10'"),
        ("inf", "expected a number or a fraction, got 'inf'"),
        ("nan", "expected a number or a fraction, got 'nan'"),
        ("1:30", "expected a number or a fraction, got '1:30'"),
        ("yes", "expected a number or a fraction, got 'yes'"),
        ("2026-11-28", "expected a number or a fraction, got '2026-11-28'"),
    ],
)
def test_limits_of_gates(limit, expected):
    """A gate's limit is read likewise; what is none is refused, with the number that was meant."""
    gate = read_gate(f"restored.psnr_db >= {limit}", "p.yaml:1")
    if isinstance(expected, str):
        assert isinstance(gate, str)
        assert expected in gate
    else:
        assert isinstance(gate, Gate)
        assert gate.limit == expected


def test_a_leading_zero_is_named_with_its_place_and_the_way_out():
    """Key, value, both ways to write it; a very long one is cut."""
    with pytest.raises(PipelineError) as caught:
        parse("a:\n  b: 010", "p.yaml")
    assert str(caught.value) == (
        "p.yaml:2: a.b: expected a number without a leading zero, which some programs read as "
        "octal, got 010; write 10, or quote it if it is text"
    )
    with pytest.raises(PipelineError, match=ZERO) as caught:
        parse("a: " + "0" * 9000 + "1", "p.yaml")
    assert len(str(caught.value)) < 300
    assert parse("a: '010'\nb: 0\nc: 00.5\nd: -0", "p.yaml").tree == {
        "a": "010",
        "b": 0,
        "c": 0.5,
        "d": 0,
    }
