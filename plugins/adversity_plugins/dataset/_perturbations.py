"""The perturbations of ImageNet-P and CIFAR-P, as parameters name them."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = ["PERTURBATIONS", "Perturbation"]

Perturbation = Literal[
    "gaussian_noise",
    "shot_noise",
    "motion_blur",
    "zoom_blur",
    "spatter",
    "brightness",
    "translate",
    "rotate",
    "tilt",
    "scale",
    "speckle_noise",
    "gaussian_blur",
    "snow",
    "shear",
    "gaussian_noise_2",
    "gaussian_noise_3",
    "shot_noise_2",
    "shot_noise_3",
    "speckle_noise_2",
    "speckle_noise_3",
]
PERTURBATIONS: tuple[Perturbation, ...] = get_args(Perturbation)[:10]
"""Those of the benchmark, that means are over."""
