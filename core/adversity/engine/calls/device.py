"""Whether this machine has the device a pipeline names; said before anything is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adversity.errors import InputError

if TYPE_CHECKING:
    from adversity.pipeline.plan.model import Plan

__all__ = ["absent_device", "refuse_absent_device", "whole_float32"]


def absent_device(device: str) -> str | None:
    """Say that torch cannot compute on a device here, and why; None if it can.

    Torch computes a number there: only that shows whether build, driver and card agree.
    `cpu` is there without a test.

    Args:
        device: As torch names it, such as `cuda:1`.
    """
    if device == "cpu":
        return None
    import torch

    try:
        there = torch.zeros(1, device=device)
    except Exception as error:  # noqa: BLE001  (each backend raises what it likes)
        reason = (str(error) or type(error).__name__).split("\n", 1)[0].rstrip(".")
        return f"there is no device {device!r} on this machine ({reason}); write cpu"
    if there.is_meta:
        return f"device {device!r} computes no values; write cpu"
    return None


def refuse_absent_device(plan: Plan) -> None:
    """Refuse a pipeline whose device this machine has not.

    Raises:
        InputError: With the file and what to write.
    """
    fault = absent_device(plan.spec.run.device)
    if fault is not None:
        raise InputError(f"{plan.file}: run.device: {fault}, or run it where there is one")


def whole_float32(device: str) -> None:
    """Let a card compute with whole float32 numbers in this process.

    Left alone, convolutions cut their factors to ten binary digits (TF32), 5e-4 of each: a
    hundred times what is promised between a card and the CPU.

    Args:
        device: As torch names it; on another type than `cuda` nothing is changed.
    """
    if not device.startswith("cuda"):
        return
    import torch

    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
