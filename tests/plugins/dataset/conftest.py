"""The writers of image files and the files they write, for the tests of the reader."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

# Tests are no package, so that no import finds these modules; a fixture would come too late for
# the tests that are made from it while they are collected.
for _name in ("image_writers", "tiff_cases", "bitmap_cases", "image_cases"):
    _spec = importlib.util.spec_from_file_location(_name, Path(__file__).with_name(f"{_name}.py"))
    sys.modules[_name] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules[_name])
