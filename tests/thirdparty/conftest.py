"""Keep what only looks like our tests out of our run, and find what they are checked against."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

# The distribution's own tests run where it is installed; the broken ones must never be imported.
collect_ignore = ["acme-adversity", "acme-inspectors", "acme-kernels", "acme-measures", "broken"]

# Tests are no package, so that no import finds this module; a fixture would come too late for
# the names that they are parametrized with.
_FILE = Path(__file__).with_name("broken_kinds.py")
_SPEC = importlib.util.spec_from_file_location(_FILE.stem, _FILE)
sys.modules[_FILE.stem] = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(sys.modules[_FILE.stem])
