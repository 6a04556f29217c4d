"""Plugins and a whole pipeline on another device: a stand-in always, a graphics card where one is.

The stand-in computes on the CPU and refuses to mix devices, as a card does: it shows what would
break there, and nothing of how a card rounds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

ROOT = Path(__file__).parents[2]
BEGIN = """
import json, sys
sys.path[:0] = [{tests!r}, {benchmarks!r}]
import torch
from second_device import NAME, Elsewhere, SecondDevice, make_it_known
make_it_known()
"""
PROMISES = """
def refused(call):
    try:
        call()
    except RuntimeError as error:
        return "device" in str(error) or "not supported" in str(error)
    return False

with SecondDevice():
    there, here = torch.rand(3, 4).to(NAME), torch.rand(3, 4)
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2)).eval()
    images = torch.rand(2, 1, 5, 5).requires_grad_()
    expected = net(images)
    (slope,) = torch.autograd.grad(expected.square().sum(), images)
    answer = net.to(NAME)(images.to(NAME))
    (other,) = torch.autograd.grad(answer.square().sum(), images)
    print(json.dumps({
        "says": there.device.type == NAME and there.cpu().device.type == "cpu",
        "mixed": refused(lambda: there + here),
        "numpy": refused(there.numpy),
        "generator": refused(lambda: there.normal_(generator=torch.Generator())),
        "scalar": float((there * torch.tensor(2.0)).sum()) > 0,
        "index": there[torch.tensor([0, 2])].shape[0] == 2,
        "refused index": refused(lambda: here[torch.tensor([0]).to(NAME)]),
        "same": torch.equal(answer.detach().cpu(), expected) and torch.equal(other, slope),
    }))
"""
KIT = """
import adversity.testing.common.every_plugin as every_plugin
from adversity.registry import discover
from adversity.registry.entry import class_of
from adversity.testing import check_plugin

every_plugin.second_device = lambda: NAME
found = {}
with SecondDevice():
    for kind, name in NAMES:
        before = SecondDevice.made
        outcome = check_plugin(class_of(discover().get(kind, name)), only=["device"])
        found[name] = [{one.status for one in outcome.outcomes} == {"passed"}, SecondDevice.made - before]
print(json.dumps(found))
"""
WHOLE = """
import gpu
with SecondDevice():
    record = gpu.measure(NAME)
print(json.dumps({**record, "made": SecondDevice.made}))
"""
FEW = (
    ("degradation", "gaussian_noise"),
    ("restoration", "non_local_means"),
    ("classifier", "small_cnn"),
    ("uncertainty", "temperature_scaling"),
    ("metric", "ssim"),
)
"""One of each kind that computes where the run says."""
MORE = (
    ("degradation", "downsample"),
    ("degradation", "gaussian_blur"),
    ("degradation", "low_light"),
    ("restoration", "bicubic"),
    ("restoration", "ffdnet"),
    ("restoration", "lime"),
    ("classifier", "efficientnet_lite0"),
    ("classifier", "exported_program"),
    ("classifier", "onnx"),
    ("classifier", "torchvision"),
    ("uncertainty", "conformal"),
    ("uncertainty", "deep_ensemble"),
    ("metric", "noise_level"),
    ("metric", "psnr"),
)
"""Not attacks, which compute on the CPU and ask a victim elsewhere; nor TorchScript, whose interpreter takes no such stand-in for a tensor."""


def child(program: str) -> Any:
    """Run a program in a process of its own: torch forgets no device that it was told of."""
    begin = BEGIN.format(tests=str(ROOT / "tests"), benchmarks=str(ROOT / "benchmarks"))
    done = subprocess.run(
        [sys.executable, "-c", begin + program],
        env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_the_stand_in_refuses_what_a_card_refuses() -> None:
    """Mixed devices, NumPy's view and a generator of the CPU are refused; the rest computes."""
    found = child(PROMISES)
    assert found == dict.fromkeys(found, True)


@pytest.mark.parametrize("names", [FEW, pytest.param(MORE, marks=pytest.mark.slow)])
def test_plugins_compute_where_they_are_told(names: tuple[tuple[str, str], ...]) -> None:
    """The kit's check of a second device passes there, and something was computed there."""
    found = child(KIT.replace("NAMES", repr(names)))
    assert found.keys() == {name for _, name in names}
    assert all(passed for passed, _ in found.values()), found
    assert all(made for _, made in found.values()), found


@pytest.mark.slow
def test_the_shipped_pipeline_runs_on_another_device() -> None:
    """Fit, degradation, restoration, classifier, calibrator, metrics, attack: to the same bit."""
    found = child(WHOLE)
    assert found["largest_logit_gap"] == found["fit_gap"] == 0.0
    assert set(found["flipped"].values()) == {0}
    assert found["steps"]["attacked"]["images"] == 0.0
    assert found["made"] > 1000


@pytest.mark.slow
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no graphics card here")
def test_a_graphics_card_agrees_with_the_cpu() -> None:
    """Logits of classifiers agree to 1e-5 of the largest; flipped verdicts are counted."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "gpu.py"), "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["agrees"]
