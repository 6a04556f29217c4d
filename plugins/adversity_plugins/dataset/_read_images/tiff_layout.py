"""The layout of a TIFF: which of its many kinds are read, and which settings Pillow needs."""

from __future__ import annotations

import io
from typing import Any

from adversity_plugins.dataset._read_images.layouts import Layout, Unreadable
from adversity_plugins.dataset._read_images.tiff_float import strips_of

__all__ = ["tiff"]

_COMPRESSIONS = {
    1: "none", 2: "CCITT", 3: "CCITT", 4: "CCITT", 5: "LZW", 7: "JPEG", 8: "Deflate",
    32773: "PackBits", 32946: "Deflate", 34925: "LZMA", 50000: "Zstandard",
}  # fmt: skip
_KINDS = {0: "grey, 0 is white", 1: "grey", 2: "RGB", 3: "palette", 5: "CMYK", 6: "YCbCr", 8: "Lab"}
_FORMATS = {1: "unsigned", 2: "signed", 3: "floating-point"}
_SAMPLES = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3}


def tiff(content: bytes) -> Layout:
    """Look at the tags of the first page.

    Raises:
        Unreadable: If they are damaged, or such a TIFF is not read.
    """
    if content[:4] == b"MM\0+":
        raise Unreadable("a BigTIFF of this byte order is not read; save it as TIFF or PNG")
    tags = _tags(content)
    if 50706 in tags:
        raise Unreadable("a raw photo (DNG) is not read; develop it and save it as PNG or JPEG")
    if tags.get(254, 0) & 5 or tags.get(255) == 2:
        raise Unreadable("its first page is a reduced copy or a mask; save the image alone")
    if tags.get(259, 1) not in _COMPRESSIONS:
        raise Unreadable(f"TIFF compression {tags.get(259)} is not read; save it with LZW")
    floats = strips_of(tags, content[:2])
    if floats is None and not _is_read(tags, content[:2]):
        raise Unreadable(f"a TIFF of this layout is not read ({_spelt(tags)}); save it as PNG")
    bits = _bits(tags)[0]
    kind, extra = tags[262], _many(tags, 338)
    return Layout(
        content,
        wide=bits == 16 and kind == 2,
        white=2 ** max(bits, 8) - 1,
        inverted=bits == 16 and kind == 0,
        premultiplied=extra[:1] == (1,),
        colours=_colours(tags) if kind == 3 else None,
        floats=floats,
        size=max(
            (_whole(tags, 256), _whole(tags, 257)),
            (_whole(tags, 322), _whole(tags, 323)),
            key=lambda size: size[0] * size[1],
        ),
    )


def _tags(content: bytes) -> dict[int, Any]:
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    try:
        directory = ImageFileDirectory_v2(content[: 16 if content[2:3] == b"+" else 8])
        file = io.BytesIO(content)
        file.seek(directory.next)
        directory.load(file)
        return dict(directory)
    except Exception as error:  # Pillow names no class for a damaged directory
        raise Unreadable(f"damaged: the tags cannot be read ({error})") from error


def _many(tags: dict[int, Any], tag: int) -> tuple[Any, ...]:
    value = tags.get(tag, ())
    return value if isinstance(value, tuple) else (value,)


def _whole(tags: dict[int, Any], tag: int) -> int:
    value = tags.get(tag, 0)
    return value if isinstance(value, int) else 0


def _bits(tags: dict[int, Any]) -> tuple[Any, ...]:
    return _many(tags, 258) or (1,)


def _is_read(tags: dict[int, Any], order: bytes) -> bool:
    kind, extra, bits = tags.get(262), _many(tags, 338), _bits(tags)
    samples = tags.get(277, 1)
    formats = set(_many(tags, 339)) or {1}
    plain = (
        kind in _SAMPLES
        and samples == _SAMPLES[kind] + len(extra)
        and len(set(bits)) == 1
        and len(bits) in (1, samples)
        and len(formats) == 1
        and set(extra[1:]) <= {0}
    )
    if not plain or (tags.get(266, 1) != 1 and bits[0] > 8):
        return False
    if formats == {3}:
        # Compressed floats are unpacked in this machine's order but taken in the file's.
        return (kind, bits[0], samples) == (1, 32, 1) and (order == b"II" or tags.get(259, 1) == 1)
    return formats == {1} and _is_read_unsigned(tags, order, bits[0], extra)


def _is_read_unsigned(
    tags: dict[int, Any], order: bytes, bits: int, extra: tuple[Any, ...]
) -> bool:
    kind, packed = tags[262], tags.get(259, 1)
    apart = tags.get(284, 1) == 2 and tags.get(277, 1) > 1
    if packed == 7 or kind == 6:  # libtiff turns the YCbCr of JPEG into RGB, no other
        return packed == 7 and bits == 8 and kind in (1, 2, 6) and not (apart or extra)
    if apart:
        return bits == 8 and kind in (2, 5) and not extra
    if kind in (0, 1) and not extra:
        deep = bits == 16 and (kind == 1 or order == b"II")
        return bits in (1, 2, 4, 8) or deep or (bits == 12 and kind == 1 and order == b"II")
    if kind in (0, 1):
        return kind == 1 and bits == 8 and len(extra) == 1 and extra[0] in (0, 1, 2)
    if kind == 2:
        deep = bits == 16 and len(extra) < 2
        return (bits == 8 or deep) and len(extra) < 4 and extra[:1] in ((), (0,), (1,), (2,))
    if kind == 3:
        return bits in (1, 2, 4, 8) and not extra and 320 in tags
    return bits == 8 and len(extra) < 3 and set(extra) <= {0} and tags.get(332, 1) == 1


def _colours(tags: dict[int, Any]) -> bytes | None:
    """Return a colour map that some programs write with 8 bits an entry instead of 16.

    As libtiff does: if no entry reaches 256.
    """
    values = _many(tags, 320)
    return bytes(values) if max(values) < 256 else None


def _spelt(tags: dict[int, Any]) -> str:
    """Name a layout, such as `RGB, 16 bits, unsigned, separate planes`."""
    formats = _many(tags, 339)[:1] or (1,)
    extra = _many(tags, 338)
    parts = [
        _KINDS.get(tags.get(262, -1), f"colours {tags.get(262, 'not stated')}"),
        f"{'/'.join(map(str, dict.fromkeys(_bits(tags))))} bits",
        _FORMATS.get(formats[0], f"sample format {formats[0]}"),
        f"{tags.get(277, 1)} samples" + (f", extra {list(extra)}" if extra else ""),
        "separate planes" if tags.get(284, 1) == 2 and tags.get(277, 1) > 1 else "",
        "" if tags.get(259, 1) == 1 else _COMPRESSIONS[tags[259]],
    ]
    return ", ".join(part for part in parts if part)
