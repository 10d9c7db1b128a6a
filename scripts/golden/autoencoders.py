"""Tiny autoencoders of Stable Diffusion as model folders, each with what the reference encodes and decodes.

Weights are rounded to float16 on their way to the file, so both programs compute on the same numbers.
"""

import json
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file, save_file

SETTINGS = dict(
    block_out_channels=(8, 16), norm_num_groups=4, sample_size=16, down_block_types=("DownEncoderBlock2D",) * 2,
    up_block_types=("UpDecoderBlock2D",) * 2,
)
CASES = {"vae": SETTINGS, "vae-plain": SETTINGS | dict(use_quant_conv=False, use_post_quant_conv=False, layers_per_block=2)}
# The attention's keys before diffusers 0.15, which the reference still reads.
OLD_NAMES = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
WEIGHTS = "diffusion_pytorch_model.safetensors"


def record(model: AutoencoderKL, folder: Path) -> None:
    inputs = {"picture": torch.rand(2, 3, 24, 20) * 2 - 1, "latents": torch.randn(2, 4, 12, 14)}
    posterior = model.encode(inputs["picture"]).latent_dist
    outputs = {"mean": posterior.mean, "logvar": posterior.logvar, "picture": model.decode(inputs["latents"]).sample}
    model.enable_tiling()
    outputs["tiled_picture"] = model.decode(inputs["latents"]).sample
    outputs["tiled_mean"] = model.encode(inputs["picture"]).latent_dist.mean
    model.disable_tiling()
    golden = inputs | {f"output.{name}": tensor for name, tensor in outputs.items()}
    save_file({name: tensor.contiguous() for name, tensor in golden.items()}, folder / "golden.safetensors")


def write_old_names(new: Path, old: Path) -> None:
    shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(new, old)
    weights = load_file(new / WEIGHTS)
    for now, before in OLD_NAMES.items():
        weights = {name.replace(f"attentions.0.{now}.", f"attentions.0.{before}."): w for name, w in weights.items()}
    save_file(weights, old / WEIGHTS, metadata={"format": "pt"})
    # The reference reads it so.
    a, b = AutoencoderKL.from_pretrained(new).state_dict(), AutoencoderKL.from_pretrained(old).state_dict()
    assert all(torch.equal(a[name], b[name]) for name in a), json.dumps(sorted(b))


@torch.no_grad()
def write(data: Path) -> None:
    torch.manual_seed(0)
    for name, settings in CASES.items():
        folder = data / "nets" / name
        shutil.rmtree(folder, ignore_errors=True)
        model = AutoencoderKL(**settings).eval()
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter += 0.1 * torch.randn_like(parameter)
            parameter.copy_(parameter.half())
        model.half().save_pretrained(folder)
        record(model.float(), folder)
    write_old_names(data / "nets" / "vae", data / "nets" / "vae-old-names")
