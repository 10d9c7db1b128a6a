"""A safety checker for the tiny Stable Diffusion 1 folder, and what the reference pipeline does with it.

stable-safety/{safety_checker,feature_extractor}: what belongs beside the folder stable-diffusion/1. The checker's one
concept that matters tells the first prompt's image from the second's. stable-safety/pictures.safetensors: pixels without it
and with it, and what was flagged.
"""

import shutil
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker, cosine_distance
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPImageProcessorPil

from golden.kandinsky import Tensors, fill, generator

PROMPTS = ("a red circle", "two small yellow stars")
SIDE = 28


def make_checker() -> StableDiffusionSafetyChecker:
    text = dict(hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, vocab_size=48,
                bos_token_id=45, eos_token_id=46, pad_token_id=47)
    vision = dict(hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=SIDE, patch_size=7)
    return fill(StableDiffusionSafetyChecker(CLIPConfig(text_config=text, vision_config=vision, projection_dim=12)), 31)


def set_thresholds(checker: StableDiffusionSafetyChecker, pixels: torch.Tensor) -> None:
    """Nothing is a special concept; of the others the one decides that tells the two images apart best."""
    seen = checker.visual_projection(checker.vision_model(pixels).pooler_output)
    likeness = cosine_distance(seen, checker.concept_embeds)
    lead = likeness[0] - likeness[1]
    best = lead.argmax()
    assert lead[best] > 0.01
    checker.special_care_embeds_weights.fill_(1)
    checker.concept_embeds_weights.fill_(1)
    checker.concept_embeds_weights[best] = likeness[:, best].mean().half()


def paint(pipe: StableDiffusionPipeline, prompt: str) -> tuple[torch.Tensor, bool]:
    pipe.set_progress_bar_config(disable=True)
    out = pipe(prompt, generator=generator(), num_inference_steps=4, output_type="np")
    return torch.from_numpy((out.images * 255).round()).to(torch.uint8), (out.nsfw_content_detected or [False])[0]


@torch.no_grad()
def write(data: Path) -> None:
    root = data / "stable-safety"
    shutil.rmtree(root, ignore_errors=True)
    pipe = StableDiffusionPipeline.from_pretrained(
        data / "stable-diffusion" / "1", torch_dtype=torch.float32, safety_checker=None, requires_safety_checker=False
    )
    extractor = CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    golden: Tensors = {f"plain.{i}": paint(pipe, prompt)[0] for i, prompt in enumerate(PROMPTS)}
    plain = [pipe.numpy_to_pil(golden[f"plain.{i}"].numpy() / 255)[0] for i in range(2)]
    checker = make_checker()
    set_thresholds(checker, extractor(plain, return_tensors="pt").pixel_values)
    pipe = StableDiffusionPipeline(**pipe.components | dict(safety_checker=checker, feature_extractor=extractor))
    for i, prompt in enumerate(PROMPTS):
        golden[f"checked.{i}"], flagged = paint(pipe, prompt)
        golden[f"flagged.{i}"] = torch.tensor(bool(flagged))
        assert flagged == (i == 0)
    checker.half().save_pretrained(root / "safety_checker")
    extractor.save_pretrained(root / "feature_extractor")
    save_file({k: v.contiguous() for k, v in golden.items()}, root / "pictures.safetensors")
