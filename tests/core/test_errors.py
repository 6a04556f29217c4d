"""The error tree: what derives from what, which exit code it means, and that it travels."""

import pickle

import pytest

from adversity import errors

ALL = [getattr(errors, name) for name in errors.__all__]
INPUT = {"PipelineError", "UnknownPluginError", "ParameterError", "DataError", "WeightsError"}
INPUT |= {"NotFittedError", "InputError"}


@pytest.mark.parametrize("error", ALL, ids=lambda e: e.__name__)
def test_the_exit_code_tells_wrong_input_from_a_failed_run(error):
    """2 for what the user can fix, 3 for everything else."""
    assert issubclass(error, errors.AdversityError)
    assert error.exit_code == (2 if error.__name__ in INPUT else 3)


@pytest.mark.parametrize(
    ("error", "parents"),
    [
        ("InputError", (ValueError,)),
        ("UnknownPluginError", (errors.InputError, LookupError)),
        ("PipelineError", (errors.InputError, ValueError)),
        ("PluginError", (RuntimeError,)),
        ("RunError", (RuntimeError,)),
        ("StaleInputsError", (errors.RunError,)),
        ("StorageError", (errors.RunError,)),
    ],
)
def test_an_error_refines_the_built_in_it_stands_for(error, parents):
    """Whoever catches ValueError or LookupError catches ours."""
    assert all(issubclass(getattr(errors, error), parent) for parent in parents)


def test_a_plugin_error_is_no_input_error():
    """A broken plugin is not the user's mistake."""
    assert not issubclass(errors.PluginError, errors.InputError)
    assert not issubclass(errors.RunError, errors.InputError)


@pytest.mark.parametrize("error", ALL, ids=lambda e: e.__name__)
def test_an_error_survives_pickling(error):
    """Workers send errors between processes; class, text and code arrive."""
    sent = error("expected a, got b; do c")
    got = pickle.loads(pickle.dumps(sent))
    assert type(got) is error
    assert str(got) == str(sent)
    assert got.exit_code == sent.exit_code


def test_a_pipeline_error_keeps_its_findings_apart():
    """All findings are reported at once, one a line, also after pickling."""
    findings = ["x.yaml:1: a", "x.yaml:2: b"]
    error = pickle.loads(pickle.dumps(errors.PipelineError(findings)))
    assert error.findings == tuple(findings)
    assert str(error) == "x.yaml:1: a\nx.yaml:2: b"
    assert errors.PipelineError("alone").findings == ("alone",)


def test_every_public_error_is_listed():
    """`__all__` holds each class of the module, and the docstring draws each."""
    defined = {
        name for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }  # fmt: skip
    assert defined == set(errors.__all__)
    assert all(name in errors.__doc__ for name in defined)
