"""Images per second of a training step: ours against an equal step of the reference's classes or an older program.

    python scripts/bench_train.py UNCLIP RECIPE RUN [--steps 6] [--threads 2] [--rounds 3] [--dtype bf16]
                                  [--stage decoder] [--rival UNCLIP RECIPE RUN]

RUN is a run folder whose clip stage was trained. All sides train what the first phase of the recipe says; the
reference, for the decoder alone, in channels-last with float32 masters, AdamW, gradient clipping and an exponential
average. Rounds alternate.
"""

import argparse
import json
import statistics
import subprocess
import time
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from diffusers.pipelines.deprecated.unclip.text_proj import UnCLIPTextProjModel
from torch.nn import functional as F
from transformers import CLIPTextModelWithProjection, CLIPVisionModelWithProjection


class Reference:
    def __init__(self, recipe: dict, model: Path, dtype: torch.dtype) -> None:
        parts, self.phase = recipe["components"], recipe["stages"]["decoder"]["phases"][0]
        self.dtype = dtype
        self.size = self.phase.get("size") or parts["decoder"]["sample_size"]
        self.text = CLIPTextModelWithProjection.from_pretrained(model / "text_encoder").to(dtype)
        self.vision = CLIPVisionModelWithProjection.from_pretrained(model / "image_encoder").to(dtype)
        self.proj = UnCLIPTextProjModel.from_config(parts["text_proj"]).to(dtype)
        self.unet = UNet2DConditionModel.from_config(parts["decoder"]).to(dtype)
        self.unet.to(memory_format=torch.channels_last)
        self.working = [*self.proj.parameters(), *self.unet.parameters()]
        self.masters = [p.detach().float().requires_grad_() for p in self.working]
        self.ema = [p.detach().clone() for p in self.masters]
        self.optimizer = torch.optim.AdamW(self.masters, lr=1e-4, weight_decay=0.01, fused=True)
        self.alpha_bar = torch.cos((torch.arange(1000) / 1000 + 0.008) / 1.008 * torch.pi / 2) ** 2
        size = max(self.vision.config.image_size, self.size)
        self.pictures = torch.rand(self.phase["batch"], 3, size, size) * 2 - 1
        self.ids = torch.randint(3, 1000, (self.phase["batch"], self.text.config.max_position_embeddings))
        self.ids[:, -1] = self.text.config.eos_token_id

    def step(self) -> None:
        batch, size = self.phase["batch"], self.size
        with torch.no_grad():
            seen = F.avg_pool2d(self.pictures, self.pictures.shape[-1] // self.vision.config.image_size)
            embedding = self.vision(seen.to(self.dtype)).image_embeds
            text = self.text(self.ids)
        small = F.avg_pool2d(self.pictures, self.pictures.shape[-1] // size)
        t = torch.randint(0, 1000, (batch,))
        a = self.alpha_bar[t].view(-1, 1, 1, 1)
        noise = torch.randn_like(small)
        noisy = (a.sqrt() * small + (1 - a).sqrt() * noise).to(self.dtype)
        context, time_embedding = self.proj(
            image_embeddings=embedding, prompt_embeds=text.text_embeds,
            text_encoder_hidden_states=text.last_hidden_state, do_classifier_free_guidance=False,
        )  # fmt: skip
        mask = torch.ones(batch, context.shape[1], dtype=torch.bool)
        answer = self.unet(
            noisy.contiguous(memory_format=torch.channels_last), t, encoder_hidden_states=context,
            class_labels=time_embedding, attention_mask=mask,
        ).sample.float()  # fmt: skip
        loss = F.mse_loss(answer[:, :3], small) + 1e-5 * answer[:, 3:].square().mean()
        loss.backward()
        for master, p in zip(self.masters, self.working):
            master.grad = p.grad.float() if p.grad is not None else None
            p.grad = None
        torch.nn.utils.clip_grad_norm_(self.masters, 1.0)
        self.optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(self.ema, self.masters, 0.001)
            torch._foreach_copy_(self.working, self.masters)

    def images_per_second(self, steps: int) -> float:
        for _ in range(2):
            self.step()
        start = time.perf_counter()
        for _ in range(steps):
            self.step()
        return steps * self.phase["batch"] / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("unclip", type=Path)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--stage", default="decoder")
    parser.add_argument("--rival", nargs=3, type=Path, metavar=("UNCLIP", "RECIPE", "RUN"), help="an older program")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dtype", choices=("bf16", "f32"), default="bf16")
    args = parser.parse_args()

    def program(unclip: Path, recipe: Path, run: Path) -> float:
        command = [unclip, "train", args.stage, "--config", recipe, "--out", run, "--threads", str(args.threads),
                   "--dtype", args.dtype, "--bench-steps", str(args.steps)]  # fmt: skip
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        return json.loads(done.stdout)["images_per_second"]

    sides = {"unclip": lambda: program(args.unclip, args.recipe, args.run)}
    if args.rival:
        sides["rival"] = lambda: program(*args.rival)
    if args.stage == "decoder":
        torch.set_num_threads(args.threads)
        dtype = torch.bfloat16 if args.dtype == "bf16" else torch.float32
        reference = Reference(json.loads(args.recipe.read_text()), args.run / "model", dtype)
        sides["reference"] = lambda: reference.images_per_second(args.steps)
    rates = {name: [] for name in sides}
    for _ in range(args.rounds):
        for name, measure in sides.items():
            rates[name].append(measure())
        print(", ".join(f"{name} {of_side[-1]:.1f}" for name, of_side in rates.items()), "images/s", flush=True)
    medians = {name: statistics.median(of_side) for name, of_side in rates.items()}
    ratios = {name: medians["unclip"] / median for name, median in medians.items()}
    print(json.dumps({"images_per_second": medians, "unclip_over": ratios}))


if __name__ == "__main__":
    main()
