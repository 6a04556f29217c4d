"""Other libraries through their adapters: nothing is changed on the way, and the kit sees them."""

import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import adversity
from adversity.engine.attack.attacking import attack
from adversity.engine.calls.ready import Ready
from adversity.seeding import SampleRng
from adversity.testing import check_plugin

HERE = Path(__file__).parent / "adversity-adapters"
PAGE = Path(__file__).parents[2] / "docs/peers.md"
LIBRARIES = {"secml_torch": "secmlt", "adv_lib": "adv_lib.attacks"}
EPS = {"linf": 8 / 255, "l2": 0.5}
LISTED = """
import sys
from adversity_adapters import PEERS, plugins_of
names = [cls.name for kind in PEERS for cls in plugins_of(kind)]
heavy = {"torch", "foolbox", "art", "secmlt", "torchattacks", "deepinv", "netcal", "timm"}
print(len(names), len(set(names)), *sorted(heavy & set(sys.modules)))
"""


def _findings():
    """Load the list by its file: the distribution is not installed here."""
    source = HERE / "src/adversity_adapters/findings.py"
    spec = importlib.util.spec_from_file_location("adapters_findings", source)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # a dataclass looks itself up there
    spec.loader.exec_module(module)
    return module.FINDINGS


FINDINGS = _findings()


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    """Put the distribution on the path, as an installation would."""
    monkeypatch.syspath_prepend(str(HERE / "src"))
    monkeypatch.setenv("PYTHONPATH", str(HERE / "src"))


def adapter(name):
    """Return a plugin's class, or skip where its library is missing."""
    adapters = importlib.import_module("adversity_adapters")
    found = [cls for kind in adapters.PEERS for cls in adapters.plugins_of(kind)]
    (cls,) = [cls for cls in found if cls.name == name]
    file = cls.__module__.rpartition(".")[2]
    pytest.importorskip(LIBRARIES.get(file, file), exc_type=ImportError)
    return cls


def identify(finding):
    """Return a readable name for a test."""
    return "-".join([finding.plugin, finding.check, *map(str, finding.parameters.values())])


@pytest.fixture
def network():
    """A small network in eval mode, with frozen random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 25, 4)
        return nn.Sequential(*layers).eval().requires_grad_(requires_grad=False)


@pytest.fixture
def images():
    """Six images away from the box, where all implementations of PGD are one."""
    drawn = torch.rand(6, 3, 12, 12, generator=torch.Generator().manual_seed(1))
    return 0.25 + 0.5 * drawn


def test_listing_the_adapters_imports_no_library():
    """All names are different, and neither torch nor a wrapped library is imported."""
    done = subprocess.run(
        [sys.executable, "-c", LISTED], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["32", "32"]


def test_the_page_has_every_adapter_and_every_finding():
    """The page was written with all libraries, and the kit met all that is known of them."""
    adapters = importlib.import_module("adversity_adapters")
    page = PAGE.read_text(encoding="utf-8")
    missing = [
        cls.name
        for kind in adapters.PEERS
        for cls in adapters.plugins_of(kind)
        if f"| {kind} | `{cls.name}` |" not in page
    ]
    assert not missing
    assert "not installed" not in page
    assert "not met" not in page
    assert [finding.what for finding in FINDINGS if f"| {finding.what} |" not in page] == []


def test_fewer_rows_are_found_among_those_that_the_victim_stands_for(images):
    """A library that asks for rows 4 and 1, a little changed, gets the answers of rows 4 and 1."""
    from adversity_adapters.victim_network import VictimNetwork

    class Numbers:
        classes = 2

        def __init__(self, index):
            self.index = index

        def logits(self, images):
            assert len(images) == len(self.index)
            return torch.stack([self.index, -self.index], dim=1).float()

        def rows(self, index):
            return Numbers(self.index[index])

    victim = VictimNetwork(Numbers(torch.arange(6)), images)
    assert victim(images)[:, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert victim(images[[4, 1]] + 0.01)[:, 0].tolist() == [4, 1]


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize(
    "name", ["torchattacks_pgd_from_image", "foolbox_pgd_from_image", "art_pgd_from_image"]
)
def test_pgd_through_an_adapter_is_our_pgd(name, norm, network, images):
    """Three libraries and the built-in attack, no random start: the same images within 1e-6."""
    cls = adapter(name)
    labels = network(images).argmax(1)
    given = {"norm": norm, "eps": EPS[norm], "steps": 10, "random_start": False}
    victim = adversity.target(network)
    expected = adversity.create("attack", "pgd", **given)(victim, images, labels).images
    bound = victim.bind(tuple("012345"))
    found = attack(Ready(cls(**given), name), bound, images, labels).images
    # Ten additions in another order: a few 1e-8 of rounding each, for values below 1.
    assert float((found - expected).abs().max()) < 1e-6
    assert float((found - images).abs().max()) > 1e-3


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("library", ["imagecorruptions", "corrupt_tta"])
def test_a_corruption_is_what_the_library_returns(library):
    """Shot noise of eight-bit images, under the library's own way of seeding, value by value."""
    import numpy as np

    cls = adapter(f"{library}_drawn")
    ids = ("a", "b")
    draw = torch.Generator().manual_seed(2)
    pixels = torch.randint(0, 256, (2, 3, 40, 36), generator=draw, dtype=torch.uint8)
    plugin = cls(corruption="shot_noise", severity=4)
    found = plugin.degrade(pixels / 255, SampleRng(seed=3, step="s", ids=ids))
    seeds = SampleRng(seed=3, step="s", ids=ids).seeds()
    corrupt = importlib.import_module(library).corrupt
    for row in range(2):
        np.random.seed(seeds[row])  # noqa: NPY002  (what the library draws from)
        image = pixels[row].permute(1, 2, 0).numpy()
        worse = np.asarray(corrupt(image, severity=4, corruption_name="shot_noise"))
        # float32 holds eight-bit values over 255 to a few 1e-8.
        assert np.abs(found[row].permute(1, 2, 0).numpy() - worse / 255).max() < 1e-6


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
def test_temperature_scaling_of_netcal_is_ours():
    """On held-out logits 1.7 times too large both find the same probabilities within 1e-3."""
    cls = adapter("netcal_temperature_scaling")
    draw = torch.Generator().manual_seed(4)
    honest = 2 * torch.randn(3000, 4, generator=draw)
    labels = torch.multinomial(honest.softmax(1), 1, generator=draw)[:, 0]
    logits = 1.7 * honest
    ours = adversity.create("uncertainty", "temperature_scaling").fit(logits, labels)(logits)
    plugin = cls()
    from adversity.engine.public.in_memory import TensorRows, learnt

    names = ("0", "1", "2", "3")
    plugin.load(learnt(Ready(cls(), "netcal"), TensorRows(labels, names, logits=logits), 0))
    theirs = plugin.calibrate(logits)
    # Their optimiser stops at a relative change of the loss, about 1e-4 in the temperature.
    assert float((ours - theirs).abs().max()) < 1e-3
    assert float((ours - logits.softmax(1)).abs().max()) > 0.05


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("finding", FINDINGS, ids=identify)
def test_the_kit_meets_what_is_known_of_a_library(finding):
    """The check that should fail fails, with these parameters and for this reason."""
    found = check_plugin(adapter(finding.plugin), only=[finding.check], raises=False)
    said = [
        outcome.message
        for outcome in found.failures
        if finding.parameters.items() <= outcome.parameters.items()
    ]
    assert any(finding.says in message for message in said), str(found)
