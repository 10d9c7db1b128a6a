"""Small ICC profiles (version 2) for gray, RGB and ink, as bytes."""

import itertools
import struct


def s15(*numbers: float) -> bytes:
    return b"".join(struct.pack(">i", round(n * 65536)) for n in numbers)


def xyz(x: float, y: float, z: float) -> bytes:
    return b"XYZ " + bytes(4) + s15(x, y, z)


def gamma(value: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IHxx", 1, round(value * 256))


def text(value: bytes) -> bytes:
    return b"text" + bytes(4) + value + b"\0"


def description(value: bytes) -> bytes:
    return b"desc" + bytes(4) + struct.pack(">I", len(value) + 1) + value + bytes(1 + 78)


def profile(device: bytes, colors: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    tags = {b"desc": description(b"test"), b"cprt": text(b"none"), b"wtpt": xyz(0.9642, 1, 0.8249), **tags}
    table, data = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        table += name + struct.pack(">II", 128 + 4 + 12 * len(tags) + len(data), len(value))
        data += value.ljust((len(value) + 3) // 4 * 4, b"\0")
    size = 128 + len(table) + len(data)
    head = struct.pack(">I4xI", size, 0x02400000) + device + colors + connection
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + s15(0.9642, 1, 0.8249)
    return head.ljust(128, b"\0") + table + data


def rgb() -> bytes:
    """Wide: the primaries of Adobe RGB (1998), gamma 1.8."""
    curve = gamma(1.8)
    return profile(b"mntr", b"RGB ", b"XYZ ", {
        b"rXYZ": xyz(0.60974, 0.31111, 0.01947), b"gXYZ": xyz(0.20528, 0.62567, 0.06087),
        b"bXYZ": xyz(0.14919, 0.06322, 0.74457), b"rTRC": curve, b"gTRC": curve, b"bTRC": curve})


def gray() -> bytes:
    return profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": gamma(1.5)})


def cmyk() -> bytes:
    """A table of 3^4 places to Lab: paper is slightly yellow, inks are impure."""
    levels = (0, 0.5, 1)
    places = bytearray()
    for c, m, y, k in itertools.product(levels, repeat=4):
        light = (1 - 0.45 * c) * (1 - 0.5 * m) * (1 - 0.1 * y) * (1 - 0.9 * k)
        a, b = (-35 * c + 70 * m - 5 * y) * (1 - k), (-45 * c - 3 * m + 85 * y + 3) * (1 - k)
        places += bytes((round(light * 250), round(a + 128), round(b + 128)))
    straight = bytes(range(256))
    table = b"mft1" + bytes(4) + bytes((4, 3, 3, 0)) + s15(1, 0, 0, 0, 1, 0, 0, 0, 1)
    table += straight * 4 + places + straight * 3
    return profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": table})
