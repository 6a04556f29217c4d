"""MNIST and the sets in its format: how their files and classes are called."""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Literal

__all__ = ["FAMILY", "Member", "Variant"]

Variant = Literal[
    "mnist",
    "fashion_mnist",
    "kmnist",
    "qmnist",
    "emnist_balanced",
    "emnist_byclass",
    "emnist_bymerge",
    "emnist_letters",
    "emnist_digits",
    "emnist_mnist",
]
_DIGITS = tuple(digits)
_UNLIKE = "abdefghnqrt"
"""Letters whose small form differs from the large one; of the others EMNIST's merged sets have one
class."""


@dataclass(frozen=True, slots=True)
class Member:
    """A set of the family.

    Attributes:
        source: Its name and authors.
        class_names: Its classes.
        train, test: How many images were published.
        prefix: What stands before `train` or `test` in names of files; empty where these begin
            with `train` and `t10k`.
        first: The label of the first class in the files.
        transposed: Whether rows and columns are exchanged in the files.
    """

    source: str
    class_names: tuple[str, ...]
    train: int = 60_000
    test: int = 10_000
    prefix: str = ""
    first: int = 0
    transposed: bool = False

    def stem(self, split: str) -> str:
        """Return how names of a split's files begin."""
        if self.prefix:
            return f"{self.prefix}-{split}"
        return "t10k" if split == "test" else split


def _emnist(
    part: str, class_names: tuple[str, ...], train: int, test: int, first: int = 0
) -> Member:
    return Member(
        f"EMNIST {part} (Cohen, Afshar, Tapson and van Schaik, 2017)",
        class_names,
        train,
        test,
        prefix=f"emnist-{part}",
        first=first,
        transposed=True,
    )


_MERGED = (*_DIGITS, *ascii_uppercase, *_UNLIKE)
FAMILY: dict[Variant, Member] = {
    "mnist": Member("MNIST (LeCun, Cortes and Burges, 1998)", _DIGITS),
    "fashion_mnist": Member(
        "Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017)",
        (
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
    ),
    "kmnist": Member(
        "KMNIST (Clanuwat et al., 2018)",
        ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    ),
    "qmnist": Member("QMNIST (Yadav and Bottou, 2019)", _DIGITS, 60_000, 60_000, prefix="qmnist"),
    "emnist_balanced": _emnist("balanced", _MERGED, 112_800, 18_800),
    "emnist_byclass": _emnist(
        "byclass", (*_DIGITS, *ascii_uppercase, *ascii_lowercase), 697_932, 116_323
    ),
    "emnist_bymerge": _emnist("bymerge", _MERGED, 697_932, 116_323),
    "emnist_letters": _emnist("letters", tuple(ascii_lowercase), 124_800, 20_800, first=1),
    "emnist_digits": _emnist("digits", _DIGITS, 240_000, 40_000),
    "emnist_mnist": _emnist("mnist", _DIGITS, 60_000, 10_000),
}
