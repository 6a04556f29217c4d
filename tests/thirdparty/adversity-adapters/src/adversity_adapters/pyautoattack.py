"""AutoAttack as packaged by pyautoattack (the code of F. Croce and M. Hein)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from adversity_adapters.attacking import PeerAttack

if TYPE_CHECKING:
    from torch import Tensor

    from adversity_adapters.victim_network import VictimNetwork


class PyautoattackAPGD(PeerAttack):
    """APGD with the cross-entropy, AutoAttack's first part, in linf, l2 or l1."""

    name: ClassVar[str] = "pyautoattack_apgd"
    reference: ClassVar[str] = (
        "Croce, Hein, Reliable evaluation of adversarial robustness with an ensemble of diverse "
        "parameter-free attacks, 2020"
    )
    stochastic: ClassVar[bool] = True

    norm: Literal["linf", "l2", "l1"] = "linf"
    eps: float = Field(gt=0)
    steps: int = Field(default=20, ge=1)
    restarts: int = Field(default=1, ge=1)

    def run(self, network: VictimNetwork, images: Tensor, labels: Tensor, seed: int) -> Tensor:
        """Return the images of `run_standard_evaluation`; it takes a seed."""
        from pyautoattack import AutoAttack

        attack = AutoAttack(
            network,
            norm={"linf": "Linf", "l2": "L2", "l1": "L1"}[self.norm],
            eps=self.eps,
            seed=seed,
            version="custom",
            attacks=["apgd-ce"],
            device=images.device,
        )
        attack.apgd.n_restarts, attack.apgd.n_iter = self.restarts, self.steps
        return attack.run_standard_evaluation(images, labels, batch_size=len(images))[0]


PLUGINS = (PyautoattackAPGD,)
