"""What is known of the libraries from their sources, and which check of the kit meets it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["FINDINGS", "Finding"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something known of a library, and which check should meet it.

    Attributes:
        what: In a few words.
        plugin: Its adapter.
        check: The check that fails.
        parameters: With which; part of those that were tried.
        says: What its message holds.
    """

    what: str
    plugin: str
    check: str
    parameters: dict[str, Any] = field(default_factory=dict)
    says: str = ""


ONE_STEP = "one step returns the image itself"
MODES = "the victim's modes are not put back"
GRADIENTS = "gradients are left in the victim's weights"
PLACE = "a sample's random start depends on its place in the batch"
UNTOLD = "which transformation an image got is not returned, so nobody can check it"
FINDINGS = (
    Finding(ONE_STEP, "secml_torch_pgd_from_image", "first_step", {"norm": "linf"}, "16 of 16"),
    Finding(ONE_STEP, "secml_torch_pgd_from_image", "first_step", {"norm": "l2"}, "16 of 16"),
    Finding(ONE_STEP, "secml_torch_pgd_from_image", "first_step", {"norm": "l1"}, "16 of 16"),
    Finding(ONE_STEP, "adv_lib_pgd_from_image", "first_step", {"norm": "linf"}, "16 of 16"),
    Finding(
        "the largest gradient is looked for in the whole batch",
        "secml_torch_pgd_from_image",
        "alone",
        {"norm": "l1"},
    ),
    Finding(
        "the l1 step is not towards the optimum",
        "foolbox_pgd_from_image",
        "linear_optimum",
        {"norm": "l1"},
    ),
    Finding(
        "the l1 projection ends outside the ball",
        "foolbox_sparse_l1_descent_run",
        "answers",
        {"norm": "l1"},
        "overstepped",
    ),
    Finding(UNTOLD, "foolbox_spatial", "answers", says="expected `bounds`"),
    Finding(UNTOLD, "art_spatial_transformation", "answers", says="expected `bounds`"),
    Finding("the search stops by the sum over the batch", "torchattacks_cw", "alone"),
    Finding(MODES, "art_pgd_from_image", "victim_as_found", {"norm": "linf"}, "mode"),
    Finding(MODES, "torchattacks_pgd_from_image", "victim_as_found", {"norm": "linf"}, "mode"),
    Finding(GRADIENTS, "foolbox_pgd_from_image", "victim_as_found", {"norm": "linf"}, "gradients"),
    Finding(
        GRADIENTS, "secml_torch_pgd_from_image", "victim_as_found", {"norm": "l2"}, "gradients"
    ),
    Finding(PLACE, "torchattacks_apgd", "order", {"norm": "linf"}),
    Finding(PLACE, "foolbox_pgd", "order", {"norm": "linf"}),
)
"""Known from reading the sources and from measurements of our own."""
