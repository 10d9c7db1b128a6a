#!/usr/bin/env python3
"""Builds Kandinsky folders of true size with random weights, and compares unclip with the reference on them.

scripts/true_size_kandinsky.py build FOLDER [--family 2.1|2.2] [--parts decoder prior]
    FOLDER/decoder (2.1: 3.7 GB, 2.2: 2.6 GB) and FOLDER/prior (2.9 GB, 7.1 GB), in bf16. Keep them outside the
    repository.
scripts/true_size_kandinsky.py compare FOLDER [--family 2.1|2.2] [--parts decoder prior] [--dtype bf16|f32]
                                       [--device cpu|cuda] [--steps P D] [--size N] [--program UNCLIP]

`compare` runs both programs part by part, one after the other, so that one half of the model is in memory at a time:
the prior as `generate --save-embedding`, the decoder as `generate --embedding`. It prints seconds a step for each stage
(without the first, which packs weights), peak memory, and how well embeddings and pictures agree. The reference runs as
in true_size.py.
"""

import argparse
import json
import multiprocessing
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from true_size import REPOSITORY, SEED, StepClock, float32_noise, peak_gib, random_net

PROMPT = "a red circle on a blue background"
WIDTHS = {"2.1": 768, "2.2": 1280}  # of the image embedding
TEXT_WIDTH = 1024  # of the multilingual text encoder
DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}


def decoder_nets(family: str):
    from diffusers import UNet2DConditionModel, VQModel
    from diffusers.pipelines.kandinsky.text_encoder import MCLIPConfig, MultilingualCLIP

    width = WIDTHS[family]
    if family == "2.1":
        conditioning = dict(
            encoder_hid_dim=TEXT_WIDTH, encoder_hid_dim_type="text_image_proj", addition_embed_type="text_image"
        )  # fmt: skip
        yield "text_encoder", lambda: MultilingualCLIP(MCLIPConfig(  # of XLM-RoBERTa large
            transformerDimSize=TEXT_WIDTH, imageDimSize=width, vocab_size=250002, hidden_size=TEXT_WIDTH,
            intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16, max_position_embeddings=514,
            type_vocab_size=1, layer_norm_eps=1e-5, pad_token_id=1, bos_token_id=0, eos_token_id=2,
        ))  # fmt: skip
    else:
        conditioning = dict(encoder_hid_dim=width, encoder_hid_dim_type="image_proj", addition_embed_type="image")
    yield "unet", lambda: UNet2DConditionModel(
        sample_size=64, in_channels=4, out_channels=8, block_out_channels=(384, 768, 1152, 1536), layers_per_block=3,
        down_block_types=("ResnetDownsampleBlock2D",) + ("SimpleCrossAttnDownBlock2D",) * 3,
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        up_block_types=("SimpleCrossAttnUpBlock2D",) * 3 + ("ResnetUpsampleBlock2D",),
        cross_attention_dim=768, attention_head_dim=64, resnet_time_scale_shift="scale_shift", **conditioning,
    )
    yield "movq", lambda: VQModel(
        block_out_channels=(128, 256, 256, 512), layers_per_block=2, latent_channels=4, vq_embed_dim=4,
        num_vq_embeddings=16384, norm_type="spatial",
        down_block_types=("DownEncoderBlock2D",) * 3 + ("AttnDownEncoderBlock2D",),
        up_block_types=("AttnUpDecoderBlock2D",) + ("UpDecoderBlock2D",) * 3,
    )


def prior_nets(family: str):
    from diffusers import PriorTransformer
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection, CLIPVisionConfig, CLIPVisionModelWithProjection

    width = WIDTHS[family]
    large = family == "2.1"  # CLIP's L/14; else bigG/14
    activation = "quick_gelu" if large else "gelu"
    text = CLIPTextConfig(
        hidden_size=width, intermediate_size=4 * width, projection_dim=width, num_hidden_layers=12 if large else 32,
        num_attention_heads=12 if large else 20, hidden_act=activation,
    )
    vision = CLIPVisionConfig(
        hidden_size=1024 if large else 1664, intermediate_size=4096 if large else 8192, projection_dim=width,
        num_hidden_layers=24 if large else 48, num_attention_heads=16, image_size=224, patch_size=14,
        hidden_act=activation,
    )
    yield "text_encoder", lambda: CLIPTextModelWithProjection(text)
    yield "image_encoder", lambda: CLIPVisionModelWithProjection(vision)
    yield "prior", lambda: PriorTransformer(embedding_dim=width)


def build(folder: Path, family: str, part: str) -> None:
    tiny = REPOSITORY / "tests" / "data" / "kandinsky" / {"decoder": family, "prior": f"{family}-prior"}[part]
    nets = dict({"decoder": decoder_nets, "prior": prior_nets}[part](family))
    index = json.loads((tiny / "model_index.json").read_text())
    for name in (n for n, value in index.items() if isinstance(value, list) and n not in nets):
        (folder / part / name).mkdir(parents=True)
        for file in (tiny / name).iterdir():
            (folder / part / name / file.name).write_bytes(file.read_bytes())
    torch.manual_seed(0)
    for name, make in nets.items():
        net = random_net(make)
        print(f"{part}/{name}: {sum(p.numel() for p in net.parameters()) / 1e6:.1f} M", flush=True)
        net.save_pretrained(folder / part / name)
        del net
    (folder / part / "model_index.json").write_text(json.dumps(index))


def run_unclip(arguments: argparse.Namespace, more: list) -> dict:
    command = [
        arguments.program, "generate", PROMPT, "--seed", SEED, "--dtype", arguments.dtype, "--device", arguments.device,
        "--json", "--quiet", *more,
    ]
    process = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, text=True)
    if process.returncode != 0:
        sys.exit(f"unclip failed with exit code {process.returncode}")
    return json.loads(process.stdout) | {"peak": peak_gib(resource.RUSAGE_CHILDREN)}


def reference_decoder(arguments: argparse.Namespace, embedding: Path, answer) -> None:
    from diffusers import KandinskyPipeline, KandinskyV22Pipeline
    from diffusers.pipelines.kandinsky import pipeline_kandinsky
    from diffusers.pipelines.kandinsky2_2 import pipeline_kandinsky2_2
    from diffusers.schedulers import scheduling_ddpm

    for module in (pipeline_kandinsky, pipeline_kandinsky2_2, scheduling_ddpm):
        module.randn_tensor = float32_noise
    pipeline, prompt = (KandinskyPipeline, [PROMPT]) if arguments.family == "2.1" else (KandinskyV22Pipeline, [])
    pipe = pipeline.from_pretrained(arguments.folder / "decoder", torch_dtype=DTYPES[arguments.dtype])
    pipe.to(arguments.device).set_progress_bar_config(disable=True)
    for net in (pipe.unet, pipe.movq):
        net.to(memory_format=torch.channels_last)
    clock = StepClock()
    clock.watch("decoder", pipe.scheduler)
    tensors = {k: v.to(arguments.device) for k, v in load_file(embedding).items()}
    with torch.inference_mode():
        image = pipe(
            *prompt, image_embeds=tensors["image_embeds"], negative_image_embeds=tensors["negative_image_embeds"],
            num_inference_steps=arguments.steps[1], width=arguments.size, height=arguments.size, output_type="np",
            generator=torch.Generator("cpu").manual_seed(SEED),
        ).images[0]
        end = time.perf_counter()
    seconds = clock.medians() | {"autoencoder": end - clock.marks["decoder"][-1]}
    answer.put({"seconds": seconds, "result": (image * 255).round(), "peak": peak_gib(resource.RUSAGE_SELF)})


def reference_prior(arguments: argparse.Namespace, _, answer) -> None:
    from diffusers import KandinskyPriorPipeline, KandinskyV22PriorPipeline
    from diffusers.pipelines.kandinsky import pipeline_kandinsky_prior
    from diffusers.pipelines.kandinsky2_2 import pipeline_kandinsky2_2_prior
    from diffusers.schedulers import scheduling_unclip

    for module in (pipeline_kandinsky_prior, pipeline_kandinsky2_2_prior, scheduling_unclip):
        module.randn_tensor = float32_noise
    pipeline = KandinskyPriorPipeline if arguments.family == "2.1" else KandinskyV22PriorPipeline
    pipe = pipeline.from_pretrained(arguments.folder / "prior", torch_dtype=DTYPES[arguments.dtype])
    pipe.to(arguments.device).set_progress_bar_config(disable=True)
    clock = StepClock()
    clock.watch("prior", pipe.scheduler)
    with torch.inference_mode():
        made = pipe(PROMPT, num_inference_steps=arguments.steps[0], generator=torch.Generator("cpu").manual_seed(SEED))
    result = made.image_embeds.float().cpu().numpy()
    answer.put({"seconds": clock.medians(), "result": result, "peak": peak_gib(resource.RUSAGE_SELF)})


def run_reference(part: str, arguments: argparse.Namespace, embedding: Path) -> dict:
    """In a process of its own, whose peak memory is then that of this part."""
    context = multiprocessing.get_context("spawn")
    answer = context.Queue()
    run = {"decoder": reference_decoder, "prior": reference_prior}[part]
    process = context.Process(target=run, args=(arguments, embedding, answer))
    process.start()
    result = answer.get()
    process.join()
    return result


def report(ours: dict, theirs: dict, found: np.ndarray, largest: float) -> None:
    for stage, seconds in theirs["seconds"].items():
        mine = ours["stages"][stage]["step_seconds"]
        print(f"{stage:<16}{mine:>10.3f}{seconds:>12.3f}{seconds / mine:>8.2f}")
    print(f"{'peak GiB':<16}{ours['peak']:>10.2f}{theirs['peak']:>12.2f}")
    error = np.mean((found.astype(float) - theirs["result"]) ** 2)
    print(f"agreement: {20 * np.log10(largest) - 10 * np.log10(max(error, 1e-30)):.1f} dB", flush=True)


def compare(arguments: argparse.Namespace) -> None:
    from PIL import Image

    print(f"{'seconds a step':<16}{'unclip':>10}{'reference':>12}{'ratio':>8}")
    with tempfile.TemporaryDirectory() as out:
        embedding = Path(out) / "embedding.safetensors"
        if "prior" in arguments.parts:
            ours = run_unclip(arguments, [
                "--model", arguments.folder / "prior", "--save-embedding", embedding, "--prior-steps", arguments.steps[0],
            ])  # fmt: skip
            theirs = run_reference("prior", arguments, embedding)
            report(ours, theirs, load_file(embedding)["image_embeds"].numpy(), np.abs(theirs["result"]).max())
        if "decoder" in arguments.parts:
            torch.manual_seed(1)
            width = WIDTHS[arguments.family]
            save_file({k: torch.randn(1, width) for k in ("image_embeds", "negative_image_embeds")}, embedding)
            ours = run_unclip(arguments, [
                "--model", arguments.folder / "decoder", "--embedding", embedding, "--decoder-steps", arguments.steps[1],
                "--size", f"{arguments.size}x{arguments.size}", "-o", f"{out}/",
            ])  # fmt: skip
            theirs = run_reference("decoder", arguments, embedding)
            report(ours, theirs, np.asarray(Image.open(ours["file"])), 255)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["build", "compare"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--family", choices=WIDTHS, default="2.2")
    parser.add_argument("--parts", nargs="+", choices=["decoder", "prior"], default=["prior", "decoder"])
    parser.add_argument("--dtype", choices=DTYPES, default="bf16")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--steps", type=int, nargs=2, default=[4, 4], metavar=("P", "D"))
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--program", type=Path, default=REPOSITORY / "scripts" / "unclip")
    arguments = parser.parse_args()
    if arguments.action == "compare":
        return compare(arguments)
    for part in arguments.parts:
        build(arguments.folder, arguments.family, part)


if __name__ == "__main__":
    main()
