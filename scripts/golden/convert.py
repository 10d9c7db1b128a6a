"""Checkpoints of torch.save in both of its layouts, and what the safetensors package makes of them.

tests/data/convert/NAME.bin is torch's zip file, NAME.old.bin the layout from before torch 1.6, and NAME.safetensors
what both must become. The model folder is in tests/data/convert/folder, with shards, a variant and other pickles.
"""

import json
import pickle
import shutil
import struct
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


def numbers(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.arange(1, torch.Size(shape).numel() + 1).reshape(shape).to(dtype)


def types() -> dict:
    floats = [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64]
    integers = [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]
    tensors = {str(dtype).removeprefix("torch."): numbers(2, 3, dtype=dtype) / 3 for dtype in floats}
    tensors |= {str(dtype).removeprefix("torch."): numbers(5, dtype=dtype) - 2 for dtype in integers}
    others = {"bool": torch.tensor([True, False, True]), "scalar": torch.tensor(2.5), "empty": torch.zeros(0, 7)}
    return tensors | others | {"name with ‹quotes› \"and\" \\": numbers(1)}


def newer_types() -> dict:
    kinds = [torch.uint16, torch.uint32, torch.uint64, torch.float8_e4m3fn, torch.float8_e5m2]
    return {str(dtype).removeprefix("torch."): numbers(6, dtype=torch.float32).to(dtype) for dtype in kinds}


def views() -> dict:
    base = numbers(6, 8)
    half = numbers(4, 6, dtype=torch.bfloat16)
    return {
        "whole": base, "again": base, "transposed": base.t(), "column": base[:, 3], "every other": base[::2, 1::3],
        "rows": base[2:4], "last": base[5, 7], "cube": base.reshape(2, 3, 8).permute(2, 0, 1), "none": base[6:],
        "diagonal": base.diagonal(), "half": half.t(), "half part": half[1:3, 2:5],
        "channels last": numbers(2, 3, 4, 5, dtype=torch.float16).to(memory_format=torch.channels_last),
        "one wide": numbers(3).expand(1, 1, 3), "repeated": numbers(1, 4)[:, :2].expand(2, 2),
    }


def module() -> dict:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 2))
    return net.state_dict()


def parameters() -> dict:
    weight = torch.nn.Parameter(numbers(3, 2))
    return {"weight": weight, "tied": weight, "fixed": torch.nn.Parameter(numbers(2), requires_grad=False)}


def legacy_with_view() -> bytes:
    """Torch 0.x named parts of storages; today's torch reads but never writes that."""
    tensors = b"\x80\x02}("
    for name, offset in [("first", 0), ("second", 4)]:
        tensors += b"X" + struct.pack("<I", len(name)) + name.encode()
        tensors += b"ctorch._utils\n_rebuild_tensor\n((U\x07storagectorch\nFloatStorage\nU\x01aU\x03cpuK\x08"
        tensors += b"(U\x01" + name[:1].encode() + b"K" + bytes([offset]) + b"K\x04ttQK\x01K\x03\x85K\x01\x85tR"
    head = [pickle.dumps(value, 2) for value in (MAGIC, PROTOCOL, {"little_endian": True})]
    data = struct.pack("<q8f", 8, *range(8))
    return b"".join(head) + tensors + b"u." + pickle.dumps(["a"], 2) + data


def contiguous(tensors: dict) -> dict:
    return {name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}


def write_folder(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("unet", "text_encoder", "vae", "tokenizer"):
        (folder / part).mkdir(parents=True)
    (folder / "model_index.json").write_text('{"_class_name": "UnCLIPPipeline"}\n')
    (folder / "tokenizer" / "merges.txt").write_text("#version: 0.2\n")
    for part in ("unet", "text_encoder", "vae"):
        (folder / part / "config.json").write_text(json.dumps({"part": part}) + "\n")
    torch.save({"w": numbers(2, 2)}, folder / "unet" / "diffusion_pytorch_model.bin")
    torch.save({"w": numbers(2, 2).half()}, folder / "unet" / "diffusion_pytorch_model.fp16.bin")
    torch.save({"step": 3}, folder / "unet" / "optimizer.bin")
    shards = {
        "pytorch_model-00001-of-00002.bin": {"a": numbers(3)},
        "pytorch_model-00002-of-00002.bin": {"b": numbers(4), "c": numbers(1)},
    }
    for name, tensors in shards.items():
        torch.save(tensors, folder / "text_encoder" / name)
    weight_map = {tensor: name for name, tensors in shards.items() for tensor in tensors}
    index = {"metadata": {"total_size": 32}, "weight_map": weight_map}
    (folder / "text_encoder" / "pytorch_model.bin.index.json").write_text(json.dumps(index, indent=2) + "\n")
    torch.save({"w": numbers(2)}, folder / "vae" / "diffusion_pytorch_model.bin", _use_new_zipfile_serialization=False)
    save_file({"v": numbers(2)}, folder / "vae" / "other.safetensors")


def write(data: Path) -> None:
    folder = data / "convert"
    folder.mkdir(exist_ok=True)
    cases = {"types": types(), "newer-types": newer_types(), "views": views(), "module": module()}
    cases["parameters"] = parameters()
    nested = {"ema": {"a": numbers(2), "deep": {"b": numbers(3)}}, "step": 7, "rates": [0.1, 0.2], "name": "x"}
    wrapped = {"epoch": 3, "state_dict": module(), "loss": 0.5, "done": True, "shape": torch.Size([2, 3])}
    sources = cases | {"nested": nested | {"big": 1 << 90}, "wrapped": wrapped | {"optimizer": {"lr": 0.1}}}
    expected = cases | {"nested": {"ema.a": numbers(2), "ema.deep.b": numbers(3)}, "wrapped": module()}
    for name, content in sources.items():
        torch.save(content, folder / f"{name}.bin")
        if name != "newer-types":  # torch writes their old layout but cannot read it
            torch.save(content, folder / f"{name}.old.bin", _use_new_zipfile_serialization=False)
        save_file(contiguous(expected[name]), folder / f"{name}.safetensors")
        for file in folder.glob(f"{name}*.bin"):
            torch.load(file, weights_only=True)
    (folder / "storage-views.old.bin").write_bytes(legacy_with_view())
    loaded = torch.load(folder / "storage-views.old.bin", weights_only=True)
    save_file(contiguous(loaded), folder / "storage-views.safetensors")
    # A component of the tiny model, for `unclip pull`.
    component = load_file(data / "karlo-tiny" / "text_proj" / "diffusion_pytorch_model.safetensors")
    torch.save(component, folder / "text_proj.bin")
    write_folder(folder / "folder")
