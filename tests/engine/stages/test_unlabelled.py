"""A source of a fit without labels: it may be what is judged, and nothing of them comes through."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
import torch

import adversity
from adversity import Restoration, State
from adversity.contracts import Fitted
from adversity.data.arrays import read_arrays
from adversity.data.tables import read_table
from adversity.engine.calls.ready import Ready
from adversity.engine.public.create import RestorationCall
from adversity.engine.set_up.toolbox import Toolbox, toolbox_of
from adversity.engine.set_up.workspace import Workspace
from adversity.engine.stages.apart import found_apart, found_splits
from adversity.engine.stages.fit_streams import StoredAnswers
from adversity.engine.stages.streamed_images import StreamedImages
from adversity.errors import DataError, PipelineError
from adversity.pipeline.plan.model import Cell

if TYPE_CHECKING:
    from pathlib import Path


NETWORK = '''"""A network with batch norm, and random weights."""
from typing import Any, ClassVar

from pydantic import PrivateAttr

from adversity import Classifier


class Normed(Classifier):
    """A network with batch norm."""

    name: ClassVar[str] = "normed"
    _network: Any = PrivateAttr(default=None)

    def setup(self, device: str) -> None:
        import torch
        from torch import nn

        with torch.random.fork_rng():
            torch.manual_seed(1)
            layers = (nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
            self._network = nn.Sequential(*layers, nn.Linear(64, 2)).eval()

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("a", "b")

    def logits(self, images: Any) -> Any:
        return self._network(images)
'''
NORMED = """
  dark: {uses: degradation/low_light, from: other, with: {severity: 3}}
  net: {uses: "./normed.py:Normed"}
  adapted: {uses: classifier/batch_norm_adaptation, fit_on: dark, with: {network: {uses: net}, entropy_steps: 2}}
  before: {uses: net, from: dark}
  after: {uses: adapted, from: dark}
  attacked: {uses: attack/pgd, from: dark, against: after, with: {norm: linf, eps: 0.02, steps: 3}}
"""
DATA = """  train: {uses: dataset/folder, with: {path: data/train}}
  held: {uses: dataset/folder, with: {path: data/held}}
  other: {uses: dataset/folder, with: {path: data/other}}"""
STEPS = """
  net: {uses: classifier/logistic_regression, fit_on: train}
  held_answers: {uses: net, from: held}
  answers: {uses: net, from: other}
  shifted: {uses: uncertainty/label_shift, from: answers, fit_on: %s}
"""
BOTH = "{train: held_answers, unlabelled: answers}"


class Adapts(Restoration, Fitted):
    """Learn from what it restores."""

    name: ClassVar[str] = "adapts"
    fit_sources: ClassVar[tuple[str, ...]] = ("unlabelled",)

    def fit(self, data: Any, rng: Any) -> State:
        return State({"n": np.array([len(data)])})

    def load(self, state: State) -> None:
        self._n = int(state.arrays["n"][0])

    _n: int = 0

    def restore(self, images: Any, **needs: Any) -> Any:
        return images.clone()


ADAPTS = """
  net: {uses: classifier/logistic_regression, fit_on: train}
  adapts: {uses: restoration/adapts, fit_on: other}
  lit: {uses: adapts, from: other}
  clean: {uses: net, from: lit}"""


def test_images_come_without_targets_references_and_ids(
    doubles: Path, tmp_path: Path, plan_of: Any
) -> None:
    """All of them, in an order that does not tell the folders of the classes."""
    plan = plan_of(DATA, ADAPTS, Adapts)
    toolbox = toolbox_of(plan, Workspace(doubles, tmp_path, tmp_path / "store"))
    streams = [
        StreamedImages(toolbox, plan.steps["adapts"], Cell(), "other", None, blind=blind)
        for blind in (False, True)
    ]
    seen, blind = map(list, streams)
    assert all(block.targets is None and block.references is None for block in blind)
    assert [name for block in blind for name in block.ids] == [str(n) for n in range(20)]
    pixels = [
        [image.numpy().tobytes() for block in blocks for image in block.images]
        for blocks in (seen, blind)
    ]
    assert sorted(pixels[0]) == sorted(pixels[1])
    label_of = dict(zip(pixels[0], [int(t) for block in seen for t in block.targets], strict=True))
    labels = [label_of[one] for one in pixels[1]]
    assert labels != sorted(labels)  # as they lie in folders they would be


def shift(root: Path, out: Path, plan_of: Any, *, shard: int = 64) -> tuple[Any, Path]:
    plan_of(DATA, STEPS % BOTH + f"run: {{shard_size: {shard}}}")
    adversity.run(root / "pipelines/p.yaml", into=out, root=root)
    return read_arrays(out / "artifacts/p/shifted/states/all.safetensors"), out / "artifacts/p"


def test_what_is_judged_may_adapt_it_and_the_report_says_so(
    doubles: Path, tmp_path: Path, plan_of: Any
) -> None:
    """The run, its notes and its report name the images that were seen; so does the JSON."""
    (_, info), folder = shift(doubles, tmp_path, plan_of)
    assert (info["n"], info["n_unlabelled"]) == (110, 20)
    notes = json.loads((folder / "shifted/measures.json").read_text())["notes"]
    assert "shifted saw the 20 samples of answers, without labels, references and ids" in notes
    told = json.loads((folder / "report/report.json").read_text())["apart"]
    (found,) = (item for item in told if item["n_shared"] is not None)
    assert found == {
        "fitted": ["shifted"],
        "judged": ["shifted"],
        "judging": "other",
        "n_judging": 20,
        "fitting": "other",
        "n_fitting": 20,
        "n_shared": 20,
    }
    page = (folder / "report/report.md").read_text()
    assert "shifted saw 20 of the 20 images of other on which shifted is judged, without" in page


def test_rows_of_a_table_come_without_targets_and_ids(
    doubles: Path, tmp_path: Path, plan_of: Any
) -> None:
    """All rows, mixed, in one order whatever the shards; and the state is the same to the bit."""
    states = []
    for shard in (7, 64):
        (arrays, _), folder = shift(doubles, tmp_path / str(shard), plan_of, shard=shard)
        states.append({name: value.tobytes() for name, value in arrays.items()})
        plan = plan_of(DATA, STEPS % BOTH + f"run: {{shard_size: {shard}}}")
        out = folder.parent.parent
        toolbox = toolbox_of(plan, Workspace(doubles, out, out / "artifacts/store"))
        planned = plan.steps["shifted"]
        seen, blind = (
            list(StoredAnswers(toolbox, planned, Cell(), "answers", None, blind=blind))
            for blind in (False, True)
        )
        assert all(block.targets is None for block in blind)
        assert [name for block in blind for name in block.ids] == [str(n) for n in range(20)]
        rows = [
            [row.tobytes() for block in blocks for row in block.logits.numpy()]
            for blocks in (seen, blind)
        ]
        assert rows[0] != rows[1]
        assert sorted(rows[0]) == sorted(rows[1])
    assert states[0] == states[1]


def test_sets_for_other_images(doubles: Path, tmp_path: Path, plan_of: Any) -> None:
    """Weighted conformal sets of what is judged, whatever the shards; the notes say their worth."""
    steps = (STEPS % BOTH).replace("label_shift", "weighted_conformal")
    tables = []
    for shard in (7, 64):
        plan_of(DATA, f"{steps}run: {{shard_size: {shard}}}")
        out = tmp_path / str(shard)
        adversity.run(doubles / "pipelines/p.yaml", into=out, root=doubles)
        folder = out / "artifacts/p/shifted"
        tables.append((folder / "table.parquet").read_bytes())
        notes = "\n".join(json.loads((folder / "measures.json").read_text())["notes"])
        assert "shifted: the 110 held-out rows, weighed, are worth " in notes
        assert " of 20 unlabelled rows get all classes" in notes
        page = (out / "artifacts/p/report/report.md").read_text()
        assert "held-out rows, weighed, are worth" in page
    assert tables[0] == tables[1]


def test_a_network_is_adapted_to_what_it_is_judged_on_and_attacked(
    doubles: Path, tmp_path: Path, plan_of: Any
) -> None:
    """The same bytes from any shards; it answers otherwise; an attack goes through it."""
    found = []
    (doubles / "normed.py").write_text(NETWORK, encoding="utf-8")
    for shard in (7, 64):
        plan_of(DATA, f"{NORMED}run: {{shard_size: {shard}}}")
        out = tmp_path / str(shard)
        adversity.run(doubles / "pipelines/p.yaml", into=out, root=doubles)
        folder = out / "artifacts/p"
        files = [f"{step}/table.parquet" for step in ("before", "after", "attacked")]
        found.append(
            [(folder / file).read_bytes() for file in (*files, "adapted/states/all.safetensors")]
        )
        notes = json.loads((folder / "adapted/measures.json").read_text())["notes"]
        assert "adapted saw the 20 samples of dark, without labels, references and ids" in notes
        page = (folder / "report/report.md").read_text()
        assert "adapted saw 20 of the 20 images of other on which after" in page
    assert found[0] == found[1]
    before, after = (read_table(folder / f"{step}/table.parquet") for step in ("before", "after"))
    assert not np.array_equal(before["logits"], after["logits"])
    _, info = read_arrays(folder / "adapted/states/all.safetensors")
    assert (info["n"], info["layers"]) == (20, 1)
    attack = json.loads((folder / "attacked/measures.json").read_text())
    assert attack["cells"][""]["attack_success"]["value"] > 0


def test_what_else_it_learns_from_is_still_kept_apart(plan_of: Any) -> None:
    """Labels of judged images fit nothing: only the source without them may be judged."""
    with pytest.raises(PipelineError, match="other is used for both"):
        plan_of(DATA, STEPS % "{train: answers, unlabelled: answers}")


def test_a_fit_on_images_without_labels_alone(doubles: Path, tmp_path: Path, plan_of: Any) -> None:
    """`fit_on: other` names them; what rests on it is judged there, and that is said."""
    plan = plan_of(DATA, ADAPTS, Adapts)
    toolbox = Toolbox(plan, Workspace(doubles, tmp_path, tmp_path / "store"))
    found = found_apart(toolbox)
    (split,) = (split for split in found_splits(toolbox, found) if split.step == "clean")
    assert [(item.step, item.proof, item.data, item.n_shared) for item in split.fitted_by] == [
        ("net", "proved by content", "train", 0),
        ("adapts", "unlabelled", "other", 20),
    ]
    assert [(item.fitted, item.judged, item.fitting, item.n_shared) for item in found] == [
        (("net",), ("clean",), "train", None),
        (("adapts",), ("clean",), "other", 20),
    ]


def test_from_python_it_may_be_used_on_what_it_saw(registry_with: Any) -> None:
    """Images without labels are not kept from the plugin that saw them; labelled ones are refused."""
    images = torch.rand(4, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    call = RestorationCall(Ready(Adapts(), "adapts"))
    fitted = call.fit(images)
    assert fitted.ready.seen == frozenset()
    with pytest.raises(DataError, match="unlabelled: expected it without labels and references"):
        call.fit(images, references=images)
