"""The last member of a document: an empty one of gzip, whose comment is the digest of all that stands before.

So a document says of itself whether it is whole and undamaged, which costs no unpacking; and for gzip's other
readers it holds what it held without a seal. RFC 1952 2.3.
"""

import xxhash

_HEAD = b"\x1f\x8b\x08\x10\0\0\0\0\0\xff"  # deflate, has a comment, of no time, from no system in particular
_DIGEST_CHARACTERS = 16
_END = b"\0" + b"\x03\0" + bytes(8)  # the comment's end, nothing deflated, its CRC and its length

SEAL_BYTES = len(_HEAD) + _DIGEST_CHARACTERS + len(_END)


def seal_of(members: bytes | memoryview) -> bytes:
    """The member to put behind these."""
    return _HEAD + xxhash.xxh3_64(members).hexdigest().encode("ascii") + _END


def is_sealed(document: bytes | memoryview) -> bool:
    """Whether it is as it was written. One from before there were seals has none."""
    view = memoryview(document)
    return view[-SEAL_BYTES:] == seal_of(view[:-SEAL_BYTES])
