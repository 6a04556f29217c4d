"""What fits and what judges share no image, by content, whatever names and options say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
from PIL import Image

import adversity
from adversity import Classifier, Dataset, Degradation, Fitted, Plugin, Restoration, Sample, State
from adversity.contracts import KINDS
from adversity.engine.public.open_stage import open_stage
from adversity.engine.set_up.toolbox import Toolbox
from adversity.engine.set_up.workspace import Workspace
from adversity.engine.stages.apart import found_apart
from adversity.errors import DataError, PipelineError
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline
from adversity.provenance import pixels_sha256
from adversity.registry import Entry, discover
from adversity.report.doubts.caveats import caveats

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Arrays(Dataset):
    """The PNG files of a folder, read in a way of its own and without an index."""

    name: ClassVar[str] = "arrays"
    path: str
    first: int = 0

    def location(self) -> str:
        return self.path

    def open(self, root: Path) -> None:
        super().open(root)
        self._files = sorted((root / self.path).rglob("*.png"))[self.first :]

    _files: Any = ()

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b")

    def __len__(self) -> int:
        return len(self._files)

    def item(self, index: int) -> Sample:
        file = self._files[index]
        pixels = np.asarray(Image.open(file).convert("RGB")).astype(np.float32) / np.float32(255)
        return Sample(pixels, ("a", "b").index(file.parent.name), f"n{index + self.first}")


class Lamp(Restoration, Fitted):
    """Shift images to the mean of those it was fitted on."""

    name: ClassVar[str] = "lamp"

    def fit(self, data: Any, rng: Any) -> State:
        return State({"mean": np.array([float(block.images.mean()) for block in data][:1])})

    def load(self, state: State) -> None:
        self._mean = float(state.arrays["mean"][0])

    _mean: float = 0.0

    def restore(self, images: Any, **needs: Any) -> Any:
        return (images + self._mean - images.mean()).clamp(0, 1)


class Around(Degradation):
    """Use another plugin, which may be fitted, and change nothing."""

    name: ClassVar[str] = "around"
    lamp: Plugin[Restoration]

    def degrade(self, images: Any, rng: Any) -> Any:
        return images


class Fixed(Classifier):
    """Bring weights from elsewhere."""

    name: ClassVar[str] = "fixed"

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b")

    def logits(self, images: Any) -> Any:
        return images.flatten(1)[:, :2]


class _Registry:
    kinds = KINDS

    def __init__(self) -> None:
        self._own = {cls.name: cls for cls in (Arrays, Lamp, Around, Fixed)}

    def entries(self, kind: str | None = None) -> Any:
        return discover().entries(kind)

    def get(self, kind: str, name: str) -> Entry:
        cls = self._own.get(name)
        return discover().get(kind, name) if cls is None else Entry(kind, name, cls, "t", "1", 1)


def _noise(folder: Path, seeds: range, name: Callable[[int], str], suffix: str = "png") -> None:
    for seed in seeds:
        pixels = np.random.default_rng(seed).integers(0, 256, (6, 6), dtype=np.uint8)
        place = folder / "ab"[np.random.default_rng(seed).integers(2)]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place / f"{name(seed)}.{suffix}")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise with random labels: `test` copies 8 of `train` under other names; `other` none."""
    root = tmp_path_factory.mktemp("apart")
    _noise(root / "data/train", range(40), lambda seed: f"x{seed:02d}")
    _noise(root / "data/other", range(100, 120), lambda seed: f"{seed:03d}")
    _noise(root / "data/tiff", range(40), lambda seed: f"t{seed:02d}", "tiff")
    _noise(root / "data/free", range(400, 412), lambda seed: f"f{seed}")
    _noise(root / "data/held", range(200, 310), lambda seed: f"h{seed}")
    files = sorted((root / "data/train").rglob("*.png"), key=lambda file: file.read_bytes()[-40:])
    for number, file in enumerate(files[:8]):
        place = root / "data/test/a"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number:02d}.png").write_bytes(file.read_bytes())
    _noise(root / "data/test", range(100, 112), lambda seed: f"own{seed}")
    (root / "pipelines").mkdir()
    return root


def plan_of(root: Path, data: str, steps: str) -> Any:
    """Return the plan of a file with these data sets and steps."""
    text = f"name: p\ndata:\n{data}\nsteps:\n{steps}\n"
    (root / "pipelines/p.yaml").write_text(text, encoding="utf-8")
    return make_plan(load_pipeline(root / "pipelines/p.yaml", root=root), _Registry())


def refusal(root: Path, out: Path, plan: Any, *, first: str | None = None) -> str:
    """Open the first stage, or another; return the refusal, or nothing."""
    stage = plan.stage(first) if first else plan.stages[0]
    try:
        open_stage(plan, stage, Workspace(root, out, out / "store"))
    except DataError as error:
        return str(error)
    return ""


NET = """
  net: {uses: classifier/nearest_neighbours, fit_on: train, with: {neighbours: 1}}
  clean: {uses: net, from: test}"""
FOLDER = "{uses: dataset/folder, with: {path: data/train%s}%s}"


def test_copies_under_other_names_are_refused_with_their_number(root: Path, tmp_path: Path) -> None:
    """Eight copies of files are found before anything is fitted; three of them are shown."""
    data = "  train: {uses: dataset/folder, with: {path: data/train}}\n"
    data += "  test: {uses: dataset/folder, with: {path: data/test}}"
    found = refusal(root, tmp_path, plan_of(root, data, NET))
    own = len(list((root / "data/test").rglob("*.png")))
    assert found.startswith(
        f"pipelines/p.yaml:8: clean would be judged on images that fitted net: 8 of the {own} "
        "images of test are among those of train, such as a/00.png ("
    )
    assert found.count(" there)") == 3
    for line in found.split("such as ")[1].split("; fit")[0].split(", "):
        mine, theirs = line.removesuffix(" there)").split(" (")
        assert (root / "data/test" / mine).read_bytes() == (
            root / "data/train" / theirs
        ).read_bytes()


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ("data/train/", ""),
        ("data/train, background: black", ""),
        ("data/train, classes: [b, a]", ""),
        ("data/train", ", prepare: {resize_short: 4}"),
        ("data/tiff", ""),
    ],
    ids=["slash", "background", "classes", "prepare", "another format"],
)
def test_other_settings_make_no_other_images(
    root: Path, tmp_path: Path, settings: str, where: str
) -> None:
    """One folder in other words, and its pixels in another lossless format, are the same images."""
    data = "  train: {uses: dataset/folder, with: {path: data/train}}\n"
    data += f"  test: {{uses: dataset/folder, with: {{path: {settings}}}{where}}}"
    try:
        found = refusal(root, tmp_path, plan_of(root, data, NET))
    except PipelineError as error:  # known while planning: the settings are equal
        found = str(error)
        assert "hold the same images" in found
    else:
        assert "40 of the 40 images of test are among those of train" in found
    assert "clean would be judged on images that fitted net" in found


def test_another_data_set_plugin_reads_the_same_images(root: Path, tmp_path: Path) -> None:
    """Colour in float32 from a plugin without an index is the grey file of the folder."""
    data = "  train: {uses: dataset/folder, with: {path: data/train}}\n"
    data += "  test: {uses: dataset/arrays, with: {path: data/tiff/../train, first: 37}}"
    found = refusal(root, tmp_path, plan_of(root, data, NET))
    assert "3 of the 3 images of test are among those of train" in found


@pytest.mark.parametrize("judged", ["split: all", "split: train, limit: 60"])
def test_splits_that_overlap_are_refused(root: Path, tmp_path: Path, judged: str) -> None:
    """Digits: a part of a split is no other split, and `all` holds every one."""
    data = "  train: {uses: dataset/digits, with: {split: train, limit: 120}}\n"
    data += f"  test: {{uses: dataset/digits, with: {{{judged}}}}}"
    plan = plan_of(root, data, NET)
    stage = plan.stages[0]
    stage_run = open_stage(plan, stage, Workspace(root, tmp_path, tmp_path / "store"))
    stage_run.finish(tmp_path / stage.out)
    shared = "120 of the 1797" if "all" in judged else "60 of the 60"
    assert f"{shared} images of test are among those of train" in refusal(
        root, tmp_path, plan, first="net"
    )


OTHER = """  train: {uses: dataset/folder, with: {path: data/train}}
  test: {uses: dataset/folder, with: {path: data/test}}
  other: {uses: dataset/folder, with: {path: data/other}}
  held: {uses: dataset/folder, with: {path: data/held}}"""
CHAINS = {
    "a fitted restoration on the way": (
        """
  lamp: {uses: restoration/lamp, fit_on: train}
  net: {uses: classifier/logistic_regression, fit_on: held}
  lit: {uses: lamp, from: test}
  clean: {uses: net, from: lit}""",
        "clean would be judged on images that fitted lamp: 8 of",
    ),
    "a plugin in a degradation's parameters": (
        """
  lamp: {uses: restoration/lamp, fit_on: train}
  net: {uses: classifier/logistic_regression, fit_on: held}
  worse: {uses: degradation/around, from: test, with: {lamp: lamp}}
  clean: {uses: net, from: worse}""",
        "clean would be judged on images that fitted lamp: 8 of",
    ),
    "what the training images went through": (
        """
  lamp: {uses: restoration/lamp, fit_on: train}
  lit: {uses: lamp, from: held}
  net: {uses: classifier/logistic_regression, fit_on: lit}
  clean: {uses: net, from: test}""",
        "clean would be judged on images that fitted lamp: 8 of",
    ),
    "the victim of an attack": (
        """
  net: {uses: classifier/logistic_regression, fit_on: train}
  clean: {uses: net, from: test}
  hit: {uses: attack/fgsm, from: test, against: clean, with: {eps: 1/255}}""",
        "clean, hit would be judged on images that fitted net: 8 of",
    ),
    "a network in an attack's parameters": (
        """
  eyes: {uses: classifier/logistic_regression, fit_on: train}
  net: {uses: classifier/logistic_regression, fit_on: held}
  clean: {uses: net, from: test}
  hit: {uses: attack/feature_space, from: test, against: clean, with: {network: eyes, eps: 0.1}}""",
        "hit would be judged on images that fitted eyes: 8 of",
    ),
    "a calibrator": (
        """
  net: {uses: classifier/logistic_regression, fit_on: held}
  rows: {uses: net, from: train}
  clean: {uses: net, from: test}
  sure: {uses: uncertainty/temperature_scaling, from: clean, fit_on: rows}""",
        "sure would be judged on images that fitted sure: 8 of",
    ),
    "a calibrator's rows": (
        """
  net: {uses: classifier/logistic_regression, fit_on: train}
  rows: {uses: net, from: test}
  clean: {uses: net, from: other}
  sure: {uses: uncertainty/temperature_scaling, from: clean, fit_on: rows}""",
        "rows would be judged on images that fitted net: 8 of",
    ),
}


@pytest.mark.parametrize("case", CHAINS)
def test_whatever_was_fitted_on_the_way_counts(root: Path, tmp_path: Path, case: str) -> None:
    """The first stage refuses for all that comes after it, whatever part was fitted."""
    steps, expected = CHAINS[case]
    plan = plan_of(root, OTHER, steps)
    assert expected in refusal(root, tmp_path, plan)
    clean = plan_of(root, OTHER.replace("path: data/test", "path: data/free"), steps)
    assert refusal(root, tmp_path, clean) == ""


def test_pixels_are_known_by_what_they_show() -> None:
    """Types and equal channels change nothing; one level, one place or another shape does."""
    grey = np.random.default_rng(0).integers(0, 256, (5, 7), dtype=np.uint8)
    colour = np.stack([grey] * 3, axis=2)
    same = [grey[:, :, None], colour, grey / np.float32(255), colour / np.float32(255)]
    same.append((grey.astype(np.float32) * 257) / np.float32(65535))  # 16 bits with the same values
    assert {pixels_sha256(image) for image in same} == {pixels_sha256(grey)}
    other = grey.copy()
    other[2, 3] ^= 1
    deep = grey / np.float32(255)
    deep[2, 3] = np.nextafter(deep[2, 3], np.float32(2))
    tinted = colour.copy()
    tinted[4, 6, 2] ^= 1
    different = [other, deep, tinted, grey.T, grey.reshape(7, 5)]
    assert len({pixels_sha256(image) for image in [grey, *different]}) == 6


@pytest.mark.slow
def test_the_report_says_what_is_proved_and_what_cannot_be(root: Path, tmp_path: Path) -> None:
    """Fitted here: no image is shared, with both numbers. Fitted elsewhere: nothing is proved."""
    steps = """
  net: {uses: classifier/logistic_regression, fit_on: train}
  clean: {uses: net, from: other}"""
    plan_of(root, OTHER, steps)
    adversity.run(root / "pipelines/p.yaml", into=tmp_path, root=root)
    report = json.loads((tmp_path / "artifacts/p/report/report.json").read_text())
    assert report["apart"] == [
        {
            "fitted": ["net"],
            "judged": ["clean"],
            "judging": "other",
            "n_judging": 20,
            "fitting": "train",
            "n_fitting": 40,
        }
    ]
    page = (tmp_path / "artifacts/p/report/report.md").read_text()
    assert (
        "None of the 20 images of other, on which clean is judged, is among the 40 of train that "
        "fitted net." in page
    )


def test_a_network_fitted_elsewhere_is_said_to_prove_nothing(root: Path, tmp_path: Path) -> None:
    """Nobody here knows what the weights have seen; the report says so and claims nothing."""
    plan = plan_of(root, OTHER, "  net: {uses: classifier/fixed}\n  clean: {uses: net, from: test}")
    (found,) = found_apart(Toolbox(plan, Workspace(root, tmp_path, tmp_path / "store")))
    assert (found.fitted, found.fitting, found.n_fitting) == (("net",), None, None)
    (note,) = caveats((), (), (), (found,))
    assert note.level == "note"
    assert note.text.startswith("net was fitted elsewhere: whether any of the ")
    assert note.text.endswith("of test was among what it learnt from cannot be proved here.")
