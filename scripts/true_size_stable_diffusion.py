#!/usr/bin/env python3
"""Builds Stable Diffusion folders of true size with random weights, and compares unclip with the reference on them.

scripts/true_size_stable_diffusion.py build FOLDER [--version 1|2]
    1: 2.1 GB, 2: 2.6 GB, in bf16. Keep them outside the repository.
scripts/true_size_stable_diffusion.py compare FOLDER [--dtype bf16|f32] [--device cpu|cuda] [--steps N] [--size N]
                                             [--init IMAGE] [--program UNCLIP]

`compare` runs both programs one after the other, and prints seconds a step of the decoder (without the first, which
packs weights), seconds of the autoencoder, peak memory, and how well the pictures agree. The reference runs as in
true_size.py.
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from true_size import DTYPES, REPOSITORY, SEED, StepClock, float32_noise, peak_gib, random_net
from true_size_kandinsky import PROMPT, report, run_unclip


def nets(version: int):
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    if version == 1:  # CLIP's L/14
        text = dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12)
        unet = dict(cross_attention_dim=768, attention_head_dim=8)
    else:  # H/14 without its last layer
        text = dict(hidden_size=1024, intermediate_size=4096, num_hidden_layers=23, num_attention_heads=16)
        unet = dict(cross_attention_dim=1024, attention_head_dim=(5, 10, 20, 20), use_linear_projection=True)
    activation = "quick_gelu" if version == 1 else "gelu"
    yield "text_encoder", lambda: CLIPTextModel(CLIPTextConfig(**text, hidden_act=activation))
    yield "unet", lambda: UNet2DConditionModel(sample_size=64, **unet)
    yield "vae", lambda: AutoencoderKL(
        block_out_channels=(128, 256, 512, 512), layers_per_block=2, sample_size=512,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
    )


def build(folder: Path, version: int) -> None:
    tiny = REPOSITORY / "tests" / "data" / "stable-diffusion" / str(version)
    folder.mkdir(parents=True)
    for part in ("tokenizer", "scheduler"):
        (folder / part).mkdir()
        for file in (tiny / part).iterdir():
            (folder / part / file.name).write_bytes(file.read_bytes())
    torch.manual_seed(0)
    for name, make in nets(version):
        net = random_net(make)
        print(f"{name}: {sum(p.numel() for p in net.parameters()) / 1e6:.1f} M", flush=True)
        net.save_pretrained(folder / name)
        del net
    (folder / "model_index.json").write_bytes((tiny / "model_index.json").read_bytes())


def run_reference(arguments: argparse.Namespace, answer) -> None:
    from diffusers import StableDiffusionImg2ImgPipeline, StableDiffusionPipeline
    from diffusers.models.autoencoders import vae
    from diffusers.pipelines.stable_diffusion import pipeline_stable_diffusion, pipeline_stable_diffusion_img2img
    from PIL import Image

    for module in (pipeline_stable_diffusion, pipeline_stable_diffusion_img2img, vae):
        module.randn_tensor = float32_noise
    size = (arguments.size, arguments.size)
    if arguments.init:
        pipeline = StableDiffusionImg2ImgPipeline
        inputs = dict(image=Image.open(arguments.init).convert("RGB").resize(size, Image.LANCZOS))
    else:
        pipeline, inputs = StableDiffusionPipeline, dict(width=size[0], height=size[1])
    pipe = pipeline.from_pretrained(arguments.folder, torch_dtype=DTYPES[arguments.dtype], safety_checker=None)
    pipe.to(arguments.device).set_progress_bar_config(disable=True)
    for net in (pipe.unet, pipe.vae):
        net.to(memory_format=torch.channels_last)
    clock = StepClock()
    clock.watch("decoder", pipe.scheduler)
    with torch.inference_mode():
        image = pipe(
            PROMPT, num_inference_steps=arguments.steps, output_type="np",
            generator=torch.Generator("cpu").manual_seed(SEED), **inputs,
        ).images[0]
        end = time.perf_counter()
    seconds = clock.medians() | {"autoencoder": end - clock.marks["decoder"][-1]}
    answer.put({"seconds": seconds, "result": (image * 255).round(), "peak": peak_gib(resource.RUSAGE_SELF)})


def compare(arguments: argparse.Namespace) -> None:
    from PIL import Image

    print(f"{'seconds a step':<16}{'unclip':>10}{'reference':>12}{'ratio':>8}")
    with tempfile.TemporaryDirectory() as out:
        ours = run_unclip(arguments, [
            "--model", arguments.folder, "--steps", arguments.steps, "--size", f"{arguments.size}x{arguments.size}",
            "-o", f"{out}/", *(("--init-image", arguments.init) if arguments.init else ()),
        ])  # fmt: skip
        context = multiprocessing.get_context("spawn")
        answer = context.Queue()
        process = context.Process(target=run_reference, args=(arguments, answer))
        process.start()
        theirs = answer.get()
        process.join()
        report(ours, theirs, np.asarray(Image.open(ours["file"])), 255)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["build", "compare"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--version", type=int, choices=[1, 2], default=1)
    parser.add_argument("--dtype", choices=DTYPES, default="bf16")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--init", type=Path)
    parser.add_argument("--program", type=Path, default=REPOSITORY / "scripts" / "unclip")
    arguments = parser.parse_args()
    if arguments.action == "compare":
        compare(arguments)
    else:
        build(arguments.folder, arguments.version)


if __name__ == "__main__":
    main()
