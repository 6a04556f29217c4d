"""What a model file is, by its first bytes and what lies in it; nothing in it is run."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["EXPORTED", "ONNX", "TORCHSCRIPT", "format_of", "plugin_for"]

ONNX = "ONNX"
TORCHSCRIPT = "TorchScript"
EXPORTED = "an exported program (.pt2)"
STATE = "a state dict"

_STARTS = (
    (b"\x89HDF\r\n", "HDF5, as Keras writes it"),
    (b"\x80", "a pickle"),
    (b"%PDF", "PDF"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
)
_PLUGINS = {
    ONNX: "classifier/onnx",
    TORCHSCRIPT: "classifier/torchscript",
    EXPORTED: "classifier/exported_program",
    STATE: "classifier/torchvision or classifier/timm with its `architecture`",
}


def format_of(path: Path) -> str:
    """Return what a file is, in words; `ONNX` for what could be a protocol buffer."""
    if zipfile.is_zipfile(path):
        return _of_archive(path)
    with path.open("rb") as file:
        start = file.read(16)
    if not start:
        return "an empty file"
    if start[4:8] == b"TFL3":
        return "TensorFlow Lite"
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= path.stat().st_size:
        return STATE  # safetensors
    other = next((words for mark, words in _STARTS if start.startswith(mark)), None)
    if other is not None:
        return other
    # An ONNX file starts with its version of the format, field 1, a small number.
    return ONNX if start[0] == 0x08 and b"\0" < start[1:2] < b"\x40" else "an unknown format"


def _of_archive(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.rpartition("/")[2] for name in archive.namelist()}
    except (zipfile.BadZipFile, UnicodeDecodeError, NotImplementedError):
        return "a damaged zip archive"
    if "archive_format" in names or "serialized_exported_program.json" in names:
        return EXPORTED
    if "constants.pkl" in names:
        return TORCHSCRIPT
    if "data.pkl" in names:
        return STATE
    return "a zip archive of something else"


def plugin_for(kind: str) -> str:
    """Say what to do with a file of that format, or what to make of it instead."""
    plugin = _PLUGINS.get(kind)
    if plugin is not None:
        return f"use {plugin}"
    return "export the model as ONNX, or save its state dict as safetensors"
