"""The networks of a plugin, and what of one others must leave as they found it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

__all__ = ["found_state", "networks_of"]


def networks_of(plugin: Any) -> list[Any]:
    """Return the networks on a plugin's own attributes, also in lists and dicts."""
    from torch import nn

    networks: list[Any] = []
    waiting = list((plugin.__pydantic_private__ or {}).values())
    while waiting:
        value = waiting.pop()
        if isinstance(value, nn.Module):
            networks.append(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list | tuple):
            waiting.extend(value)
    return networks


def found_state(network: nn.Module) -> dict[str, Any]:
    """Return everything of a network that others must leave alone, by what to call it."""
    import torch

    return {
        "mode": [part.training for part in network.modules()],
        "hooks": [
            len(part._forward_hooks) + len(part._forward_pre_hooks) + len(part._backward_hooks)
            for part in network.modules()
        ],
        "requires_grad": [weight.requires_grad for weight in network.parameters()],
        "gradients": [weight.grad is not None for weight in network.parameters()],
        # As bytes: NumPy has no bfloat16, and a NaN is the NaN that it was.
        "weights and buffers": {
            name: value.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes()
            for name, value in network.state_dict().items()
        },
    }
