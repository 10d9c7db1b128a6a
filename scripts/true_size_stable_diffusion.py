#!/usr/bin/env python3
"""Builds Stable Diffusion folders of true size with random weights, and compares unclip with the reference on them.

scripts/true_size_stable_diffusion.py build FOLDER [--version 1|2|unclip]
    1: 2.1 GB, 2: 2.6 GB, unclip (of Stable Diffusion 2.1): 3.8 GB, in bf16. Keep them outside the repository.
scripts/true_size_stable_diffusion.py compare FOLDER [--dtype bf16|f32] [--device cpu|cuda] [--steps N] [--size N]
                                             [--init IMAGE] [--program UNCLIP]
scripts/true_size_stable_diffusion.py race FOLDER [--rivals eager compiled openvino] [--turns N] [--dtype bf16|f32]
                                          [--size N] [--program UNCLIP]

`compare` runs both programs one after the other, and prints seconds a step of the decoder (without the first, which
packs weights), seconds of the autoencoder, peak memory, and how well the pictures agree. The reference runs as in
true_size.py.

`race` lets all compute in turns, unclip an image of two steps, each rival a step of its decoder and an image of its
autoencoder, and prints the medians of all turns but the first two of each. The rivals are those of true_size.py.
"""

import argparse
import json
import multiprocessing
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from true_size import DTYPES, REPOSITORY, RIVALS, SEED, StepClock, compiled, float32_noise, peak_gib, random_net
from true_size_kandinsky import PROMPT, report, run_unclip


PROJECTION = 1024  # of the vision tower H/14


def nets(version: str):
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPVisionConfig, CLIPVisionModelWithProjection

    if version == "1":  # CLIP's L/14
        text = dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12)
        unet = dict(cross_attention_dim=768, attention_head_dim=8)
    else:  # H/14 without its last layer
        text = dict(hidden_size=1024, intermediate_size=4096, num_hidden_layers=23, num_attention_heads=16)
        unet = dict(cross_attention_dim=1024, attention_head_dim=(5, 10, 20, 20), use_linear_projection=True)
    if version == "unclip":
        unet |= dict(class_embed_type="projection", projection_class_embeddings_input_dim=2 * PROJECTION)
        vision = CLIPVisionConfig(
            hidden_size=1280, intermediate_size=5120, num_hidden_layers=32, num_attention_heads=16, patch_size=14,
            projection_dim=PROJECTION, hidden_act="gelu",
        )
        yield "image_encoder", lambda: CLIPVisionModelWithProjection(vision)
    activation = "quick_gelu" if version == "1" else "gelu"
    yield "text_encoder", lambda: CLIPTextModel(CLIPTextConfig(**text, hidden_act=activation))
    yield "unet", lambda: UNet2DConditionModel(sample_size=64, **unet)
    yield "vae", lambda: AutoencoderKL(
        block_out_channels=(128, 256, 512, 512), layers_per_block=2, sample_size=512,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
    )


def build(folder: Path, version: str) -> None:
    from diffusers.pipelines.stable_diffusion import StableUnCLIPImageNormalizer

    data = REPOSITORY / "tests" / "data"
    tiny = data / "stable-unclip" / "image" if version == "unclip" else data / "stable-diffusion" / version
    folder.mkdir(parents=True)
    parts = ["tokenizer", "scheduler"]
    if version == "unclip":
        parts += ["feature_extractor", "image_noising_scheduler"]
    for part in parts:
        (folder / part).mkdir()
        for file in (tiny / part).iterdir():
            (folder / part / file.name).write_bytes(file.read_bytes())
    if version == "unclip":
        StableUnCLIPImageNormalizer(PROJECTION).save_pretrained(folder / "image_normalizer")  # mean 0, deviation 1
        file = folder / "feature_extractor" / "preprocessor_config.json"
        size = dict(size={"shortest_edge": 224}, crop_size={"height": 224, "width": 224})
        file.write_text(json.dumps(json.loads(file.read_text()) | size))
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


def run_rival(arguments: argparse.Namespace) -> None:
    """For each line of standard input a step of the decoder under guidance and an image of the autoencoder, timed."""
    from diffusers import AutoencoderKL, UNet2DConditionModel

    dtype = DTYPES[arguments.dtype]
    unet = UNet2DConditionModel.from_pretrained(arguments.folder / "unet", torch_dtype=dtype)
    vae = AutoencoderKL.from_pretrained(arguments.folder / "vae", torch_dtype=dtype)
    for net in (unet, vae):
        net.eval().to(memory_format=torch.channels_last)
    side = arguments.size // 8
    latents = torch.randn(2, 4, side, side, dtype=dtype).to(memory_format=torch.channels_last)
    text = torch.randn(2, 77, unet.config.cross_attention_dim, dtype=dtype)
    width = unet.config.projection_class_embeddings_input_dim
    labels = torch.randn(2, width, dtype=dtype) if width else None
    [rival] = arguments.rivals
    calls = {
        "decoder": (compiled(unet.forward, rival, dtype), (latents, torch.tensor(500), text, labels)),
        "autoencoder": (compiled(vae.decode, rival, dtype), (latents[:1],)),
    }
    with torch.no_grad():
        for _ in sys.stdin:
            seconds = {}
            for stage, (call, inputs) in calls.items():
                start = time.perf_counter()
                call(*inputs)
                seconds[stage] = time.perf_counter() - start
            print(json.dumps(seconds), flush=True)


class Us:
    """The program at work on many images, halted when it is not its turn."""

    def __init__(self, arguments: argparse.Namespace, out: str) -> None:
        index = json.loads((arguments.folder / "model_index.json").read_text())
        verb = ["generate", PROMPT]
        if index["_class_name"].startswith("StableUnCLIP"):
            verb = ["variations", REPOSITORY / "tests" / "data" / "kandinsky" / "init.png"]
        command = [
            arguments.program, *verb, "--model", arguments.folder, "--dtype", arguments.dtype, "--device", "cpu", "-n",
            1000, "--steps", 2, "--sampler", "ddim", "--size", f"{arguments.size}x{arguments.size}", "-o", f"{out}/",
            "--json", "--quiet",
        ]
        self.process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, text=True)

    def turn(self) -> dict:
        self.process.send_signal(signal.SIGCONT)
        stages = json.loads(self.process.stdout.readline())["stages"]
        self.process.send_signal(signal.SIGSTOP)
        return {stage: stages[stage]["step_seconds"] for stage in ("decoder", "autoencoder")}


class Rival:
    def __init__(self, arguments: argparse.Namespace, name: str) -> None:
        command = [
            sys.executable, __file__, "rival", arguments.folder, "--rivals", name, "--dtype", arguments.dtype, "--size",
            arguments.size,
        ]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([str(c) for c in command], stdin=pipe, stdout=pipe, text=True)

    def turn(self) -> dict:
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def race(arguments: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as out:
        racers = {"unclip": Us(arguments, out)} | {name: Rival(arguments, name) for name in arguments.rivals}
        turns = {name: [] for name in racers}
        for _ in range(2 + arguments.turns):
            for name, racer in racers.items():
                turns[name].append(racer.turn())
        for racer in racers.values():
            racer.process.kill()
    for stage in ("decoder", "autoencoder"):
        medians = {name: statistics.median(turn[stage] for turn in each[2:]) for name, each in turns.items()}
        for name, seconds in medians.items():
            print(f"{stage:<12}{name:<10}{seconds:>8.3f} s, {seconds / medians['unclip']:.2f} times ours", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["build", "compare", "race", "rival"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--version", choices=["1", "2", "unclip"], default="1")
    parser.add_argument("--dtype", choices=DTYPES, default="bf16")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--init", type=Path)
    parser.add_argument("--rivals", choices=RIVALS, nargs="+", default=RIVALS)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--program", type=Path, default=REPOSITORY / "scripts" / "unclip")
    arguments = parser.parse_args()
    if arguments.action == "build":
        build(arguments.folder, arguments.version)
    else:
        {"compare": compare, "race": race, "rival": run_rival}[arguments.action](arguments)


if __name__ == "__main__":
    main()
