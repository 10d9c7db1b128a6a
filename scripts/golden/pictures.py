"""pictures.jsonl: PNG, JPEG and WebP files of every kind, and the pixels that Pillow gives for them.

Needs Pillow alone. One file a line: {"name", "file": hex, "width", "height", "rgb": hex}; "alpha": hex where the file
has transparency; "largest" where colors went through an ICC profile: the difference that two versions of Little CMS
may show.
"""

import io
import itertools
import json
import struct
import zlib
from pathlib import Path

from PIL import Image, ImageCms, ImageOps

from golden.parts import icc_profiles


def load_image(file: bytes) -> Image.Image:
    """As diffusers.utils.load_image (0.42.1), but in sRGB where there is a profile for the file's colors."""
    picture = ImageOps.exif_transpose(Image.open(io.BytesIO(file)))
    profile = picture.info.get("icc_profile")
    if profile:
        colors = picture if picture.mode in ("L", "CMYK") else picture.convert("L" if picture.mode == "LA" else "RGB")
        try:
            srgb = ImageCms.createProfile("sRGB")
            return ImageCms.profileToProfile(colors, io.BytesIO(profile), srgb, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            pass  # browsers take no notice of such a profile, either
    return picture.convert("RGB")


def alpha_of(file: bytes) -> Image.Image | None:
    picture = ImageOps.exif_transpose(Image.open(io.BytesIO(file)))
    return picture.convert("RGBA").getchannel("A") if picture.has_transparency_data else None


def chunk(kind: bytes, data: bytes, crc: int | None = None) -> bytes:
    crc = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)


def png(before=b"", after=b"", depth=8, color=2, row_bytes=9, end=chunk(b"IEND", b""), idat_crc=None,
        rows=None) -> bytes:
    """Three pixels by two."""
    rows = rows or [bytes((i * 41 + y * 13 + 7) % 256 for i in range(row_bytes)) for y in range(2)]
    header = struct.pack(">IIBBBBB", 3, 2, depth, color, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows), 9), idat_crc)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + pixels + after + end


def exif(order: str, kind: int, value: bytes, count: int = 1, head: bytes | None = None) -> bytes:
    e = ">" if order == "MM" else "<"
    inline = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack(e + "I", 26)
    return (
        (head or order.encode() + struct.pack(e + "H", 42))
        + struct.pack(e + "IHHHI", 8, 1, 0x112, kind, count)
        + inline
        + struct.pack(e + "I", 0)
        + (value if len(value) > 4 else b"")
    )


def png_kinds():
    for depth, color, row_bytes in [(1, 0, 1), (2, 0, 1), (4, 0, 2), (8, 0, 3), (8, 2, 9), (8, 4, 6), (8, 6, 12)]:
        yield f"png {color} of {depth} bits", png(depth=depth, color=color, row_bytes=row_bytes)
    colors = bytes((i * 7 + 3) % 256 for i in range(3 * 256))
    for depth, row_bytes in [(1, 1), (2, 1), (4, 2), (8, 3)]:
        palette = chunk(b"PLTE", colors[: 3 * 2**depth])
        yield f"png palette of {depth} bits", png(palette, depth=depth, color=3, row_bytes=row_bytes)
        see_through = palette + chunk(b"tRNS", b"\0\x80")
        yield f"png palette of {depth} bits, transparent", png(see_through, depth=depth, color=3, row_bytes=row_bytes)
    yield "png rgb, transparent", png(chunk(b"tRNS", b"\0\7\0\x30\0\x59"))
    yield "png without its end", png(end=b"")
    yield "png with bytes behind its end", png() + b"more"
    yield "png with a wrong checksum of its pixels", png(idat_crc=5)


def orientations():
    for order in ("MM", "II"):
        e = ">" if order == "MM" else "<"
        for kind, form in [(1, "B"), (2, "B"), (3, "H"), (4, "I"), (6, "b"), (7, "B"), (8, "h"), (9, "i"), (11, "f"),
                           (12, "d"), (13, "I"), (16, "Q")]:
            yield f"{order}, type {kind}", exif(order, kind, struct.pack(e + form, 6))
        yield f"{order}, rational", exif(order, 5, struct.pack(e + "II", 12, 2))
        yield f"{order}, two numbers", exif(order, 3, struct.pack(e + "HH", 6, 3), 2)
        yield f"{order}, two long numbers", exif(order, 4, struct.pack(e + "II", 8, 3), 2)
    for number in range(10):
        yield f"number {number}", exif("MM", 3, struct.pack(">H", number))
    yield "cut off", exif("MM", 3, struct.pack(">H", 6))[:20]


def xmp(number: int) -> bytes:
    return b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="%d"/></x:xmpmeta>' % number


def png_orientations():
    for name, block in orientations():
        yield f"png eXIf: {name}", png(chunk(b"eXIf", block))
    block = exif("II", 3, struct.pack("<H", 8))
    yield "png eXIf behind the pixels", png(after=chunk(b"eXIf", block))
    profile = f"\nexif\n{len(block) + 6:8}\n{(b'Exif' + bytes(2) + block).hex()}\n".encode()
    name = b"Raw profile type exif\0"
    yield "png raw profile", png(chunk(b"tEXt", name + profile))
    yield "png raw profile, packed", png(chunk(b"zTXt", name + b"\0" + zlib.compress(profile)))
    name = b"XML:com.adobe.xmp\0"
    yield "png XMP", png(chunk(b"iTXt", name + bytes(4) + xmp(5)))
    yield "png XMP, packed", png(chunk(b"iTXt", name + b"\1\0\0\0" + zlib.compress(xmp(7))))
    yield "png eXIf before XMP", png(chunk(b"eXIf", exif("MM", 3, b"\0\1")) + chunk(b"iTXt", name + bytes(4) + xmp(5)))


def jpeg(mode: str = "RGB", **options) -> bytes:
    picture = Image.new(mode, (11, 7))
    bands = len(picture.getbands())
    values = [[(x * 20 + y * 9 + b * 60) % 256 for b in range(bands)] for y in range(7) for x in range(11)]
    picture.putdata([tuple(v) if bands > 1 else v[0] for v in values])
    file = io.BytesIO()
    picture.save(file, "jpeg", **options)
    return file.getvalue()


def marker(kind: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, kind, len(data) + 2) + data


def jpegs():
    yield "jpeg gray", jpeg("L")
    yield "jpeg", jpeg(quality=90)
    yield "jpeg, no color left out", jpeg(subsampling=0)
    yield "jpeg, colors beside each other", jpeg(subsampling=1)
    yield "jpeg progressive", jpeg(progressive=True)
    yield "jpeg RGB", jpeg(keep_rgb=True)
    yield "jpeg with restarts", jpeg(restart_marker_blocks=1)
    ink = jpeg("CMYK")
    adobe = ink.index(b"\xff\xee")
    yield "jpeg CMYK", ink
    yield "jpeg CMYK progressive", jpeg("CMYK", progressive=True)
    yield "jpeg YCCK", ink[: adobe + 15] + b"\2" + ink[adobe + 16 :]
    yield "jpeg CMYK without Adobe's marker", ink[:adobe] + ink[adobe + 16 :]
    plain = jpeg()
    scan = plain.index(b"\xff\xda")
    yield "jpeg with bytes before a marker", plain[:scan] + b"\1\2\3" + plain[scan:]
    yield "jpeg with bytes behind its end", plain + b"more"
    yield "jpeg with bytes before its end", plain[:-2] + b"\1\2" + plain[-2:]
    for name, block in orientations():
        if "type 4" in name or "type 3" in name or name == "number 2":
            yield f"jpeg EXIF: {name}", jpeg(exif=b"Exif\0\0" + block)
    long = b"Exif\0\0" + exif("MM", 3, b"\0\6")
    yield "jpeg EXIF in two markers", plain[:2] + marker(0xE1, long[:20]) + marker(0xE1, long[:6] + long[20:]) + plain[2:]
    yield "jpeg XMP", plain[:2] + marker(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp(6)) + plain[2:]


def icc_chunk(profile: bytes) -> bytes:
    return chunk(b"iCCP", b"icc\0\0" + zlib.compress(profile, 9))


def profiles():
    """Files with ICC profiles, among them some that suit no picture or not theirs."""
    rgb, gray, ink = icc_profiles.rgb(), icc_profiles.gray(), icc_profiles.cmyk()
    palette = chunk(b"PLTE", bytes((i * 7 + 3) % 256 for i in range(3 * 256)))
    yield "png with profile", png(icc_chunk(rgb))
    yield "png with profile and alpha", png(icc_chunk(rgb), color=6, row_bytes=12)
    yield "png with profile and palette", png(icc_chunk(rgb) + palette, color=3, row_bytes=3)
    yield "png with profile and orientation", png(icc_chunk(rgb) + chunk(b"eXIf", exif("MM", 3, b"\0\6")))
    yield "png gray with profile", png(icc_chunk(gray), color=0, row_bytes=3)
    yield "png gray with profile and alpha", png(icc_chunk(gray), color=4, row_bytes=6)
    yield "png with a profile for gray", png(icc_chunk(gray))
    yield "png with half a profile", png(icc_chunk(rgb[:200]))
    yield "jpeg with profile", jpeg(quality=90, icc_profile=rgb)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    yield "jpeg with sRGB as profile", jpeg(icc_profile=srgb[:24] + bytes(12) + srgb[36:])  # without the day it was made
    yield "jpeg gray with profile", jpeg("L", icc_profile=gray)
    yield "jpeg CMYK with profile", jpeg("CMYK", icc_profile=ink)
    yield "jpeg CMYK with a profile for RGB", jpeg("CMYK", icc_profile=rgb)
    yield "jpeg with half a profile", jpeg(icc_profile=rgb[:200])
    parts = marker(0xE2, b"ICC_PROFILE\0\2\2" + rgb[200:]) + marker(0xE2, b"ICC_PROFILE\0\1\2" + rgb[:200])
    yield "jpeg with profile in two markers", jpeg()[:2] + parts + jpeg()[2:]
    yield "webp with profile", webp(lossless=True, icc_profile=rgb)
    yield "webp with profile and alpha", webp("RGBA", lossless=True, exact=True, icc_profile=rgb)


def webp(mode: str = "RGB", **options) -> bytes:
    bands = len(mode)
    picture = Image.new(mode, (11, 7))
    picture.putdata([tuple((x * 20 + y * 9 + b * 60) % 256 for b in range(bands)) for y in range(7) for x in range(11)])
    file = io.BytesIO()
    picture.save(file, "webp", **options)
    return file.getvalue()


def webps():
    yield "webp", webp()
    yield "webp of low quality", webp(quality=10)
    yield "webp, lossless", webp(lossless=True)
    yield "webp with alpha", webp("RGBA")
    yield "webp with alpha, lossless", webp("RGBA", lossless=True)
    yield "webp with alpha, lossless, hidden colors kept", webp("RGBA", lossless=True, exact=True)
    yield "webp with bytes behind its end", webp() + b"more"
    for number in range(1, 9):
        yield f"webp EXIF {number}", webp(lossless=True, exif=b"Exif\0\0" + exif("MM", 3, struct.pack(">H", number)))
    yield "webp XMP", webp(lossless=True, xmp=xmp(6))


def write_wide(out) -> None:
    """PNG of 16 bits: Pillow cuts the samples, the program rounds them to 8 bits."""
    for color, samples, transparent in [(0, 1, b""), (0, 1, b"\0\7"), (2, 3, b""), (4, 2, b""), (6, 4, b"")]:
        values = [(i * 9377 + 7) % 65536 if i else 7 for i in range(2 * 3 * samples)]
        half = 3 * samples
        rows = [struct.pack(f">{half}H", *values[:half]), struct.pack(f">{half}H", *values[half:])]
        file = png(chunk(b"tRNS", transparent) if transparent else b"", depth=16, color=color, rows=rows)
        pixels = [values[i : i + samples] for i in range(0, len(values), samples)]
        color_samples = 3 if samples > 2 else 1
        eight = [[(value * 2 + 257) // 514 for value in pixel] for pixel in pixels]
        rgb = [(pixel[:color_samples] * 3)[:3] for pixel in eight]
        line = {"name": f"png {color} of 16 bits" + (", transparent" if transparent else ""), "file": file.hex(),
                "width": 3, "height": 2, "rgb": bytes(itertools.chain(*rgb)).hex()}
        if samples in (2, 4):
            line["alpha"] = bytes(pixel[-1] for pixel in eight).hex()
        if transparent:
            line["alpha"] = bytes(0 if pixel == [7] else 255 for pixel in pixels).hex()
        out.write(json.dumps(line) + "\n")


def write(data: Path) -> None:
    with open(data / "pictures.jsonl", "w") as out:
        write_wide(out)
        for cases in (png_kinds(), png_orientations(), jpegs(), webps(), profiles()):
            for name, file in cases:
                picture = load_image(file)
                line = {"name": name, "file": file.hex(), "width": picture.width, "height": picture.height,
                        "rgb": picture.tobytes().hex()}
                if alpha := alpha_of(file):
                    line["alpha"] = alpha.tobytes().hex()
                if "icc_profile" in Image.open(io.BytesIO(file)).info:
                    line["largest"] = 1
                out.write(json.dumps(line) + "\n")
