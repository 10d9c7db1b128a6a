"""Tiny whole Stable Diffusion 1 and 2 folders, and what the reference pipelines draw with them.

stable-diffusion/{1,2,1-inpaint}: the folders, stored in float16, which both programs widen exactly; 1 and 1-inpaint with
the scheduler's file of the real Stable Diffusion 1.5 (PNDM), 2 with that of 2.1 (DDIM, v_prediction).
stable-diffusion/pictures.safetensors: pixels. The pictures put in are kandinsky/init.png and mask.png.
"""

import json
import shutil
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL, DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler, EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler, PNDMScheduler, StableDiffusionImg2ImgPipeline, StableDiffusionInpaintPipeline,
    StableDiffusionPipeline, UNet2DConditionModel,
)  # fmt: skip
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from golden.kandinsky import Tensors, draw, fill, generator, save
from golden.schedulers import SD_1, SD_2

PROMPT, NEGATIVE = "a red circle", "two small yellow stars"
SIZE = dict(width=40, height=32)
STEPS = 6
SAMPLERS = {
    "ddim": DDIMScheduler, "ddpm": DDPMScheduler, "dpm++": DPMSolverMultistepScheduler, "euler": EulerDiscreteScheduler,
    "euler-a": EulerAncestralDiscreteScheduler, "pndm": PNDMScheduler,
}  # fmt: skip
WIDTH = 32  # of the text


def make_text_encoder(version: int, tokenizer: CLIPTokenizer) -> CLIPTextModel:
    return CLIPTextModel(CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=WIDTH, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        hidden_act="quick_gelu" if version == 1 else "gelu", bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    ))  # fmt: skip


def make_unet(version: int, channels: int) -> UNet2DConditionModel:
    heads = dict(attention_head_dim=2) if version == 1 else dict(attention_head_dim=(2, 4), use_linear_projection=True)
    return UNet2DConditionModel(
        sample_size=16, in_channels=channels, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4,
        cross_attention_dim=WIDTH, down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"), **heads,
    )


def make_vae() -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(8, 16), norm_num_groups=4, sample_size=32, down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
    )


def fill_vae(vae: AutoencoderKL) -> AutoencoderKL:
    """Trained encoders are sure of their latents: their noise is small beside their mean."""
    fill(vae, 12)
    vae.quant_conv.bias[4:] -= 2
    vae.quant_conv.bias.copy_(vae.quant_conv.bias.half())
    return vae


def make_parts(version: int, channels: int, data: Path) -> dict:
    tokenizer = CLIPTokenizer.from_pretrained(data / "clip-tokenizer")
    return dict(
        vae=fill_vae(make_vae()), text_encoder=fill(make_text_encoder(version, tokenizer), 13), tokenizer=tokenizer,
        unet=fill(make_unet(version, channels), 14), safety_checker=None, feature_extractor=None,
        requires_safety_checker=False,
    )


def prefix_text_keys(folder: Path) -> None:
    """As the real folders have them, not as the library now saves them."""
    file = folder / "model.safetensors"
    save_file({f"text_model.{name}": tensor for name, tensor in load_file(file).items()}, file, metadata={"format": "pt"})


def record(golden: Tensors, name: str, pipe, inputs: dict) -> None:
    draw(pipe, golden, name, generator(), prompt=PROMPT, num_inference_steps=STEPS, **inputs)


def resample(pipe, sampler: str, folder: Path):
    """The same pipeline with another sampler, made from the file as a user would."""
    opened = type(pipe.scheduler).from_pretrained(folder / "scheduler")
    return type(pipe)(**pipe.components | dict(scheduler=SAMPLERS[sampler].from_config(opened.config)), requires_safety_checker=False)


def record_text_to_image(golden: Tensors, name: str, pipe, folder: Path) -> None:
    record(golden, f"{name}.guided", pipe, SIZE)
    record(golden, f"{name}.own-size", pipe, {})
    record(golden, f"{name}.unguided", pipe, SIZE | dict(guidance_scale=1.0))
    record(golden, f"{name}.negative", pipe, SIZE | dict(negative_prompt=NEGATIVE))
    for sampler in SAMPLERS:
        record(golden, f"{name}.{sampler}", resample(pipe, sampler, folder), SIZE)


def record_image_to_image(golden: Tensors, name: str, parts: dict, picture: Image.Image, folder: Path) -> None:
    pipe = StableDiffusionImg2ImgPipeline(**parts)
    image = picture.resize((SIZE["width"], SIZE["height"]), Image.LANCZOS)  # it draws at the size of its picture
    record(golden, f"{name}.init", pipe, dict(image=image))
    record(golden, f"{name}.init.half", pipe, dict(image=image, strength=0.5, guidance_scale=1.0))
    for sampler in ("euler-a", "dpm++"):
        record(golden, f"{name}.init.{sampler}", resample(pipe, sampler, folder), dict(image=image, strength=0.5))


def record_inpainting(golden: Tensors, name: str, parts: dict, inputs: dict, folder: Path) -> None:
    pipe = StableDiffusionInpaintPipeline(**parts)
    record(golden, f"{name}.mask", pipe, inputs)
    record(golden, f"{name}.mask.unguided", pipe, inputs | dict(guidance_scale=1.0))
    for sampler in ("euler", "euler-a"):
        record(golden, f"{name}.mask.{sampler}", resample(pipe, sampler, folder), inputs)


@torch.no_grad()
def write(data: Path) -> None:
    root = data / "stable-diffusion"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    picture, mask = (Image.open(data / "kandinsky" / name) for name in ("init.png", "mask.png"))
    masked = SIZE | dict(image=picture, mask_image=mask)
    golden: Tensors = {}
    for version, task, channels, schedule in ((1, "", 4, SD_1), (2, "", 4, SD_2), (1, "-inpaint", 9, SD_1)):
        folder = root / f"{version}{task}"
        parts = make_parts(version, channels, data)
        scheduler = {"PNDMScheduler": PNDMScheduler, "DDIMScheduler": DDIMScheduler}[schedule["_class_name"]]
        parts["scheduler"] = scheduler.from_config(schedule)
        pipe = (StableDiffusionInpaintPipeline if task else StableDiffusionPipeline)(**parts)
        save(pipe, folder)
        prefix_text_keys(folder / "text_encoder")
        (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(schedule, indent=2) + "\n")
        if not task:
            record_text_to_image(golden, folder.name, pipe, folder)
            record_image_to_image(golden, folder.name, parts, picture, folder)
        if version == 1:
            record_inpainting(golden, folder.name, parts, masked, folder)
    save_file({k: v.contiguous() for k, v in golden.items()}, root / "pictures.safetensors")
