"""The traps: what each is, what stands against it, and the tests that say so."""

from __future__ import annotations

from traps_of_attacks import OF_ATTACKS
from traps_of_figures import OF_FIGURES

__all__ = ["OF_ATTACKS", "OF_FIGURES", "TRAPS"]

TRAPS = dict(sorted((OF_ATTACKS | OF_FIGURES).items()))
