"""A source gives checked, prepared images and a hash of everything they depend on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from pydantic import PrivateAttr

from adversity.contracts import Dataset, IndexRow, Sample
from adversity.data.reading import Source
from adversity.errors import DataError, PluginError

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (8, 10), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (9, 12, 3), dtype=np.uint8)


class Listed(Dataset):
    """A data set of given samples, without an index."""

    name = "listed"
    _samples: list = PrivateAttr(default_factory=list)
    _rows: object = PrivateAttr(default=None)

    @property
    def class_names(self):
        return ("cat", "dog")

    def __len__(self):
        return len(self._samples)

    def item(self, index):
        return self._samples[index]

    def index(self):
        return self._rows


def source(*samples, rows=None, prepare=None):
    dataset = Listed()
    dataset._samples.extend(samples)
    dataset._rows = rows
    return Source(dataset, prepare)


def test_pixels_are_divided_by_255():
    """A uint8 image becomes exactly float32(value) / float32(255), channels first."""
    every = np.arange(256, dtype=np.uint8).reshape(16, 16)
    images = source(Sample(every, 0, "a")).images([0])
    assert images.shape == (1, 1, 16, 16)
    assert images.dtype == torch.float32
    wanted = torch.arange(256, dtype=torch.float32).reshape(1, 1, 16, 16) / 255
    assert torch.equal(images, wanted)


def test_colour_layout():
    """Channel c of pixel (h, w) lands at [n, c, h, w]."""
    images = source(Sample(COLOUR, 0, "a")).images([0])
    assert float(images[0, 2, 3, 5]) == np.float32(COLOUR[3, 5, 2]) / np.float32(255)


def test_float_images_pass_unchanged():
    """A float32 image is not rescaled."""
    image = RNG.random((4, 5, 3), dtype=np.float32)
    images = source(Sample(image, 0, "a")).images([0])
    np.testing.assert_array_equal(images[0].numpy(), image.transpose(2, 0, 1))


def test_sizes_are_grouped_and_never_mixed():
    """Samples group by (C, H, W); asking for two sizes at once is refused."""
    data = source(Sample(GREY, 0, "a"), Sample(COLOUR, 1, "b"), Sample(GREY[:, :, None], 0, "c"))
    assert data.shapes == ((1, 8, 10), (3, 9, 12), (1, 8, 10))
    assert data.alike() == [[0, 2], [1]]
    assert data.alike([1, 2]) == [[1], [2]]
    assert data.images([2, 0]).shape == (2, 1, 8, 10)
    with pytest.raises(ValueError, match="samples of one size"):
        data.images([0, 1])


def test_prepare_comes_before_everything():
    """Shapes and pixels are those after the crop."""
    data = source(Sample(COLOUR, 0, "a"), prepare={"centre_crop": 6})
    assert data.shape(0) == (3, 6, 6)
    assert torch.equal(data.images([0]), source(Sample(COLOUR, 0, "a")).images([0])[:, :, 2:8, 3:9])


def test_content_depends_on_everything_that_matters():
    """One changed pixel, label, id, group, attribute or prepare option changes the hash."""
    changed = COLOUR.copy()
    changed[0, 0, 0] ^= 1
    sources = [
        source(Sample(COLOUR, 0, "a")),
        source(Sample(changed, 0, "a")),
        source(Sample(COLOUR, 1, "a")),
        source(Sample(COLOUR, 0, "b")),
        source(Sample(COLOUR, 0, "a", group="g")),
        source(Sample(COLOUR, 0, "a", attributes={"light": 1.0})),
        source(Sample(COLOUR, 0, "a", reference=COLOUR)),
        source(Sample(COLOUR, 0, "a"), prepare={"centre_crop": 6}),
        source(Sample(COLOUR.astype(np.float32) / np.float32(255), 0, "a")),
    ]
    assert len({s.content for s in sources}) == len(sources)
    assert source(Sample(COLOUR.copy(), 0, "a")).content == sources[0].content


def test_order_is_the_data_sets():
    """Ids and targets keep the order, targets as int64."""
    data = source(Sample(GREY, 1, "z"), Sample(GREY, 0, "a", group="g"))
    assert data.ids == ("z", "a")
    assert data.targets.tolist() == [1, 0]
    assert data.targets.dtype == np.int64
    assert data.groups == (None, "g")
    assert data.labelled


def test_references_travel_with_their_images():
    """The clean partner goes through the same preparation; without one there is none."""
    pair = source(Sample(COLOUR, 0, "a", reference=255 - COLOUR), prepare={"centre_crop": 4})
    torch.testing.assert_close(pair.pairs([0])[1], 1 - pair.images([0]), atol=1e-6, rtol=0)
    assert source(Sample(COLOUR, 0, "a")).pairs([0])[1] is None


def test_an_index_saves_reading():
    """With an index no sample is read before its pixels are wanted."""
    row = IndexRow(id="a", target=1, shape=(9, 12, 3), content="00")
    data = source(Sample(COLOUR, 1, "a"), rows=[row])
    assert data.shape(0) == (3, 9, 12)
    assert torch.equal(data.images([0]), source(Sample(COLOUR, 1, "a")).images([0]))


def test_unlabelled_data():
    """A data set without any label has -1 everywhere and says so."""
    data = source(Sample(GREY, None, "a"), Sample(GREY, None, "b"))
    assert data.targets.tolist() == [-1, -1]
    assert not data.labelled


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        ([], "has no samples"),
        ([Sample(GREY, 0, "a"), Sample(GREY, 1, "a")], r"'a' comes twice \(samples 0 and 1\)"),
        ([Sample(GREY, 2, "a")], "class index from 0 to 1, got 2"),
        ([Sample(GREY, -1, "a")], "got -1"),
        ([Sample(GREY, 0.5, "a")], "got 0.5"),
        ([Sample(GREY, True, "a")], "got True"),
        ([Sample(GREY, 0, "")], "needs a text as its id"),
    ],
)
def test_wrong_data(samples, words):
    """Wrong labels and ids are one message each, with the value."""
    with pytest.raises(DataError, match=words):
        source(*samples)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (GREY.astype(np.float64), "uint8 or float32, got float64"),
        (np.full((4, 4), 1.5, np.float32), r"values in \[0, 1\], got 1.5"),
        (np.full((4, 4), np.nan, np.float32), "got nan"),
        (np.zeros((4, 4, 4), np.uint8), r"got \[4, 4, 4\]"),
        (np.zeros((0, 4), np.uint8), r"got \[0, 4\]"),
        ([[1]], "expected a NumPy array, got list"),
    ],
)
def test_broken_promises_of_a_data_set(image, words):
    """An image of another type, range or shape is refused with the sample's id."""
    with pytest.raises(PluginError, match=f"'bad'.*{words}"):
        source(Sample(image, 0, "bad"))


def test_an_image_that_changed_after_opening():
    """A sample that no longer has the shape or the id of the index is refused."""
    row = IndexRow(id="a", target=1, shape=(8, 10, 1), content="00")
    with pytest.raises(PluginError, match="did the file change"):
        source(Sample(COLOUR, 1, "a"), rows=[row]).images([0])
    with pytest.raises(PluginError, match="was 'a' and is now 'b'"):
        source(Sample(GREY, 1, "b"), rows=[row]).images([0])
    with pytest.raises(PluginError, match="1 samples, but 2 in its index"):
        source(Sample(GREY, 1, "a"), rows=[row, row])


def test_an_edited_reference_is_other_data():
    """The reference's hash in the index is part of the content; an index without it is refused."""
    pair = Sample(COLOUR, 1, "a", reference=255 - COLOUR)
    row = IndexRow(id="a", target=1, shape=(9, 12, 3), content="00", reference="01")
    edited = IndexRow(id="a", target=1, shape=(9, 12, 3), content="00", reference="02")
    first, second = source(pair, rows=[row]), source(pair, rows=[edited])
    assert first.content != second.content
    assert first.pairs([0])[1] is not None
    silent = IndexRow(id="a", target=1, shape=(9, 12, 3), content="00")
    with pytest.raises(PluginError, match=r"'a' has a reference of which its index knows nothing"):
        source(pair, rows=[silent]).images([0])


def test_references_of_another_size_are_grouped_by_it():
    """Twice as large, as large, and none: three groups, each read together, in either form."""
    large = RNG.integers(0, 256, (16, 20), dtype=np.uint8)
    samples = [
        Sample(GREY, 0, "a", reference=large),
        Sample(GREY, 0, "b"),
        Sample(GREY, 0, "c", reference=255 - GREY),
        Sample(GREY, 0, "d", reference=255 - large),
    ]
    rows = [
        IndexRow("a", 0, (8, 10, 1), "0", reference="1", reference_shape=(16, 20, 1)),
        IndexRow("b", 0, (8, 10, 1), "0"),
        IndexRow("c", 0, (8, 10, 1), "0", reference="2"),
        IndexRow("d", 0, (8, 10, 1), "0", reference="3", reference_shape=(16, 20, 1)),
    ]
    for data in (source(*samples), source(*samples, rows=rows)):
        assert data.reference_shapes == ((1, 16, 20), None, (1, 8, 10), (1, 16, 20))
        assert data.alike() == [[0, 3], [1], [2]]
        read = data.pairs([3, 0])[1]
        np.testing.assert_array_equal((read * 255).round()[:, 0], [255 - large, large])
        assert data.pairs([1])[1] is None
        assert data.images([0, 1, 2, 3]).shape == (4, 1, 8, 10)
        with pytest.raises(ValueError, match="references of one size"):
            data.pairs([0, 1])[1]
        assert data.references_count == 3


def test_a_reference_is_prepared_with_its_image():
    """Twice the size: twice the crop of the same place."""
    large = np.kron(COLOUR, np.ones((2, 2, 1), np.uint8))
    pair = Sample(COLOUR, 0, "a", reference=large)
    data = source(pair, prepare={"multiple_of": 4})
    assert (data.shapes[0], data.reference_shapes[0]) == ((3, 8, 12), (3, 16, 24))
    repeated = data.images([0]).repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert torch.equal(data.pairs([0])[1], repeated)
    uneven = Sample(COLOUR, 0, "a", reference=large[:-1])
    with pytest.raises(DataError, match="'a': its clean reference has 17 x 24 pixels"):
        source(uneven, prepare={"multiple_of": 4})


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (IndexRow("a", 0, (8, 10, 1), "0", reference="1"), r"is its reference_shape right\?"),
        (IndexRow("b", 0, (8, 10, 1), "0", reference="1"), "'b' has no reference, its index says"),
        (IndexRow("a", 0, (8, 10, 1), "0", reference_shape=(16, 20, 1)), "give IndexRow both"),
    ],
)
def test_an_index_that_is_wrong_about_a_reference(row, words):
    """Another shape, none at all, or a shape without its hash."""
    large = None if row.id == "b" else np.zeros((16, 20), np.uint8)
    with pytest.raises(PluginError, match=words):
        source(Sample(GREY, 0, row.id, reference=large), rows=[row]).pairs([0])[1]


def test_an_edited_reference_is_other_data_without_an_index():
    """One bit of a reference, or its being there, is part of the content."""
    edited = COLOUR.copy()
    edited[0, 0, 0] ^= 1
    given = (COLOUR, edited, None)
    contents = {source(Sample(COLOUR, 0, "a", reference=one)).content for one in given}
    assert len(contents) == 3


def test_what_nobody_says_of_a_sample_is_no_part_of_what_is_seen():
    """Label, group, attribute and an edited reference change `content` alone; all else both."""
    first = Sample(COLOUR, 0, "a", reference=COLOUR)
    one = source(first, Sample(COLOUR, 1, "b"))

    def other(sample, **more):
        data = source(sample, Sample(COLOUR, 1, "b"), **more)
        return data.content == one.content, data.unlabelled_content == one.unlabelled_content

    told = (
        {"target": 1},
        {"target": None},
        {"group": "g"},
        {"attributes": {"camera": "c"}},
        {"reference": 255 - COLOUR},
    )
    assert [other(replace(first, **change)) for change in told] == [(False, True)] * len(told)
    shown = ({"id": "c"}, {"image": 255 - COLOUR}, {"reference": None})
    assert [other(replace(first, **change)) for change in shown] == [(False, False)] * len(shown)
    assert other(first) == (True, True)
    assert other(first, prepare={"multiple_of": 4}) == (False, False)
