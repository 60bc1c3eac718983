"""Values of big endian data sets, in little endian. PS3.5 7.3."""

from array import array
from typing import Final

_UNIT_BYTES: Final = {
    **dict.fromkeys(("AT", "OW", "SS", "US"), 2),
    **dict.fromkeys(("FL", "OF", "OL", "SL", "UL"), 4),
    **dict.fromkeys(("FD", "OD", "OV", "SV", "UV"), 8),
}
_TYPE_CODES: Final = {array(code).itemsize: code for code in "HIQ"}
_PIXEL_DATA: Final = 0x7FE00010


def swap_unit_bytes(tag: int, vr: str, bits_allocated: int) -> int:
    """How many bytes are swapped as one in a value; 1 for none.

    Pixel cells of 32 and 64 bits are swapped as a whole, though they are OW: no writer of big endian is known
    that does otherwise. An unresolved "OB or OW" is an UN's, whose byte order nobody knows.
    """
    if tag == _PIXEL_DATA and vr == "OW" and bits_allocated in (32, 64):
        return bits_allocated // 8
    return _UNIT_BYTES.get(vr, 1)


def swapped(value: bytes | memoryview, unit_bytes: int) -> bytes:
    """The value with the bytes of each unit in reverse; what is over at the end stays as it is."""
    if unit_bytes == 1:
        return bytes(value)
    units = array(_TYPE_CODES[unit_bytes])
    whole = len(value) - len(value) % unit_bytes
    units.frombytes(value[:whole])
    units.byteswap()
    return units.tobytes() + bytes(value[whole:])
