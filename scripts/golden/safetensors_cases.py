"""Crafted safetensors files, good and bad, each with the verdict of the Python package (0.8.0).

"refusal" is a part of our message, None where the file is good; "python" is the package's message, None where it
accepts. The two disagree only in the group STRICTER: rules that the format's text states and the package does not
check, and spellings that no writer uses.
"""

import json
import struct
from pathlib import Path

from safetensors import SafetensorError, deserialize

GOOD_ENTRY = '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'
GOOD_HEADER = '{"a":%s}' % GOOD_ENTRY
DTYPES = {  # bytes of eight elements
    **dict.fromkeys(["F4"], 4), **dict.fromkeys(["F6_E2M3", "F6_E3M2"], 6),
    **dict.fromkeys(["BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"], 8),
    **dict.fromkeys(["I16", "U16", "F16", "BF16"], 16), **dict.fromkeys(["I32", "U32", "F32"], 32),
    **dict.fromkeys(["C64", "F64", "I64", "U64"], 64),
}


def raw(header: bytes, data: bytes = b"", length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def file(header: str, data: int = 4) -> bytes:
    return raw(header.encode(), b"\1" * data)


def entry(dtype='"F32"', shape="[1]", offsets="[0,4]", more="", data: int = 4) -> bytes:
    return file('{"a":{"dtype":%s,"shape":%s,"data_offsets":%s%s}}' % (dtype, shape, offsets, more), data)


def two(first: tuple[int, int], second: tuple[int, int], data: int) -> bytes:
    """Two tensors of bytes at the given offsets."""
    tensors = {
        name: {"dtype": "U8", "shape": [end - begin], "data_offsets": [begin, end]}
        for name, (begin, end) in zip("ab", [first, second])
    }
    return file(json.dumps(tensors), data)


def nested(depth: int) -> bytes:
    return entry(more=',"x":' + "[" * depth + "]" * depth)


GOOD = {
    "plain": file(GOOD_HEADER),
    "no tensors": file("{}", 0),
    "space padding": file(GOOD_HEADER + " " * 9),
    "spaces inside": file(GOOD_HEADER.replace(":", " :\n\t ")),
    "metadata": file('{"__metadata__":{"format":"pt","é":"\\u0041"},"a":%s}' % GOOD_ENTRY),
    "metadata is null": file('{"__metadata__":null,"a":%s}' % GOOD_ENTRY),
    "metadata is empty": file('{"__metadata__":{},"a":%s}' % GOOD_ENTRY),
    "scalar": entry(shape="[]"),
    "no elements": entry(shape="[0,7]", offsets="[0,0]", data=0),
    "several without elements": file(
        '{"b":{"dtype":"F32","shape":[0],"data_offsets":[4,4]},"a":%s,'
        '"c":{"dtype":"I8","shape":[2,0],"data_offsets":[0,0]}}' % GOOD_ENTRY
    ),
    "largest size of nothing": entry(shape="[0,9223372036854775807]", offsets="[0,0]", data=0),
    "product beyond int64 before a zero": entry(shape="[4294967269,4294967296,0]", offsets="[0,0]", data=0),
    "not in order of offsets": two((3, 7), (0, 3), 7),
    "empty name": file('{"":%s}' % GOOD_ENTRY),
    "name with a NUL escape": file('{"a\\u0000b":%s}' % GOOD_ENTRY),
    "name with a surrogate pair": file('{"\\ud83d\\ude00":%s}' % GOOD_ENTRY),
    "unknown field": entry(more=',"x":[1,{"y":-1.5e3}]'),
    "nested as deep as may be": nested(125),
    **{
        f"dtype {name}": entry(f'"{name}"', "[2,4]", f"[0,{size}]", data=size) for name, size in DTYPES.items()
    },
}

BAD = {
    "empty file": (b"", "at least 8 bytes, found 0"),
    "seven bytes": (b"\2\0\0\0\0\0\0", "at least 8 bytes, found 7"),
    "length only": (raw(b"", length=2), "should have 2 bytes, but only 0 follow"),
    "header of no bytes": (raw(b""), "does not start with '{'"),
    "header longer than the file": (raw(GOOD_HEADER.encode(), length=1000), "should have 1000 bytes"),
    "header one byte longer": (raw(b"{}", length=3), "should have 3 bytes, but only 2 follow"),
    "header above the limit": (raw(b"{}", length=100_000_001), "at most 100000000 bytes, found a length of 100000001"),
    "header length overflows": (raw(b"{}", length=2**64 - 1), "found a length of 18446744073709551615"),
    "header length wraps to the start": (raw(b"{}", length=2**64 - 8), "at most 100000000 bytes"),
    "header length is big endian": (struct.pack(">Q", 2) + b"{}", "at most 100000000 bytes"),
    "not JSON": (raw(b"hello"), "does not start with '{'"),
    "array": (file("[]", 0), "does not start with '{'"),
    "string": (file('"a"', 0), "does not start with '{'"),
    "byte order mark": (raw(b"\xef\xbb\xbf" + GOOD_HEADER.encode(), b"1234"), "does not start with '{'"),
    "pickle": (b"\x80\x02}q\0X\1\0\0\0aq\1K\1s.", "at most 100000000 bytes"),
    "zip": (b"PK\3\4" + bytes(60), "but only 56 follow"),
    "unfinished JSON": (raw(b'{"a":{"dtype":"F32"}   '), "header is not JSON"),
    "cut after a key": (raw(b'{"a"'), "does not end with '}'"),
    "length cuts the header": (raw(GOOD_HEADER.encode(), b"1234", len(GOOD_HEADER) - 1), "header is not JSON"),
    "trailing comma": (file('{"a":%s,}' % GOOD_ENTRY), "header is not JSON"),
    "single quotes": (file(GOOD_HEADER.replace('"', "'")), "header is not JSON"),
    "comment": (file("{/**/}", 0), "header is not JSON"),
    "two objects": (file("{}{}", 0), "header is not JSON"),
    "text after the object": (file(GOOD_HEADER + "x"), "does not end with '}'"),
    "NUL padding": (file(GOOD_HEADER + "\0\0"), "padding by spaces"),
    "NUL and more JSON": (file(GOOD_HEADER + '\0{"b":1}'), "contains a NUL byte"),
    "NUL in a name": (file('{"a\0":%s}' % GOOD_ENTRY), "contains a NUL byte"),
    "line break in a name": (file('{"a\n":%s}' % GOOD_ENTRY), "header is not JSON"),
    "not UTF-8": (raw(GOOD_HEADER.encode().replace(b"a", b"\xff", 1), b"1234"), "header is not JSON"),
    "overlong UTF-8": (raw(GOOD_HEADER.encode().replace(b"a", b"\xc0\xaf", 1), b"1234"), "header is not JSON"),
    "UTF-8 surrogate": (raw(GOOD_HEADER.encode().replace(b"a", b"\xed\xa0\x80", 1), b"1234"), "header is not JSON"),
    "lone surrogate escape": (file('{"\\ud800":%s}' % GOOD_ENTRY), "header is not JSON"),
    "number without bounds": (entry(more=',"x":1e999'), "header is not JSON"),
    "not a number": (entry(shape="[NaN]"), "header is not JSON"),
    "leading zero": (entry(shape="[01]"), "header is not JSON"),
    "nested too deeply": (nested(126), "nested too deeply"),
    "nested far too deeply": (nested(1000), "nested too deeply"),
    "tensor is null": (file('{"a":null}', 0), "is not an object"),
    "tensor is a number": (file('{"a":4}', 0), "is not an object"),
    "tensor is an empty array": (file('{"a":[]}', 0), "is not an object"),
    "tensor is empty": (file('{"a":{}}', 0), 'has no "dtype"'),
    "no dtype": (file('{"a":{"shape":[1],"data_offsets":[0,4]}}'), 'has no "dtype"'),
    "no shape": (file('{"a":{"dtype":"F32","data_offsets":[0,4]}}'), 'has no "shape"'),
    "no offsets": (file('{"a":{"dtype":"F32","shape":[1]}}'), 'has no "data_offsets"'),
    "unknown dtype": (entry('"F33"'), 'unknown dtype "F33"'),
    "dtype in small letters": (entry('"f32"'), 'unknown dtype "f32"'),
    "empty dtype": (entry('""'), 'unknown dtype ""'),
    "dtype is a number": (entry("32"), "dtype that is not a string"),
    "dtype is null": (entry("null"), "dtype that is not a string"),
    "shape is a number": (entry(shape="1"), "shape is not an array"),
    "shape is null": (entry(shape="null"), "shape is not an array"),
    "shape is an object": (entry(shape="{}"), "shape is not an array"),
    "negative size": (entry(shape="[-1]"), "whole numbers from 0"),
    "two negative sizes": (entry(shape="[-1,-1]"), "whole numbers from 0"),
    "negative zero": (entry(shape="[-0]", offsets="[0,0]", data=0), "whole numbers from 0"),
    "fraction of a size": (entry(shape="[1.0]"), "whole numbers from 0"),
    "size with an exponent": (entry(shape="[1e0]"), "whole numbers from 0"),
    "size as a string": (entry(shape='["1"]'), "whole numbers from 0"),
    "size is true": (entry(shape="[true]"), "whole numbers from 0"),
    "size is an array": (entry(shape="[[1]]"), "whole numbers from 0"),
    "size of 2^64": (entry(shape="[18446744073709551616]"), "whole numbers from 0"),
    "product of sizes overflows": (entry(shape="[4294967296,4294967296]"), "too large for any file"),
    "product overflows to the right size": (entry(shape="[9223372036854775807,2,2,1]"), "too large for any file"),
    "product overflows before a zero": (
        entry(shape="[4294967296,4294967296,0]", offsets="[0,0]", data=0), "too large for any file"
    ),
    "bytes overflow": (entry(shape="[4611686018427387905]"), "too large for any file"),
    "half a byte": (entry('"F4"', "[3]", "[0,1]", data=1), "does not end at a whole byte"),
    "offsets are null": (entry(offsets="null"), "data_offsets is not an array"),
    "one offset": (entry(offsets="[0]"), "should hold 2 numbers, found 1"),
    "three offsets": (entry(offsets="[0,4,8]"), "should hold 2 numbers, found 3"),
    "offset below zero": (entry(offsets="[-4,0]"), "whole numbers from 0"),
    "fraction of an offset": (entry(offsets="[0,4.5]"), "whole numbers from 0"),
    "ends before it begins": (entry(offsets="[4,0]"), "ends before it begins"),
    "far beyond the file": (entry(offsets="[0,4000000000]"), "should have 4 bytes by its shape and dtype"),
    "end is the largest number": (entry(offsets="[0,18446744073709551615]"), "whole numbers from 0"),
    "larger than its shape": (entry(offsets="[0,8]", data=8), "should have 4 bytes by its shape and dtype, found 8"),
    "smaller than its shape": (entry(shape="[2]"), "should have 8 bytes by its shape and dtype, found 4"),
    "shape of the wrong dtype": (entry('"F16"'), "should have 2 bytes by its shape and dtype, found 4"),
    "data missing": (entry(data=0), "describes 4 bytes of data, found 0"),
    "data cut": (entry(data=3), "describes 4 bytes of data, found 3"),
    "data left over": (entry(data=5), "describes 4 bytes of data, found 5"),
    "data without tensors": (file("{}", 4), "describes 0 bytes of data, found 4"),
    "hole at the start": (entry(offsets="[4,8]", data=8), "begins at byte 4 of the data, expected 0 (gap)"),
    "hole between": (two((0, 2), (3, 5), 5), "begins at byte 3 of the data, expected 2 (gap)"),
    "overlap": (two((0, 3), (2, 5), 5), "begins at byte 2 of the data, expected 3 (overlap)"),
    "same bytes twice": (two((0, 4), (0, 4), 4), "begins at byte 0 of the data, expected 4 (overlap)"),
    "one inside the other": (two((0, 6), (2, 4), 6), "begins at byte 2 of the data, expected 6 (overlap)"),
    "field twice": (entry(more=',"shape":[1]'), 'duplicate key "shape"'),
    "metadata twice": (file('{"__metadata__":{},"__metadata__":{}}', 0), 'duplicate key "__metadata__"'),
    "metadata is a string": (file('{"__metadata__":"pt"}', 0), "__metadata__ is not an object"),
    "metadata is an array": (file('{"__metadata__":["pt"]}', 0), "__metadata__ is not an object"),
    "metadata holds a number": (file('{"__metadata__":{"step":3}}', 0), 'value of "step" is not a string'),
    "metadata holds an object": (file('{"__metadata__":{"a":{}}}', 0), 'value of "a" is not a string'),
    "metadata is a tensor": (file('{"__metadata__":%s}' % GOOD_ENTRY), "is not a string"),
}

STRICTER = {
    "leading space": (file(" " + GOOD_HEADER), "does not start with '{'"),
    "line break as padding": (file(GOOD_HEADER + "\n"), "does not end with '}' and padding by spaces"),
    "tab before the padding": (file(GOOD_HEADER + "\t  "), "does not end with '}' and padding by spaces"),
    "tensor twice": (file('{"a":%s,"a":%s}' % (GOOD_ENTRY, GOOD_ENTRY)), 'duplicate key "a"'),
    "tensor twice, once escaped": (file('{"a":%s,"\\u0061":%s}' % (GOOD_ENTRY, GOOD_ENTRY)), 'duplicate key "a"'),
    "metadata key twice": (file('{"__metadata__":{"k":"1","k":"2"}}', 0), 'duplicate key "k"'),
    "tensor spelled as an array": (file('{"a":["F32",[1],[0,4]]}'), "is not an object"),
    "dtype spelled as an object": (entry('{"F32":null}'), "dtype that is not a string"),
    "size that no tensor can have": (
        entry(shape="[0,18446744073709551615]", offsets="[0,0]", data=0), "whole numbers from 0"
    ),
}


def verdict(content: bytes) -> str | None:
    try:
        deserialize(content)
    except SafetensorError as error:
        return str(error).split(": ", 1)[-1][:100]
    return None


def write(data: Path) -> None:
    cases = []
    groups = [(n, c, None) for n, c in GOOD.items()] + [(n, *c) for g in (BAD, STRICTER) for n, c in g.items()]
    for name, content, refusal in groups:
        python = verdict(content)
        assert (python is None) == (name in GOOD or name in STRICTER), f"{name}: {python}"
        cases.append({"name": name, "file": content.hex(), "refusal": refusal, "python": python})
    text = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    (data / "safetensors_cases.json").write_text(f"[\n{text}\n]\n")
