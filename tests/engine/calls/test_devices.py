"""Who moves tensors between devices (the core does), what is set up there, and absent devices."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import torch
from torch import Tensor

import adversity
from adversity import Degradation, ImageMetric, PostHoc, ProjectFile, Restoration, Score
from adversity.contracts import Degraded, Predictive
from adversity.engine.calls.device import whole_float32
from adversity.engine.calls.ready import Ready
from adversity.engine.calls.set_up import device_of
from adversity.engine.chain.links import Link
from adversity.engine.chain.target import ChainTarget
from adversity.engine.set_up.toolbox import Toolbox
from adversity.engine.set_up.workspace import Workspace
from adversity.engine.stages.table_stage import TableRun
from adversity.errors import InputError, ParameterError
from adversity.registry import Entry
from adversity.seeding import SampleRng
from adversity.testing.kinds.degradation import DegradationBench
from adversity.testing.kinds.restoration import RestorationBench
from adversity.testing.kinds.uncertainty import PostHocBench

if TYPE_CHECKING:
    from pathlib import Path

THERE = "elsewhere"


class Elsewhere(Tensor):
    """A tensor that plays another device: it refuses to meet one that is not there."""

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is Tensor.cpu:
            return args[0].as_subclass(Tensor)
        # As torch: a single number may lie on the CPU.
        if any(type(value) is Tensor and value.ndim for value in (*args, *(kwargs or {}).values())):
            raise RuntimeError("expected all tensors to be on the same device")
        return super().__torch_function__(func, types, args, kwargs)


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `.to("elsewhere")` and `as_tensor(device="elsewhere")` work."""
    to, as_tensor = Tensor.to, torch.as_tensor

    def moved(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if args and args[0] in (THERE, "there"):
            return self.as_subclass(Elsewhere)
        return to(self, *args, **kwargs)

    def made(data: Any, *, device: Any = None, **kwargs: Any) -> Tensor:
        return as_tensor(data, **kwargs)

    monkeypatch.setattr(Tensor, "to", moved)
    monkeypatch.setattr(torch, "as_tensor", made)
    monkeypatch.setattr(Elsewhere, "device", "there", raising=False)


def _there(*values: Tensor) -> None:
    for value in values:
        assert isinstance(value, Elsewhere)


class Shades(Degradation):
    """Darken by a mask that it tells."""

    name = "shades"

    def degrade(self, images: Tensor, rng: Any) -> Degraded:
        _there(images)
        mask = torch.ones_like(images[:, :1]) * 0.5
        return Degraded(images * mask, {"mask": mask})


class Lightens(Restoration):
    """Divide by the mask."""

    name = "lightens"
    needs = ("mask",)
    differentiable = True

    def restore(self, images: Tensor, **needs: Tensor) -> Tensor:
        _there(images, needs["mask"])
        return (images / needs["mask"]).clamp(0, 1)


class Flattens(PostHoc):
    """Softmax with a temperature that lies there."""

    name = "flattens"

    def calibrate(self, logits: Tensor) -> Tensor:
        _there(logits)
        return (logits / 2).softmax(1)


class Doubts(Score):
    """One minus the largest probability."""

    name = "doubts"

    def score(self, predictive: Predictive) -> Tensor:
        assert predictive.probs is not None
        _there(predictive.probs, predictive.scores["other"])
        return 1 - predictive.probs.amax(1)


class Differs(ImageMetric):
    """The mean error, on weights that `setup` puts there."""

    name = "differs"
    produces = ("differs",)
    block_rows = 4

    _weights: Any = None
    scale: ProjectFile | None = None

    def setup(self, device: str) -> None:
        super().setup(device)
        assert self._weights is None, "set up twice"
        self._weights = torch.ones(3, 1, 1).to(device)

    def measure(self, images: Tensor, reference: Tensor) -> Tensor:
        return ((images - reference) * self._weights).flatten(1).double().mean(1)

    def convention(self) -> dict[str, object]:
        return {}


def _ready(plugin: Any) -> Ready:
    plugin.setup(THERE)
    return Ready(plugin, f'{plugin.kind} "{plugin.name}" (test)', THERE)


def test_the_core_moves_what_every_kind_gets_and_gives(images: Tensor, ids: Any) -> None:
    """Images, needs, logits, predictions and references go there; every answer comes back."""
    shaded = _ready(Shades()).call.degraded(images, SampleRng(seed=0, step="s", ids=ids))
    lit = _ready(Lightens()).call.answer(shaded.images, shaded.side, ids).images
    assert torch.equal(lit, images)
    logits = images.flatten(1)[:, :4]
    probs = _ready(Flattens()).call(logits, ids)
    assert torch.equal(probs, (logits / 2).softmax(1))
    given = Predictive(probs.double(), scores={"other": logits[:, 0]})
    doubt = _ready(Doubts()).call(given, ids)
    assert torch.equal(doubt, 1 - probs.double().amax(1))
    error = _ready(Differs()).call(lit, images, ids)
    assert error.tolist() == [0.0] * len(images)
    for value in (shaded.images, shaded.side["mask"], lit, probs, doubt, error):
        assert type(value) is Tensor


def test_a_gradient_passes_over_the_devices(plugins: Any, images: Tensor, ids: Any) -> None:
    """In the traced chain needs and logits are moved as well, and the gradient comes back."""
    links = [Link("light", _ready(Lightens())), Link("net", plugins["net"])]
    links.append(Link("calm", _ready(Flattens())))
    side = {"mask": torch.full((len(images), 1, 6, 6), 0.5)}
    point = (images / 2).requires_grad_()
    (found,) = torch.autograd.grad(
        ChainTarget(links, ids=ids, side=side).logits(point)[:, 0].sum(), point
    )
    assert type(found) is Tensor
    assert bool((found != 0).any())


class Guesses(Lightens):
    """Divide by a mask that it makes on the CPU, with half of it as stand-in."""

    name = "guesses"
    differentiable = False

    def estimate(self, images: Tensor) -> dict[str, Tensor]:
        _there(images)
        return {"mask": torch.full((len(images), 1, *images.shape[2:]), 0.5)}

    def surrogate(self, images: Tensor) -> Tensor:
        _there(images)
        return images * torch.tensor(2.0)


class Hazes(Degradation):
    """Go there with what it is set up with, at every severity."""

    name = "hazes"
    levels: ClassVar = {"share": (0.1, 0.2, 0.3, 0.4, 0.5)}
    share: float | None = None

    def degrade(self, images: Tensor, rng: Any) -> Tensor:
        _there(images)
        return images * (1 - self.level("share"))


def test_what_a_restoration_estimates_is_moved(images: Tensor, ids: Any) -> None:
    """An estimate may lie anywhere: it is brought to the images before `restore` gets it."""
    lit = _ready(Guesses()).call.answer(images / 2, {}, ids)
    assert torch.equal(lit.images, images)
    assert lit.origin == {"mask": "estimate"}


def test_the_kit_moves_as_the_engine_does(images: Tensor) -> None:
    """Calibrators, stand-ins, and degradations at another severity compute there, too."""
    logits = images.flatten(1)[:, :4]
    probs = PostHocBench(Flattens, {}, is_example=True, device=THERE).traced(logits)
    assert torch.allclose(probs, (logits / 2).softmax(1), rtol=0, atol=1e-6)
    guesses = RestorationBench(Guesses, {}, is_example=True, device=THERE)
    found = guesses.ready.call.stand_in(images / 2, images)
    assert torch.equal(found, images)
    assert DegradationBench(Hazes, {}, is_example=True, device=THERE).at_severity(5).device == THERE
    for value in (probs, found):
        assert type(value) is Tensor


def _toolbox(metric: Any, root: Path, device: str = "cpu") -> Toolbox:
    plan: Any = SimpleNamespace(
        metrics=(metric,), spec=SimpleNamespace(run=SimpleNamespace(device=device))
    )
    return Toolbox(plan, Workspace(root, root, root / "store"))


def test_metrics_are_set_up_once_and_with_the_project(
    images: Tensor, ids: Any, tmp_path: Path
) -> None:
    """A run measures with a metric that was set up; the plan's own object is left as it was."""
    given = Differs(scale="scale")
    (tmp_path / "scale").write_text("1")
    toolbox = _toolbox(given, tmp_path)
    stage: Any = SimpleNamespace(toolbox=toolbox)
    current: Any = SimpleNamespace(images=images, clean=images * 0.5, ids=ids, comparable=True)
    for _ in range(2):
        columns = TableRun.image_columns(stage, current)
    expected = (images * 0.5).flatten(1).double().mean(1)
    assert torch.allclose(torch.from_numpy(columns["differs"]), expected)
    assert toolbox.metrics()[0].plugin.scale.path == tmp_path / "scale"
    assert given._weights is None


def test_a_metric_from_python_is_set_up(monkeypatch: pytest.MonkeyPatch, images: Tensor) -> None:
    """`adversity.create("metric", ...)` can be called at once."""
    entry = Entry("metric", "differs", Differs, "tests", "1.0", Differs.api)
    registry = SimpleNamespace(get=lambda kind, name: entry)
    monkeypatch.setattr("adversity.engine.public.create.discover", lambda: registry)
    made = adversity.create("metric", "differs")
    assert made(images, images).tolist() == [0.0] * len(images)


@pytest.mark.parametrize(
    ("plugin", "device"), [(Differs(), "cpu"), (Doubts(), "cpu"), (Flattens(), "mps:0")]
)
def test_what_computes_in_float64_stays_off_mps(plugin: Any, device: str) -> None:
    """MPS has no float64: metrics and scores stay on the CPU there, and nowhere else."""
    assert device_of(plugin, "mps:0") == device
    assert device_of(plugin, "cuda:1") == "cuda:1"


def test_an_absent_device_is_named_before_anything_is_computed(tmp_path: Path) -> None:
    """From Python, with the plugin; in a run, with the file and before its data are looked for."""
    with pytest.raises(ParameterError, match=r"no device 'xpu:9' on this machine .*write cpu"):
        adversity.create("restoration", "lime", device="xpu:9")
    (tmp_path / "p.yaml").write_text(
        "name: p\ndata:\n  a: {uses: dataset/digits, with: {split: train}}\n"
        "  b: {uses: dataset/digits, with: {split: test}}\nsteps:\n"
        "  net: {uses: classifier/small_cnn, fit_on: a}\n  told: {uses: net, from: b}\n"
        "run: {device: 'xpu:9'}\n"
    )
    with pytest.raises(InputError, match=r"p.yaml: run.device: there is no device 'xpu:9'"):
        adversity.run("p.yaml", into=tmp_path / "out", root=tmp_path)


def test_cards_compute_with_whole_float32():
    """A run on a card switches TF32 off; a run on the CPU leaves the process as it is.

    PyTorch leaves it on for convolutions, and a factor of ten binary digits is 5e-4 off.
    """
    flags = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [place.allow_tf32 for place in flags]
    try:
        for place in flags:
            place.allow_tf32 = True
        whole_float32("cpu")
        assert all(place.allow_tf32 for place in flags)
        whole_float32("cuda:1")
        assert not any(place.allow_tf32 for place in flags)
    finally:
        for place, value in zip(flags, before, strict=True):
            place.allow_tf32 = value
