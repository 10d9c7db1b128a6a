#!/usr/bin/env python3
"""The real `openai` package against a server that runs: openai_client.py BASE_URL [KEY]

Generates, edits, varies, lists models, streams, and looks for the right class of error. Ends with 0 where all went well,
77 where the package is not installed."""

import base64
import inspect
import io
import struct
import sys
import zlib

try:
    import openai
except ImportError:
    print("the package openai is not installed")
    sys.exit(77)

FEW = {"prior_steps": 2, "decoder_steps": 2, "upsampler_steps": 2, "seed": 7}
NO_PRIOR = {key: FEW[key] for key in ("decoder_steps", "upsampler_steps", "seed")}


def png(side, pixel):
    """A square PNG of one color: 3 bytes a pixel, or 4 with transparency."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes(pixel) * side) * side
    head = struct.pack(">IIBBBBB", side, side, 8, 2 if len(pixel) == 3 else 6, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def named(data, name):
    file = io.BytesIO(data)
    file.name = name
    return file


def expect(error, status, call):
    try:
        call()
    except error as found:
        assert found.status_code == status, found.status_code
        assert found.message and isinstance(found.body, dict), found
        return found
    raise AssertionError(f"expected {error.__name__}")


def main(url, key):
    client = openai.OpenAI(base_url=url.rstrip("/") + "/v1", api_key=key, max_retries=0)
    models = [model.id for model in client.models.list()]
    assert len(models) == 1, models
    assert client.models.retrieve(models[0]).id == models[0]

    made = client.images.generate(prompt="a red circle", n=2, size="256x256", model="dall-e-2",
                                  response_format="b64_json", user="me", extra_body=FEW)
    images = [base64.b64decode(image.b64_json) for image in made.data]
    assert len(images) == 2 and all(image.startswith(b"\x89PNG") for image in images)
    assert struct.unpack(">II", images[0][16:24]) == (256, 256)
    linked = client.images.generate(prompt="a red circle", extra_body=FEW)
    assert linked.data[0].url.startswith(url.rstrip("/") + "/images/"), linked.data[0].url

    mask = named(png(32, (0, 0, 0, 0)), "mask.png")
    edited = client.images.edit(image=named(png(32, (200, 30, 30)), "image.png"), mask=mask, prompt="a blue circle", n=1,
                                size="256x256", response_format="b64_json", extra_body=FEW)
    assert base64.b64decode(edited.data[0].b64_json).startswith(b"\x89PNG")
    varied = client.images.create_variation(image=named(png(32, (200, 30, 30)), "image.png"), n=2,
                                            response_format="b64_json", extra_body=NO_PRIOR)
    assert len(varied.data) == 2

    expect(openai.BadRequestError, 400, lambda: client.images.generate(prompt="a", size="300x300"))
    expect(openai.BadRequestError, 400, lambda: client.images.generate(prompt=""))
    expect(openai.NotFoundError, 404, lambda: client.images.generate(prompt="a", model="dall-e-3"))
    old = expect(openai.NotFoundError, 404, lambda: client.completions.create(model="dalle", prompt="a", n=1))
    assert "/v1/images/generations" in old.message, old.message
    if key != "none":
        wrong = openai.OpenAI(base_url=client.base_url, api_key="wrong-key-0123456789", max_retries=0)
        expect(openai.AuthenticationError, 401, lambda: wrong.models.list())

    streamed = False
    if "stream" in inspect.signature(client.images.generate).parameters:
        events = list(client.images.generate(prompt="a red circle", stream=True, partial_images=1, extra_body=FEW))
        assert [event.type for event in events[:-1]] == ["image_generation.partial_image"], events
        assert events[0].partial_image_index == 0 and events[0].b64_json != events[1].b64_json
        assert events[-1].type == "image_generation.completed", events
        assert base64.b64decode(events[-1].b64_json).startswith(b"\x89PNG")
        streamed = True
    print(f"openai {openai.VERSION}: all well" + ("" if streamed else ", this client does not stream images"))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "none")
