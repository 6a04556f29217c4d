"""A pipeline file of two: what is of the data, of the model, and all else."""

from __future__ import annotations

import yaml

from adversity_flows.why.mixed_file import FACTORS, mixed_file, slices, texts_in

BEFORE = """\
name: toy  # a comment
seed: 1
data:
    train: {uses: dataset/folder, with: {path: data/train}}
    test: {uses: dataset/folder, with: {path: data/old}}
matrix: {sigma: [0.10, 1e-3, '2']}
steps:
    net: {uses: classifier/small_cnn, fit_on: train, with: {epochs: 1}}
    noisy: {uses: degradation/gaussian_noise, from: test, with: {sigma: $sigma}}
    predictions: {uses: net, from: noisy}
    other: {uses: classifier/torch_model, from: noisy, with: {weights: models/a.safetensors}}
gates: [predictions.accuracy >= 0.5]
schedule: {cron: "0 2 * * *"}
"""
AFTER = """\
name: toy
seed: 2
data:
  train: {uses: dataset/folder, with: {path: data/train}}
  test: {uses: dataset/folder, with: {path: data/new}}
matrix:
  sigma: [0.10, 1e-3]
steps:
  net: {uses: classifier/small_cnn, fit_on: train, with: {epochs: 9, width: 4}}
  clean: {uses: net, from: test}
  noisy: {uses: degradation/gaussian_noise, from: test, with: {sigma: $sigma}}
  predictions: {uses: net, from: noisy}
  other: {uses: classifier/torch_model, from: clean, with: {weights: models/b.safetensors}}
"""


def mixed(*after: str, cell: dict[str, str] | None = None) -> str:
    """Put a file together, these factors from `AFTER`."""
    texts = {factor: AFTER if factor in after else BEFORE for factor in FACTORS}
    return mixed_file(texts, cell=cell or {})


def test_each_factor_brings_its_own_and_nothing_else() -> None:
    """The data section; what steps say of models; everything else. Gates judge nothing here."""
    before, after = yaml.safe_load(BEFORE), yaml.safe_load(AFTER)
    del before["gates"], before["schedule"]
    assert yaml.safe_load(mixed()) == before
    assert yaml.safe_load(mixed(*FACTORS)) == after
    assert yaml.safe_load(mixed("data")) == {**before, "data": after["data"]}
    steps = yaml.safe_load(mixed("model"))["steps"]
    assert steps["net"] == after["steps"]["net"]
    assert steps["other"] == {**after["steps"]["other"], "from": "noisy"}
    assert {name: steps[name] for name in ("noisy", "predictions")} == {
        name: before["steps"][name] for name in ("noisy", "predictions")
    }
    rest = yaml.safe_load(mixed("parameters"))
    assert (rest["seed"], rest["data"]) == (2, before["data"])
    assert rest["steps"]["net"] == before["steps"]["net"]
    assert rest["steps"]["clean"] == after["steps"]["clean"]


def test_the_cell_is_kept_as_it_is_written() -> None:
    """Cells are called by what stands in the file: 0.10 is not 0.1, and 1e-3 stays."""
    assert "sigma: [0.10]" in mixed(cell={"sigma": "0.10"})
    assert "sigma: [1e-3]" in mixed(cell={"sigma": "1e-3"})
    assert "sigma: ['2']" in mixed(cell={"sigma": "2"})
    assert "[0.10, 1e-3, '2']" in mixed()


def test_slices_tell_what_is_the_same() -> None:
    """Layout and gates are no difference; a seed is one of parameters."""
    first, second = slices(yaml.safe_load(BEFORE)), slices(yaml.safe_load(AFTER))
    assert all(first[factor] != second[factor] for factor in FACTORS)
    other = yaml.safe_load(BEFORE.replace("0.5", "0.9").replace("    ", "  "))
    assert slices(other) == first
    assert "models/a.safetensors" in set(texts_in(first["model"]))
    assert "models/a.safetensors" not in set(texts_in(first["parameters"]))
