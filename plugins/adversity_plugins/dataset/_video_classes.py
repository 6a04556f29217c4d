"""The 30 classes of ImageNet's videos, and which of the 1 000 of its photographs count as each.

Facts of modestyachts/imagenet-testbed, `rev_class_idx_map.json`: indices in the order of networks.
"""

from __future__ import annotations

from adversity_plugins.dataset._imagenet_synsets import SYNSETS

__all__ = ["CLASSES", "MEMBERS"]

_INDICES = """
airplane 404
antelope 351-353
bear 294-297
bicycle 444 671
bird 7-24 80-100 127-146
bus 654 779 874
car 407 436 468 511 609 627 656 661 751 817
cattle 345
dog 151-268
domestic_cat 281-285
elephant 385-386
fox 277-280
giant_panda 388
hamster 333
horse 339
lion 291
lizard 38-48
monkey 370-382
motorcycle 665
rabbit 330 332
red_panda 387
sheep 348
snake 52-68
squirrel 335
tiger 292
train 466
turtle 33-37
watercraft 403 472 484 510 554 576 625 628 724 780 814 833 871 913-914
whale 147-148
zebra 340
"""


def _synsets(spans: list[str]) -> tuple[str, ...]:
    """Return the WordNet ids of numbers and spans, `351-353`."""
    ends = [span.partition("-") for span in spans]
    return tuple(
        SYNSETS[at] for first, _, last in ends for at in range(int(first), int(last or first) + 1)
    )


_LINES = [line.split() for line in _INDICES.strip().splitlines()]
MEMBERS: dict[str, tuple[str, ...]] = {name: _synsets(spans) for name, *spans in _LINES}
CLASSES: tuple[str, ...] = tuple(MEMBERS)
"""In the order of their numbers in `labels.json`."""
