"""Other libraries as Adversity plugins: one file a library, a few lines a plugin."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from adversity import hookimpl

if TYPE_CHECKING:
    from adversity import Attack, Classifier, Degradation, PluginBase, Restoration, Uncertainty

PEERS = {
    "attack": ("torchattacks", "foolbox", "art", "secml_torch", "adv_lib", "pyautoattack"),
    "degradation": ("imagecorruptions", "corrupt_tta"),
    "restoration": ("deepinv",),
    "uncertainty": ("netcal",),
    "classifier": ("timm",),
}
"""The files that hold plugins, by kind; none of them imports its library when it is imported."""


def plugins_of(kind: str) -> list[type[PluginBase]]:
    """Return the adapters of a kind, library by library."""
    files = [import_module(f"adversity_adapters.{peer}") for peer in PEERS[kind]]
    return [plugin for file in files for plugin in file.PLUGINS]


@hookimpl
def adversity_attacks() -> list[type[Attack]]:
    """Offer the attacks."""
    return _of("attack")


@hookimpl
def adversity_degradations() -> list[type[Degradation]]:
    """Offer the degradations."""
    return _of("degradation")


@hookimpl
def adversity_restorations() -> list[type[Restoration]]:
    """Offer the restorations."""
    return _of("restoration")


@hookimpl
def adversity_uncertainties() -> list[type[Uncertainty]]:
    """Offer the calibrators."""
    return _of("uncertainty")


@hookimpl
def adversity_classifiers() -> list[type[Classifier]]:
    """Offer the classifiers."""
    return _of("classifier")


def _of(kind: str) -> Any:
    return plugins_of(kind)
