"""Do 90 % sets keep 90 % when images are corrupted, plain and weighted, and is it said if not?

A small network learns digits. Half of 886 others are held out clean, with labels; the other half
is corrupted, without, and judged. Shown are means over ten such halves, so that a figure is within
0.01 of what these digits give; other digits and another network give others. Eight minutes on a
busy core, most of it for corruptions.
"""

from __future__ import annotations

import argparse
import json

import numpy as np
import torch

import adversity
from adversity.metrics import accuracy

CORRUPTIONS = [
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "speckle_noise",
    "defocus_blur",
    "glass_blur",
    "motion_blur",
    "zoom_blur",
    "gaussian_blur",
    "snow",
    "fog",
    "brightness",
    "contrast",
    "elastic_transform",
    "pixelate",
    "jpeg_compression",
    "spatter",
]
"""Those of ImageNet-C that grey images can have, but for frost, whose textures are downloaded."""
ALPHA, HALVES, APART = 0.1, 10, 0.75


def digits(*splits: str, limit: int | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """Return images `[N, 1, 32, 32]` and labels of some splits."""
    images, labels = [], []
    for split in splits:
        data = adversity.create("dataset", "digits", split=split, limit=limit)
        for sample in map(data.item, range(len(data))):
            images.append(torch.from_numpy(sample.image)[None])
            labels.append(sample.target)
    return torch.stack(images).float(), torch.tensor(labels)


def coverage(clean: torch.Tensor, worse: torch.Tensor, labels: torch.Tensor, halves: int) -> dict:
    """Return what sets of corrupted images hold, by the plain method and the weighted one.

    Args:
        clean: Logits `[N, K]` of the images as they are.
        worse: Those of the corrupted ones.
        labels: `[N]`.
        halves: How many ways of cutting them in two.
    """
    rows = []
    for seed in range(halves):
        order = torch.from_numpy(np.random.default_rng(seed).permutation(len(labels)))
        held, test = order[: len(order) // 2], order[len(order) // 2 :]
        plain = adversity.create("uncertainty", "conformal", alpha=ALPHA)
        weighted = adversity.create("uncertainty", "weighted_conformal", alpha=ALPHA)
        plain = plain.fit(clean[held], labels[held])
        weighted = weighted.fit(clean[held], labels[held], sources={"unlabelled": (worse[test],)})
        row = {"accuracy": accuracy(worse[test].softmax(1), labels[test]).value}
        for name, method in (("plain", plain), ("weighted", weighted)):
            sets = method(worse[test])
            row[name] = float(sets.gather(1, labels[test][:, None]).double().mean())
            row[f"{name} size"] = float(sets.sum(1).double().mean())
        info = weighted.ready.state.info
        rows.append(row | {"worth": info["effective_n"], "told apart": info["told_apart"]})
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--quick", action="store_true", help="seconds; no figure counts")
    parser.add_argument("--seed", type=int, default=0, help="of the network and the corruptions")
    given = parser.parse_args()
    torch.set_num_threads(1)
    quick = {"limit": 200} if given.quick else {}
    net = adversity.create("classifier", "small_cnn", seed=given.seed)
    net = net.fit(*digits("train", **quick))
    images, labels = digits("calibration", "test", **quick)
    names, severities = (CORRUPTIONS[:2], (5,)) if given.quick else (CORRUPTIONS, (1, 2, 3, 4, 5))
    clean, halves = net(images), 2 if given.quick else HALVES
    found = {"clean": coverage(clean, clean, labels, halves)}
    for name in names:
        for severity in severities:
            worse = adversity.create("degradation", name, severity=severity)
            logits = net(worse(images, seed=given.seed).clamp(0, 1))
            found[f"{name} {severity}"] = coverage(clean, logits, labels, halves)
    if given.json:
        print(json.dumps({"quick": given.quick, "seed": given.seed, "cells": found}))
        return
    for cell, row in found.items():
        said = "cannot" if row["told apart"] > APART else ""
        print(f"{cell:22}", *(f"{name} {value:.3f}" for name, value in row.items()), said)
    for said in (False, True):
        rows = [row for row in found.values() if (row["told apart"] > APART) is said]
        for name in ("plain", "weighted"):
            shares = [row[name] for row in rows]
            near = sum(0.89 <= share <= 0.91 for share in shares)
            low = sum(share < 0.89 for share in shares)
            which = "says that it cannot" if said else "says nothing"
            print(
                f"{which}: {len(rows)} cells, {name} {min(shares, default=0):.3f} to "
                f"{max(shares, default=0):.3f}, {near} within 0.89 to 0.91, {low} below"
            )


if __name__ == "__main__":
    main()
