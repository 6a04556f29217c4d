"""Where each weight of the published MAXIM belongs in `MaximNetwork`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from adversity.errors import WeightsError
from adversity_plugins.restoration._maxim.tfjs import constants, used_by

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

__all__ = ["own_name", "state_dict"]

_ROOT = "/backbone/"
_LEVELS = 3
_RATIOS = 2 * _LEVELS * _LEVELS
"""Of features that a stage brings to other sizes: encoded ones, then skipped ones."""
_USES = tuple(
    # What ends an operation's path, which part of the module its constant is, and how it lies.
    (operation, re.compile(ending), part, axes)
    for operation, ending, part, axes in (
        ("Conv2D", r"/Conv2D$", "weight", (3, 2, 0, 1)),
        ("Conv2DBackpropInput", r"/conv2d_transpose$", "weight", (3, 2, 0, 1)),
        ("Einsum", r"/einsum/Einsum$", "weight", (1, 0)),
        ("Mul", r"/jit_fn_/Mul(_\d+)?$", "weight", None),
        ("AddV2", r"/jit_fn_/AddV2(_\d+)?$", "bias", None),
    )
)
_RENAMED = tuple(
    (re.compile(pattern), own)
    for pattern, own in (
        (r"stage_(\d)_encoder_block_(\d)/Conv_0", r"stages.\1.encoders.\2.conv_in"),
        (r"stage_(\d)_encoder_block_(\d)/Conv_1", r"stages.\1.encoders.\2.down"),
        (r"stage_(\d)_encoder_block_(\d)/cross_gating_block/", r"stages.\1.encoders.\2.gating."),
        (r"stage_(\d)_encoder_block_(\d)/", r"stages.\1.encoders.\2."),
        (r"stage_(\d)_decoder_block_(\d)/ConvTranspose_0", r"stages.\1.decoders.\2.enlarge"),
        (
            r"stage_(\d)_decoder_block_(\d)/UNetEncoderBlock_0/Conv_0",
            r"stages.\1.decoders.\2.encoder.conv_in",
        ),
        (r"stage_(\d)_decoder_block_(\d)/UNetEncoderBlock_0/", r"stages.\1.decoders.\2.encoder."),
        (r"stage_(\d)_cross_gating_block_(\d)/", r"stages.\1.gates.\2."),
        (r"stage_(\d)_input_fuse_sam_(\d)/", r"stages.\1.fuse.\2."),
        (r"stage_(\d)_input_conv_(\d)", r"stages.\1.convs_in.\2"),
        (r"stage_(\d)_output_conv_0", r"stages.\1.conv_out"),
        (r"stage_(\d)_global_block_(\d)/input_proj", r"stages.\1.bottlenecks.\2.conv_in"),
        (r"stage_(\d)_global_block_(\d)/", r"stages.\1.bottlenecks.\2."),
        (
            r"stage_(\d)_supervised_attention_module_(\d)/Conv_0",
            r"stages.\1.supervised.\2.features",
        ),
        (r"stage_(\d)_supervised_attention_module_(\d)/Conv_1", r"stages.\1.supervised.\2.image"),
        (
            r"stage_(\d)_supervised_attention_module_(\d)/Conv_2",
            r"stages.\1.supervised.\2.attention",
        ),
        (r"SplitHeadMultiAxisGmlpLayer_(\d)/", r"mixers.\1."),
        (r"SplitHeadMultiAxisGating_([xy])/", r"weights_\1."),
        (r"channel_attention_block_1_(\d)/channel_mixing/Dense_0", r"channels.\1.dense1"),
        (r"channel_attention_block_1_(\d)/channel_mixing/Dense_1", r"channels.\1.dense2"),
        (r"channel_attention_block_1_(\d)/", r"channels.\1."),
        (r"channel_attention_block_1(\d)/", r"convolvers.\1."),
        (r"channel_attention/Conv_0", "attention.squeeze"),
        (r"channel_attention/Conv_1", "attention.excite"),
        (r"(Grid|Block)GatingUnit/intermediate_layernorm", "gate_norm"),
        (r"(Grid|Block)GatingUnit/Dense_0", "mix"),
        (r"GridGmlpLayer/", "grid."),
        (r"BlockGmlpLayer/", "blocks."),
        (r"(weights_[xy])\.Dense_0", r"\1.over_grid"),
        (r"(weights_[xy])\.Dense_1", r"\1.over_blocks"),
        (r"in_project", "project_in"),
        (r"out_project", "project_out"),
        (r"LayerNorm_in|LayerNorm(?!_)", "norm"),
        (r"LayerNorm_([xy])", r"norm_\1"),
        (r"ConvTranspose_0", "enlarge"),
        (r"Conv_0", "conv_x"),
        (r"Conv_1", "conv_y"),
    )
)


def own_name(path: str) -> str:
    """Return the module in `MaximNetwork` for the path of one in the authors' program."""
    ratio = re.fullmatch(r"UpSampleRatio_(\d+)/Conv_0", path)
    if ratio:
        stage, place = divmod(int(ratio[1]), _RATIOS)
        which, place = divmod(place, _LEVELS * _LEVELS)
        level, number = divmod(place, _LEVELS)
        room = ("encoded", "skipped")[which]
        return f"stages.{stage}.{room}.{_LEVELS - 1 - level}.{number}.conv"
    for pattern, own in _RENAMED:
        path = pattern.sub(own, path)
    return path


def state_dict(model: Mapping[str, Any], read: Callable[[str], bytes]) -> dict[str, Tensor]:
    """Return the weights of a MAXIM that was written for TensorFlow.js, by our names.

    Args:
        model: `model.json`.
        read: Gives the bytes of a file that it names.

    Raises:
        WeightsError: If two constants claim one place.
    """
    held = {name: value for name, value in constants(model, read).items() if value.ndim > 0}
    state: dict[str, Tensor] = {}
    for operation, path, name in used_by(model, held):
        found = _use(operation, path)
        if found is None:
            continue
        module, part, axes = found
        key, value = f"{own_name(module)}.{part}", held[name]
        if key in state:
            raise WeightsError(f"expected one constant for {key}, got two; use the published model")
        state[key] = (value.flatten() if axes is None else value.permute(axes)).contiguous()
    return state


def _use(operation: str, path: str) -> tuple[str, str, tuple[int, ...] | None] | None:
    """Return module, part and order of axes of what an operation uses; None if no weight is."""
    _, _, inner = path.partition(_ROOT)
    for kind, ending, part, axes in _USES:
        match = ending.search(inner)
        if operation == kind and match:
            return inner[: match.start()], part, axes
    return None
