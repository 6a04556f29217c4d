"""Fitting in a pipeline: on images as on predictions, and with files of the project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

import adversity
from adversity import Degradation, Fitted, Plugin, ProjectFile, Restoration, State
from adversity.contracts import KINDS
from adversity.data.arrays import read_arrays
from adversity.data.tables import read_table
from adversity.registry import Entry, discover

if TYPE_CHECKING:
    from pathlib import Path


class Filed(Fitted, Restoration):
    """Read a number from a file of the project while it is set up, fitted or not."""

    name: ClassVar[str] = "filed"
    file: ProjectFile = ProjectFile("level.txt")
    _level: float = 0.0
    _learnt: float | None = None

    def setup(self, device: str) -> None:
        self._level = float(self.file.path.read_text())

    def fit(self, data: Any, rng: Any) -> State:
        return State({"level": np.array([self._level])})

    def load(self, state: State) -> None:
        self._learnt = float(state.arrays["level"][0])

    def restore(self, images: Any, **needs: Any) -> Any:
        assert self._learnt is not None
        return torch.full_like(images, (self._learnt + self._level) / 2)


class Weighs(Fitted, Restoration):
    """Write down what is said of the images it is fitted on."""

    name: ClassVar[str] = "weighs"

    def fit(self, data: Any, rng: Any) -> State:
        blocks = list(data)
        kernels = [block.side["kernel"].numpy() for block in blocks]
        sigma = np.concatenate([block.side["sigma"].numpy() for block in blocks])
        return State({"sigma": sigma, "kernels": np.concatenate(kernels)})

    def load(self, state: State) -> None:
        pass

    def restore(self, images: Any, **needs: Any) -> Any:
        return images.clone()


class Holder(Degradation):
    """Hand images to another plugin."""

    name: ClassVar[str] = "holder"
    inner: Plugin[Restoration]

    def degrade(self, images: Any, rng: Any) -> Any:
        return self.inner(images, {})


class _Registry:
    kinds = KINDS

    def __init__(self) -> None:
        self._own = {cls.name: cls for cls in (Filed, Holder, Weighs)}

    def entries(self, kind: str | None = None) -> Any:
        return discover().entries(kind)

    def get(self, kind: str, name: str) -> Entry:
        cls = self._own.get(name)
        return discover().get(kind, name) if cls is None else Entry(kind, name, cls, "t", "1", 1)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bright and dark noise that overlap: 60 images to learn, 120 to calibrate, 40 to judge."""
    root = tmp_path_factory.mktemp("fitting")
    rng = np.random.default_rng(0)
    for name, count in (("train", 60), ("held", 120), ("test", 40)):
        for number in range(count):
            label = number % 2
            pixels = (rng.uniform(0.3, 0.7, (4, 4)) + 0.04 * (2 * label - 1)).clip(0, 1)
            place = root / "data" / name / "ab"[label]
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray((255 * pixels).astype(np.uint8)).save(place / f"{number:03d}.png")
    (root / "level.txt").write_text("0.25")
    (root / "pipelines").mkdir()
    return root


def run(root: Path, out: Path, monkeypatch: pytest.MonkeyPatch, steps: str, name: str = "p") -> Any:
    """Run these steps; return a function from a step to its table."""
    monkeypatch.setattr("adversity.registry.discover", _Registry)
    data = "".join(
        f"  {part}: {{uses: dataset/folder, with: {{path: data/{part}}}}}\n"
        for part in ("train", "held", "test")
    )
    file = root / f"pipelines/{name}.yaml"
    file.write_text(f"name: {name}\ndata:\n{data}steps:\n{steps}\n", encoding="utf-8")
    adversity.run(file, into=out, root=root)
    return lambda step: read_table(out / f"artifacts/{name}/{step}/table.parquet")


def best(logits: np.ndarray, labels: np.ndarray) -> float:
    """Minimise the likelihood loss over log T with SciPy, bounded."""

    def loss(t: float) -> float:
        return -log_softmax(logits / np.exp(t), axis=1)[np.arange(len(labels)), labels].mean()

    found = minimize_scalar(loss, bounds=(-8, 8), method="bounded", options={"xatol": 1e-10})
    return float(np.exp(found.x))


@pytest.mark.parametrize(
    ("net", "column"),
    [
        ("logistic_regression", "logits"),
        pytest.param("random_forest", "probs", marks=pytest.mark.slow),
    ],
)
def test_a_calibrator_stands_on_its_own_and_in_a_step(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, net: str, column: str
) -> None:
    """Defined once and used, it is the one fitted in its step: SciPy's optimum on the same rows.

    Of a classifier that gives probabilities the rows are log p, in fitting as in use.
    """
    table = run(
        root,
        tmp_path,
        monkeypatch,
        f"""
  net: {{uses: classifier/{net}, fit_on: train}}
  rows: {{uses: net, from: held}}
  clean: {{uses: net, from: test}}
  scaler: {{uses: uncertainty/temperature_scaling, fit_on: rows}}
  sure: {{uses: scaler, from: clean}}
  direct: {{uses: uncertainty/temperature_scaling, from: clean, fit_on: rows}}
  hit: {{uses: attack/random_noise, from: test, against: sure, with: {{eps: 1/255}}}}""",
    )
    sure, direct, rows, clean = (table(step) for step in ("sure", "direct", "rows", "clean"))
    assert np.array_equal(sure["probs"], direct["probs"])

    def logits(of: Any) -> np.ndarray:
        values = of[column]
        if column == "logits":
            return values.astype(np.float64)
        tiny = np.finfo(np.float32).tiny
        return np.log(np.maximum(values, tiny)).astype(np.float64)

    temperature = best(logits(rows), rows["target"])
    arrays, info = read_arrays(tmp_path / "artifacts/p/scaler/states/all.safetensors")
    assert info["n"] == 120
    # SciPy finds a minimum to the square root of float64; log p is float32 here.
    assert float(arrays["temperature"][0]) == pytest.approx(temperature, rel=1e-4)
    assert abs(temperature - 1) > 0.05
    expected = softmax(logits(clean) / temperature, axis=1)
    np.testing.assert_allclose(sure["probs"], expected, atol=1e-4)
    assert len(table("hit")["id"]) == 40


def test_a_file_of_the_project_reaches_a_plugin_when_it_is_fitted(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of the project is read in `setup`, for the fit, for its use and in parameters."""
    table = run(
        root,
        tmp_path,
        monkeypatch,
        """
  net: {uses: classifier/logistic_regression, fit_on: train}
  filed: {uses: restoration/filed, fit_on: held}
  lit: {uses: filed, from: test}
  clean: {uses: net, from: lit}
  held_in: {uses: degradation/holder, from: test, with: {inner: filed}}
  same: {uses: net, from: held_in}""",
        name="filed",
    )
    # 0.25 everywhere, whatever the image: one answer for all.
    assert len({row.tobytes() for row in table("clean")["logits"]}) == 1
    assert np.array_equal(table("clean")["logits"], table("same")["logits"])


def test_side_information_reaches_what_is_fitted(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of every image: ImageNet-C's sigma of severity 3, 0.18, and SciPy's Gaussian as kernel."""
    from scipy.ndimage import gaussian_filter

    run(
        root,
        tmp_path,
        monkeypatch,
        """
  net: {uses: classifier/logistic_regression, fit_on: train}
  soft: {uses: degradation/gaussian_blur, from: held, with: {sigma_px: 0.5}}
  noisy: {uses: degradation/gaussian_noise, from: soft, with: {severity: 3}}
  weighs: {uses: restoration/weighs, fit_on: noisy}
  same: {uses: weighs, from: test}
  clean: {uses: net, from: same}""",
        name="weighs",
    )
    arrays, _ = read_arrays(tmp_path / "artifacts/weighs/weighs/states/all.safetensors")
    np.testing.assert_allclose(arrays["sigma"], np.full(120, 0.18), rtol=1e-6)
    point = np.zeros((5, 5))
    point[2, 2] = 1
    expected = gaussian_filter(point, 0.5, truncate=4.0)
    assert arrays["kernels"].shape == (120, 1, 5, 5)
    for kernel in arrays["kernels"]:
        np.testing.assert_allclose(kernel[0], expected, atol=1e-6)
