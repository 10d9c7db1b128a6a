#!/usr/bin/env python3
"""Builds a Karlo-size folder with random weights, and compares unclip with the reference on it.

scripts/true_size.py build FOLDER                 3.4 B parameters in bf16, 6.8 GB; keep it outside the repository
scripts/true_size.py compare FOLDER [--dtype bf16|f32] [--device cpu|cuda] [--steps P D U] [--runs N]
                                  [--program UNCLIP]
scripts/true_size.py race FOLDER --stage prior|decoder|super_res [--rivals eager compiled openvino] [--seconds S]
                                  [--dtype bf16|f32] [--program UNCLIP]

`compare` runs both programs on the same prompts and seeds, in turns, N times, and prints seconds a step for each
stage (the median without the stage's first step; of the N runs the fastest, since neighbors only make a machine
slower), peak memory, and how well the pictures agree. The reference runs eagerly in its fastest setting:
channels-last, inference mode. It draws its noise in float32 as unclip does, so that bf16 runs see the same noise.

`race` lets all compute one stage on the CPU for S seconds, in turns of one second: what neighbors take from the
machine, they take from all. The rivals are the reference's net run eagerly, compiled by torch.compile with frozen
weights, and compiled by OpenVINO.
"""

import argparse
import functools
import itertools
import json
import re
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from golden.karlo import open_pipeline

REPOSITORY = Path(__file__).resolve().parent.parent
PROMPTS = ["a red circle on a blue background", "two yellow stars"]
SEED = 1234
DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}
RIVALS = ["eager", "compiled", "openvino"]
STAGES = {"prior": "prior", "decoder": "decoder", "super_res": "upsampler"}  # the reference's names, and ours


def karlo_components():
    from diffusers import PriorTransformer, UNet2DConditionModel, UNet2DModel
    from diffusers.pipelines.deprecated.unclip.text_proj import UnCLIPTextProjModel
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection

    channels = (320, 640, 960, 1280)
    text = CLIPTextConfig(
        hidden_size=768, intermediate_size=3072, projection_dim=768, num_hidden_layers=12, num_attention_heads=12,
        hidden_act="quick_gelu", eos_token_id=2,
    )

    def super_res() -> UNet2DModel:
        return UNet2DModel(
            sample_size=256, in_channels=6, out_channels=3, block_out_channels=channels, layers_per_block=3,
            down_block_types=("ResnetDownsampleBlock2D",) * 4, up_block_types=("ResnetUpsampleBlock2D",) * 4,
            add_attention=False,
        )

    yield "text_encoder", lambda: CLIPTextModelWithProjection(text)
    yield "prior", lambda: PriorTransformer()
    yield "text_proj", lambda: UnCLIPTextProjModel(
        clip_embeddings_dim=768, time_embed_dim=4 * channels[0], cross_attention_dim=1536
    )
    yield "decoder", lambda: UNet2DConditionModel(
        sample_size=64, in_channels=3, out_channels=6, block_out_channels=channels, layers_per_block=3,
        down_block_types=("ResnetDownsampleBlock2D",) + ("SimpleCrossAttnDownBlock2D",) * 3,
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        up_block_types=("SimpleCrossAttnUpBlock2D",) * 3 + ("ResnetUpsampleBlock2D",),
        cross_attention_dim=1536, attention_head_dim=64, class_embed_type="identity",
        resnet_time_scale_shift="scale_shift", only_cross_attention=False,
    )
    yield "super_res_first", super_res
    yield "super_res_last", super_res


@torch.no_grad()
def fill(module: torch.nn.Module) -> None:
    """Weights at the scale of a fresh net, so that activations stay finite in bf16."""
    for name, parameter in module.named_parameters():
        if name.endswith("bias"):
            parameter.zero_()
        elif parameter.dim() == 1:
            parameter.fill_(1)
        else:
            parameter.normal_(std=parameter[0].numel() ** -0.5)


def random_net(make) -> torch.nn.Module:
    """The net that `make` builds, in bf16, with random weights and without ever standing in memory as float32."""
    with torch.device("meta"):
        net = make()
    net = net.to(torch.bfloat16).to_empty(device="cpu")
    fill(net)
    for name, buffer in net.named_buffers():  # not saved, so to_empty left them undefined
        if name.endswith("position_ids"):
            buffer.copy_(torch.arange(buffer.numel()).view_as(buffer))
    return net


def build(folder: Path) -> None:
    tiny = REPOSITORY / "tests" / "data" / "karlo-tiny"
    folder.mkdir(parents=True)
    for part in ("tokenizer", "prior_scheduler", "decoder_scheduler", "super_res_scheduler"):
        (folder / part).mkdir()
        for file in (tiny / part).iterdir():
            (folder / part / file.name).write_bytes(file.read_bytes())
    torch.manual_seed(0)
    for name, make in karlo_components():
        net = random_net(make)
        print(f"{name}: {sum(p.numel() for p in net.parameters()) / 1e6:.1f} M", flush=True)
        net.save_pretrained(folder / name)
        del net
    (folder / "model_index.json").write_bytes((tiny / "model_index.json").read_bytes())


class StepClock:
    """Seconds of each scheduler step, by stage."""

    def __init__(self) -> None:
        self.marks: dict[str, list[float]] = {}

    def watch(self, stage: str, scheduler) -> None:
        step, set_timesteps = scheduler.step, scheduler.set_timesteps

        def timed_set(*args, **kwargs):
            self.marks[stage] = [time.perf_counter()]
            return set_timesteps(*args, **kwargs)

        def timed_step(*args, **kwargs):
            result = step(*args, **kwargs)
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            self.marks[stage].append(time.perf_counter())
            return result

        scheduler.step, scheduler.set_timesteps = timed_step, timed_set

    def medians(self) -> dict[str, float]:
        return {
            stage: statistics.median(b - a for a, b in zip(marks[1:], marks[2:]))
            for stage, marks in self.marks.items()
        }


@dataclass
class Run:
    picture: np.ndarray
    seconds: dict[str, float]  # a step, by stage
    peak_gib: float


def peak_gib(who: int) -> float:
    return resource.getrusage(who).ru_maxrss / 2**20


def float32_noise(shape, generator=None, device=None, dtype=None, layout=None):
    from diffusers.utils.torch_utils import randn_tensor

    return randn_tensor(shape, generator, torch.device("cpu"), torch.float32).to(device, dtype)


class Reference:
    """The reference's pipeline, loaded once."""

    def __init__(self, folder: Path, dtype: torch.dtype, device: str) -> None:
        from diffusers.pipelines.deprecated.unclip import pipeline_unclip
        from diffusers.schedulers import scheduling_unclip

        # The CPU has no antialiased bicubic kernel for bf16. The wrapper keeps the signature: the pipeline asks for
        # antialiasing, which is another cubic, only where it finds a parameter of that name.
        interpolate = torch.nn.functional.interpolate

        @functools.wraps(interpolate)
        def float32_bicubic(image, *args, **kwargs):
            if kwargs.get("mode") != "bicubic":
                return interpolate(image, *args, **kwargs)
            return interpolate(image.float(), *args, **kwargs).to(image.dtype)

        pipeline_unclip.F.interpolate = float32_bicubic
        pipeline_unclip.randn_tensor = scheduling_unclip.randn_tensor = float32_noise
        self.pipe = open_pipeline(folder, dtype).to(device)
        self.pipe.set_progress_bar_config(disable=True)
        for net in (self.pipe.decoder, self.pipe.super_res_first, self.pipe.super_res_last):
            net.to(memory_format=torch.channels_last)
        self.clock = StepClock()
        for stage in STAGES:
            self.clock.watch(stage, getattr(self.pipe, f"{stage}_scheduler"))

    @torch.inference_mode()
    def run(self, prompt: str, seed: int, steps: list[int]) -> Run:
        image = self.pipe(
            prompt, generator=torch.Generator("cpu").manual_seed(seed), output_type="np",
            prior_num_inference_steps=steps[0], decoder_num_inference_steps=steps[1],
            super_res_num_inference_steps=steps[2],
        ).images[0]
        return Run((image * 255).round().astype(np.uint8), self.clock.medians(), peak_gib(resource.RUSAGE_SELF))


def run_unclip(
    program: Path, folder: Path, dtype: str, device: str, prompt: str, seed: int, steps: list[int]
) -> Run:
    from PIL import Image

    with tempfile.TemporaryDirectory() as out:
        command = [
            program, "generate", prompt, "--model", folder, "--seed", seed, "-o", f"{out}/", "--dtype", dtype,
            "--device", device, "--json", "--quiet", "--prior-steps", steps[0], "--decoder-steps", steps[1],
            "--upsampler-steps", steps[2],
        ]
        process = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, text=True)
        if process.returncode != 0:
            sys.exit(f"unclip failed with exit code {process.returncode}")
        line = json.loads(process.stdout)
        seconds = {stage: line["stages"][ours]["step_seconds"] for stage, ours in STAGES.items()}
        return Run(np.asarray(Image.open(line["file"])), seconds, peak_gib(resource.RUSAGE_CHILDREN))


def compare(program: Path, folder: Path, dtype: str, device: str, steps: list[int], runs: int) -> None:
    ours, theirs, reference = [], [], None
    for i in range(runs):
        prompt, seed = PROMPTS[i % len(PROMPTS)], SEED + i
        ours.append(run_unclip(program, folder, dtype, device, prompt, seed, steps))
        # Not before: a child is accounted the memory of the process that it was forked from.
        reference = reference or Reference(folder, DTYPES[dtype], device)
        theirs.append(reference.run(prompt, seed, steps))
        print(f"run {i + 1}:", *(f"{s} {ours[i].seconds[s]:.3f} {theirs[i].seconds[s]:.3f}" for s in STAGES), flush=True)
    print(f"{'seconds a step':<16}{'unclip':>10}{'reference':>12}{'ratio':>8}")
    for stage in STAGES:
        mine, other = (min(run.seconds[stage] for run in each) for each in (ours, theirs))
        print(f"{stage:<16}{mine:>10.3f}{other:>12.3f}{other / mine:>8.2f}")
    print(f"{'peak GiB':<16}{ours[0].peak_gib:>10.2f}{theirs[-1].peak_gib:>12.2f}")
    difference = np.stack([run.picture for run in ours]).astype(float) - np.stack([run.picture for run in theirs])
    psnr = 20 * np.log10(255) - 10 * np.log10(max(np.mean(difference**2), 1e-12))
    print(f"pictures: {psnr:.1f} dB, {100 * np.mean(abs(difference) <= 1):.2f} % of values within 1/255")


class Racer:
    """A program at work on one stage, halted when it is not its turn."""

    def __init__(self, command: list, stage: str) -> None:
        self.process = subprocess.Popen(
            [str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.process.send_signal(signal.SIGSTOP)
        self.stage, self.past_turns = stage, 0.0
        self.turn_began: float | None = None  # None between turns
        self.marks: list[tuple[int, float]] = []  # step, and seconds of its own until then
        self.last_line = ""
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self) -> None:
        for line in self.process.stdout:
            self.last_line = line
            if found := re.match(rf"{self.stage} (\d+)/", line):
                self.marks.append((int(found[1]), self.own_seconds()))

    def own_seconds(self) -> float:
        began = self.turn_began
        return self.past_turns + (0 if began is None else time.perf_counter() - began)

    def turn(self, seconds: float) -> None:
        self.turn_began = time.perf_counter()
        self.process.send_signal(signal.SIGCONT)
        time.sleep(seconds)
        self.process.send_signal(signal.SIGSTOP)
        self.past_turns, self.turn_began = self.own_seconds(), None

    def seconds_a_step(self) -> float:
        (first, began), (last, ended) = next(m for m in self.marks if m[0] > 2), self.marks[-1]
        return (ended - began) / (last - first)


def race(program: Path, folder: Path, dtype: str, stage: str, rivals: list[str], seconds: float) -> None:
    steps = [900 if s == stage else 2 for s in STAGES]
    with tempfile.TemporaryDirectory() as out:
        racers = {
            "unclip": Racer(
                [program, "generate", PROMPTS[0], "--model", folder, "-o", f"{out}/", "--dtype", dtype, "--device",
                 "cpu", "--low-memory", "--prior-steps", steps[0], "--decoder-steps", steps[1], "--upsampler-steps",
                 steps[2]],
                STAGES[stage],
            )
        }
        for rival in rivals:
            command = [sys.executable, __file__, "rival", folder, "--dtype", dtype, "--stage", stage, "--rivals", rival]
            racers[rival] = Racer(command, stage)
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end or any(len(racer.marks) < 6 for racer in racers.values()):
                for name, racer in racers.items():
                    if racer.process.poll() is not None:
                        sys.exit(f"{name} ended: its last words were {racer.last_line!r}")
                    racer.turn(1)
        finally:
            for racer in racers.values():
                racer.process.kill()
    ours = racers["unclip"].seconds_a_step()
    for name, racer in racers.items():
        own = racer.seconds_a_step()
        print(f"{name:<10}{own:>8.3f} s a step, {own / ours:.2f} times ours, after {racer.marks[-1][0]} steps")


def stage_call(folder: Path, dtype: torch.dtype, stage: str):
    """A stage's net of the reference, and what the pipeline calls it with for one image under guidance."""
    from diffusers import PriorTransformer, UNet2DConditionModel, UNet2DModel

    def random(*shape):
        return torch.randn(shape, dtype=dtype)

    timestep = torch.tensor(500)
    if stage == "prior":
        net = PriorTransformer.from_pretrained(folder / "prior", torch_dtype=dtype)
        return net, (random(2, 768), timestep, random(2, 768), random(2, 77, 768), torch.ones(2, 77, dtype=torch.bool))
    if stage == "decoder":
        net = UNet2DConditionModel.from_pretrained(folder / "decoder", torch_dtype=dtype)
        net.to(memory_format=torch.channels_last)
        sample = random(2, 3, 64, 64).to(memory_format=torch.channels_last)
        return net, (sample, timestep, random(2, 81, 1536), random(2, 1280), None, torch.ones(2, 81, dtype=torch.bool))
    net = UNet2DModel.from_pretrained(folder / "super_res_first", torch_dtype=dtype)
    net.to(memory_format=torch.channels_last)
    return net, (random(1, 6, 256, 256).to(memory_format=torch.channels_last), timestep)


def compiled(call, rival: str, dtype: torch.dtype):
    """The call as the rival makes it: eager, compiled by torch.compile with frozen weights, or openvino."""
    if rival == "compiled":
        from torch._inductor import config

        config.freezing = True
        return torch.compile(call)
    if rival == "openvino":
        import openvino.torch  # noqa: F401: registers itself

        precision = {"INFERENCE_PRECISION_HINT": "bf16" if dtype == torch.bfloat16 else "f32"}
        return torch.compile(call, backend="openvino", options={"device": "CPU", "config": precision})
    return call


@torch.no_grad()
def run_rival(folder: Path, dtype: torch.dtype, stage: str, rival: str) -> None:
    """The other side of a race: tells its steps as unclip does."""
    net, inputs = stage_call(folder, dtype, stage)
    net.eval()
    call = compiled(net.forward, rival, dtype)
    for step in itertools.count(1):
        call(*inputs)
        print(f"{stage} {step}/", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["build", "compare", "race", "rival"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dtype", choices=DTYPES, default="bf16")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--steps", type=int, nargs=3, default=[5, 5, 4], metavar=("P", "D", "U"))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--stage", choices=STAGES, default="super_res")
    parser.add_argument("--rivals", choices=RIVALS, nargs="+", default=["eager"])
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--program", type=Path, default=REPOSITORY / "scripts" / "unclip")
    a = parser.parse_args()
    if a.action == "build":
        build(a.folder)
    elif a.action == "compare":
        compare(a.program, a.folder, a.dtype, a.device, a.steps, a.runs)
    elif a.action == "race":
        race(a.program, a.folder, a.dtype, a.stage, a.rivals, a.seconds)
    else:
        run_rival(a.folder, DTYPES[a.dtype], a.stage, a.rivals[0])


if __name__ == "__main__":
    main()
