"""The contracts' own annotations judge the claims of plugins."""

import inspect

import pytest

from adversity import contracts
from adversity.contracts import PluginBase
from adversity.registry import discover
from adversity.registry.claims import _claims_of, _type_fault, claim_faults, field_faults

CONTRACTS = [
    cls
    for cls in vars(contracts).values()
    if inspect.isclass(cls) and (issubclass(cls, PluginBase) or cls is contracts.Fitted)
]


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda cls: cls.__name__)
def test_every_claim_of_a_contract_can_be_judged(contract):
    """Each annotation resolves, and the contract's own default is of its type."""
    for name, hint in _claims_of(contract).items():
        assert _type_fault(hint, getattr(contract, name)) is None, name


def test_the_claims_are_those_that_the_contracts_declare():
    """Some of each, by hand, so that an empty table cannot pass."""
    named = {name for contract in CONTRACTS for name in _claims_of(contract)}
    assert {"differentiable", "needs", "levels", "gives", "threat", "wants", "fits_on"} <= named
    assert not {"kind", "makes", "api"} & named


def test_no_built_in_makes_a_false_claim():
    """They go through the same door."""
    classes = [entry.cls for entry in discover().entries() if entry.built_in]
    assert classes
    assert [fault for cls in classes for fault in (*claim_faults(cls), *field_faults(cls))] == []


def test_a_metric_without_a_reference_says_so_by_its_base():
    """`full_reference = False` alone would be refused for its signature, in words that mislead."""

    class Alone(contracts.ImageMetric):
        """Sees an image alone."""

        name = "alone"
        full_reference = False

    assert "inherit from that" in next(iter(claim_faults(Alone)))
