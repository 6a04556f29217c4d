"""The conformance kit: does a plugin keep the promises of its kind, and its own claims?

`check_plugin(cls)` runs it; `parametrize_with_checks([cls])` makes it pytest tests;
`adversity check NAME` runs it on an installed plugin. The claims of the class decide what is
tried: `differentiable`, `stochastic`, `levels`, `restores`, `norm` and so on.
"""

from adversity.testing.bench.checks import Check, Failed, NotApplicable, check
from adversity.testing.kit.conformance import KIT, ConformanceError, check_plugin
from adversity.testing.kit.outcome import Conformance, Outcome
from adversity.testing.kit.parametrize import parametrize_with_checks

__all__ = [
    "KIT",
    "Check",
    "Conformance",
    "ConformanceError",
    "Failed",
    "NotApplicable",
    "Outcome",
    "check",
    "check_plugin",
    "parametrize_with_checks",
]
