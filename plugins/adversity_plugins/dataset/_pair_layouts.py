"""Layouts in which data sets of degraded images are published, as rules of names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["LAYOUTS", "Layout", "LayoutName"]

LayoutName = Literal[
    "reside_its",
    "reside_ots",
    "reside_sots_indoor",
    "reside_sots_outdoor",
    "lol",
    "gopro",
    "gopro_gamma",
    "raindrop",
    "input_target",
    "sr_x2",
    "sr_x3",
    "sr_x4",
    "self_ex_sr",
    "images",
]


@dataclass(frozen=True, slots=True)
class Layout:
    """A published layout.

    Attributes:
        rules: Pairs of rules, tried in turn: of the degraded image and of its clean partner, or
            of several places in which that may lie; none for images without partners. The last
            rules are those of a part, so that `path` may name it.
        source: Who published it so, for the report.
    """

    rules: tuple[tuple[str, tuple[str, ...]], ...]
    source: str


_RESIDE = "RESIDE (Li et al., Benchmarking single-image dehazing and beyond, 2019)"
_CLEAR = ("clear/{scene}", "gt/{scene}")


def _both(prefix: str, degraded: str, *clean: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the rules of the whole set and those of one of its parts."""
    return (
        (prefix + degraded, tuple(prefix + one for one in clean)),
        (degraded, clean),
    )


LAYOUTS: dict[LayoutName, Layout] = {
    "reside_its": Layout((("hazy/{scene}_{haze}", _CLEAR),), _RESIDE),
    "reside_ots": Layout((("hazy/{scene}_{airlight}_{beta}", _CLEAR),), _RESIDE),
    "reside_sots_indoor": Layout((("hazy/{scene}_{haze}", _CLEAR),), _RESIDE),
    "reside_sots_outdoor": Layout((("hazy/{scene}_{airlight}_{beta}", _CLEAR),), _RESIDE),
    "lol": Layout(
        _both("{part}/", "low/{image}", "high/{image}"),
        "LOL (Wei et al., Deep Retinex decomposition for low-light enhancement, 2018)",
    ),
    "gopro": Layout(
        _both("{part}/", "{group}/blur/{frame}", "{group}/sharp/{frame}"),
        "GoPro (Nah et al., Deep multi-scale convolutional neural network for dynamic scene "
        "deblurring, 2017)",
    ),
    "gopro_gamma": Layout(
        _both("{part}/", "{group}/blur_gamma/{frame}", "{group}/sharp/{frame}"),
        "GoPro (Nah et al., Deep multi-scale convolutional neural network for dynamic scene "
        "deblurring, 2017)",
    ),
    "raindrop": Layout(
        _both("{part}/", "data/{image}_rain", "gt/{image}_clean"),
        "Raindrop (Qian et al., Attentive generative adversarial network for raindrop removal from "
        "a single image, 2018)",
    ),
    "input_target": Layout(
        _both("{part}/", "input/{image}", "target/{image}"),
        "input and target, as Zamir et al., Multi-stage progressive image restoration, 2021, "
        "collect sets of rain, blur and noise",
    ),
    "sr_x2": Layout(
        (("LR_bicubic/X2/{image}x2", ("HR/{image}",)),),
        "the benchmark sets of super-resolution (Lim et al., Enhanced deep residual networks, 2017)",
    ),
    "sr_x3": Layout(
        (("LR_bicubic/X3/{image}x3", ("HR/{image}",)),),
        "the benchmark sets of super-resolution (Lim et al., Enhanced deep residual networks, 2017)",
    ),
    "sr_x4": Layout(
        (("LR_bicubic/X4/{image}x4", ("HR/{image}",)),),
        "the benchmark sets of super-resolution (Lim et al., Enhanced deep residual networks, 2017)",
    ),
    "self_ex_sr": Layout(
        (
            (
                "image_SRF_{scale}/{image}_SRF_{scale}_LR",
                ("image_SRF_{scale}/{image}_SRF_{scale}_HR",),
            ),
            ("{image}_SRF_{scale}_LR", ("{image}_SRF_{scale}_HR",)),
        ),
        "Set5, Set14, BSD100 and Urban100 of Huang et al., Single image super-resolution from "
        "transformed self-exemplars, 2015",
    ),
    "images": Layout((("{image}", ()),), "images of one folder"),
}
"""Each by its name; where a value stands in a file's name, its meaning is that of the paper."""
