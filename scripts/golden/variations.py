"""Variations of an image, by the tiny folders of golden.karlo and golden.kandinsky, which must be there.

karlo-variations: an image encoder with its processor, and the index of the folder that the parts of karlo-tiny make up
with them (UnCLIPImageVariationPipeline). variations.safetensors: embeddings and pixels of kandinsky/init.png, and a
trajectory of DDIM with added noise.
"""

import json
import shutil
from pathlib import Path

import torch
from diffusers import (
    DDIMInverseScheduler, DDIMScheduler, KandinskyPipeline, KandinskyPriorPipeline, KandinskyV22Pipeline,
    KandinskyV22PriorPipeline,
)
from diffusers.pipelines.deprecated.unclip import UnCLIPImageVariationPipeline
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPImageProcessorPil, CLIPVisionConfig, CLIPVisionModelWithProjection

from golden.kandinsky import fill
from golden.karlo import open_pipeline

Tensors = dict[str, torch.Tensor]
SEED, STEPS = 7, 6


def generator(seed: int = SEED) -> torch.Generator:
    return torch.Generator("cpu").manual_seed(seed)


def to_pixels(images) -> torch.Tensor:
    return torch.from_numpy((images * 255).round()).to(torch.uint8)


def record_karlo(data: Path, image: Image.Image, golden: Tensors) -> None:
    folder = data / "karlo-variations"
    shutil.rmtree(folder, ignore_errors=True)
    karlo = open_pipeline(data / "karlo-tiny", torch.float32)
    vision = CLIPVisionConfig(
        hidden_size=24, intermediate_size=48, projection_dim=32, num_hidden_layers=2, num_attention_heads=2,
        image_size=28, patch_size=7, hidden_act="quick_gelu",
    )
    encoder = fill(CLIPVisionModelWithProjection(vision), 11)
    processor = CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    encoder.half().save_pretrained(folder / "image_encoder")
    processor.save_pretrained(folder / "feature_extractor")
    shared = ("tokenizer", "text_encoder", "text_proj", "decoder", "super_res_first", "super_res_last",
              "decoder_scheduler", "super_res_scheduler")  # fmt: skip
    index = json.loads((data / "karlo-tiny" / "model_index.json").read_text())
    parts = {name: index[name] for name in shared}
    parts |= {
        "image_encoder": ["transformers", "CLIPVisionModelWithProjection"],
        "feature_extractor": ["transformers", "CLIPImageProcessor"],
    }
    whole = {"_class_name": "UnCLIPImageVariationPipeline"} | dict(sorted(parts.items()))
    (folder / "model_index.json").write_text(json.dumps(whole, indent=2) + "\n")

    pipe = UnCLIPImageVariationPipeline(
        image_encoder=encoder.float(), feature_extractor=processor, **{name: getattr(karlo, name) for name in shared}
    )
    pipe.set_progress_bar_config(disable=True)
    pixels = processor(images=image, return_tensors="pt").pixel_values
    golden["karlo.embedding"] = encoder(pixels).image_embeds
    for name, guidance in {"guided": 8.0, "plain": 1.0}.items():
        images = pipe(
            image, generator=generator(), decoder_num_inference_steps=5, super_res_num_inference_steps=3,
            decoder_guidance_scale=guidance, output_type="np",
        ).images  # fmt: skip
        golden[f"karlo.{name}.pixels"] = to_pixels(images)


def record_kandinsky(root: Path, family: str, image: Image.Image, golden: Tensors) -> None:
    prior_class, decoder_class = {
        "2.1": (KandinskyPriorPipeline, KandinskyPipeline), "2.2": (KandinskyV22PriorPipeline, KandinskyV22Pipeline)
    }[family]  # fmt: skip
    prior = prior_class.from_pretrained(root / f"{family}-prior", torch_dtype=torch.float32)
    decoder = decoder_class.from_pretrained(root / family, torch_dtype=torch.float32)
    decoder.set_progress_bar_config(disable=True)
    pixels = prior.image_processor(image, return_tensors="pt").pixel_values
    embeds, black = prior.image_encoder(pixels).image_embeds, prior.get_zero_embed(1)
    golden[f"{family}.embedding"] = embeds
    text = dict(prompt="") if family == "2.1" else {}
    images = decoder(
        image_embeds=embeds, negative_image_embeds=black, generator=generator(), num_inference_steps=STEPS, width=40,
        height=32, output_type="np", **text,
    ).images  # fmt: skip
    golden[f"{family}.guided.pixels"] = to_pixels(images)


def record_ddim(golden: Tensors) -> None:
    """DDIM with added noise, and its inversion, with made-up answers of a net."""
    settings = dict(beta_schedule="squaredcos_cap_v2", clip_sample=True)
    scheduler = DDIMScheduler(**settings)
    scheduler.set_timesteps(10)
    inputs, noise = generator(1), generator(2)
    sample = torch.randn(1, 3, 4, 4, generator=inputs)
    outputs, samples = [], [sample]
    for t in scheduler.timesteps:
        outputs.append(torch.randn(1, 3, 4, 4, generator=inputs).clamp(-1, 1))
        sample = scheduler.step(outputs[-1], t, sample, eta=0.6, generator=noise).prev_sample
        samples.append(sample)
    golden |= {"ddim.outputs": torch.cat(outputs), "ddim.samples": torch.cat(samples)}

    inverse = DDIMInverseScheduler(beta_schedule="squaredcos_cap_v2", clip_sample=False)
    inverse.set_timesteps(10)
    sample = torch.randn(1, 3, 4, 4, generator=inputs)
    outputs, samples = [], [sample]
    for t in inverse.timesteps:
        outputs.append(torch.randn(1, 3, 4, 4, generator=inputs).clamp(-1, 1))
        sample = inverse.step(outputs[-1], t, sample).prev_sample
        samples.append(sample)
    golden |= {
        "inversion.timesteps": inverse.timesteps, "inversion.outputs": torch.cat(outputs),
        "inversion.samples": torch.cat(samples),
    }


@torch.no_grad()
def write(data: Path) -> None:
    image = Image.open(data / "kandinsky" / "init.png")
    golden: Tensors = {}
    record_karlo(data, image, golden)
    for family in ("2.1", "2.2"):
        record_kandinsky(data / "kandinsky", family, image, golden)
    record_ddim(golden)
    save_file({k: v.contiguous() for k, v in golden.items()}, data / "variations.safetensors")
