"""What of a network others must leave as they found it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

__all__ = ["found_state"]


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
