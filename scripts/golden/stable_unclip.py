"""Tiny whole folders of Stable Diffusion's unCLIP models, and what the reference pipelines draw with them.

stable-unclip/text: with a prior of its own; stable-unclip/image: with an image encoder; both stored in float16, which both
programs widen exactly, with the schedulers' files of the real folders. stable-unclip/karlo: the parts of a Karlo folder that
--prior takes. stable-unclip/pictures.safetensors: embeddings and pixels. stable-unclip/noising.safetensors: noised
embeddings. The picture put in is kandinsky/init.png.
"""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import torch
from diffusers import (
    DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler, EulerAncestralDiscreteScheduler, PNDMScheduler,
    PriorTransformer, StableUnCLIPImg2ImgPipeline, StableUnCLIPPipeline, UNet2DConditionModel, UnCLIPScheduler,
)  # fmt: skip
from diffusers.pipelines.stable_diffusion.stable_unclip_image_normalizer import StableUnCLIPImageNormalizer
from PIL import Image
from safetensors.torch import save_file
from transformers import (
    CLIPImageProcessorPil, CLIPTextConfig, CLIPTextModelWithProjection, CLIPTokenizer, CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)  # fmt: skip

from golden.kandinsky import Tensors, draw, fill, generator, save
from golden.schedulers import NOISING, SD_2_UNCLIP
from golden.stable_diffusion import (
    NEGATIVE, PROMPT, SIZE, STEPS, WIDTH, fill_vae, make_text_encoder, make_vae, prefix_text_keys,
)  # fmt: skip

EMBEDDING = 24  # of images
PRIOR_STEPS = 4
# As the real folders have them.
PRIOR_SCHEDULE = dict(
    variance_type="fixed_small_log", prediction_type="sample", clip_sample=True, clip_sample_range=5.0,
)
SAMPLERS = {"ddim": DDIMScheduler, "dpm++": DPMSolverMultistepScheduler, "euler-a": EulerAncestralDiscreteScheduler}


def make_normalizer() -> StableUnCLIPImageNormalizer:
    normalizer = fill(StableUnCLIPImageNormalizer(embedding_dim=EMBEDDING), 21)
    normalizer.std.data = (normalizer.std.data.abs() + 0.5).half().float()
    return normalizer


def make_unet() -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=16, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, cross_attention_dim=WIDTH,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        attention_head_dim=(2, 4), use_linear_projection=True, class_embed_type="projection",
        projection_class_embeddings_input_dim=2 * EMBEDDING,
    )


def make_decoder(data: Path) -> dict:
    tokenizer = CLIPTokenizer.from_pretrained(data / "clip-tokenizer")
    return dict(
        image_normalizer=make_normalizer(), image_noising_scheduler=DDPMScheduler.from_config(NOISING), tokenizer=tokenizer,
        text_encoder=fill(make_text_encoder(2, tokenizer), 22), unet=fill(make_unet(), 23),
        scheduler=PNDMScheduler.from_config(SD_2_UNCLIP), vae=fill_vae(make_vae()),
    )


def make_prior(data: Path) -> dict:
    tokenizer = CLIPTokenizer.from_pretrained(data / "clip-tokenizer")
    text = CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=EMBEDDING, intermediate_size=48, projection_dim=EMBEDDING,
        num_hidden_layers=2, num_attention_heads=4, bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )
    prior = fill(PriorTransformer(num_attention_heads=2, attention_head_dim=12, num_layers=2, embedding_dim=EMBEDDING), 24)
    prior.clip_std.data = (prior.clip_std.data.abs() + 0.5).half().float()
    return dict(
        prior_tokenizer=tokenizer, prior_text_encoder=fill(CLIPTextModelWithProjection(text), 25), prior=prior,
        prior_scheduler=DDPMScheduler(**PRIOR_SCHEDULE, beta_schedule="squaredcos_cap_v2"),
    )


def make_image_encoder() -> dict:
    vision = CLIPVisionConfig(
        hidden_size=24, intermediate_size=48, projection_dim=EMBEDDING, num_hidden_layers=2, num_attention_heads=2,
        image_size=28, patch_size=7, hidden_act="gelu",
    )
    return dict(
        image_encoder=fill(CLIPVisionModelWithProjection(vision), 26),
        feature_extractor=CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}),
    )


def write_karlo(prior: dict, folder: Path) -> None:
    """The prior alone, as a Karlo folder has it, with that family's scheduler."""
    for name in ("prior", "prior_text_encoder", "prior_tokenizer"):
        part = prior[name]
        part.save_pretrained(folder / name.removeprefix("prior_"))
    UnCLIPScheduler(**PRIOR_SCHEDULE).save_pretrained(folder / "prior_scheduler")
    index = {
        "_class_name": "UnCLIPPipeline", "prior": ["diffusers", "PriorTransformer"],
        "prior_scheduler": ["diffusers", "UnCLIPScheduler"],
        "text_encoder": ["transformers", "CLIPTextModelWithProjection"], "tokenizer": ["transformers", "CLIPTokenizer"],
    }
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")


def record(golden: Tensors, name: str, pipe, inputs: dict) -> None:
    draw(pipe, golden, name, generator(), num_inference_steps=STEPS, **inputs)


def resample(pipe, sampler: str):
    return type(pipe)(**pipe.components | dict(scheduler=SAMPLERS[sampler].from_config(SD_2_UNCLIP)))


def record_text_to_image(golden: Tensors, pipe: StableUnCLIPPipeline) -> None:
    inputs = SIZE | dict(prompt=PROMPT, prior_num_inference_steps=PRIOR_STEPS)
    record(golden, "text.guided", pipe, inputs)
    record(golden, "text.unguided", pipe, inputs | dict(guidance_scale=1.0, prior_guidance_scale=1.0))
    record(golden, "text.negative", pipe, inputs | dict(negative_prompt=NEGATIVE))
    record(golden, "text.noisy", pipe, inputs | dict(noise_level=700))
    for sampler in SAMPLERS:
        record(golden, f"text.{sampler}", resample(pipe, sampler), inputs)


def record_variations(golden: Tensors, pipe: StableUnCLIPImg2ImgPipeline, picture: Image.Image) -> None:
    inputs = SIZE | dict(image=picture)
    record(golden, "image.guided", pipe, inputs)
    record(golden, "image.unguided", pipe, inputs | dict(guidance_scale=1.0))
    record(golden, "image.noisy", pipe, inputs | dict(noise_level=700))
    pixels = pipe.feature_extractor(images=picture, return_tensors="pt").pixel_values
    golden["image.embedding"] = pipe.image_encoder(pixels).image_embeds


def record_noising(path: Path, normalizer: StableUnCLIPImageNormalizer) -> None:
    torch.manual_seed(27)
    pipe = SimpleNamespace(image_normalizer=normalizer, image_noising_scheduler=DDPMScheduler.from_config(NOISING))
    golden = {"embedding": torch.randn(2, EMBEDDING), "noise": torch.randn(2, EMBEDDING)}
    golden["scaled"] = normalizer.scale(golden["embedding"])
    golden["unscaled"] = normalizer.unscale(golden["embedding"])
    for level in (0, 1, 500, 999):
        golden[f"noised.{level}"] = StableUnCLIPPipeline.noise_image_embeddings(
            pipe, golden["embedding"], noise_level=level, noise=golden["noise"]
        )
    save_file({k: v.contiguous() for k, v in golden.items()}, path)


@torch.no_grad()
def write(data: Path) -> None:
    root = data / "stable-unclip"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    golden: Tensors = {}
    decoder, prior = make_decoder(data), make_prior(data)
    text = StableUnCLIPPipeline(**decoder, **prior)
    image = StableUnCLIPImg2ImgPipeline(**decoder, **make_image_encoder())
    save(text, root / "text")
    save(image, root / "image")
    for folder in (root / "text", root / "image"):
        prefix_text_keys(folder / "text_encoder")
        for name, schedule in (("scheduler", SD_2_UNCLIP), ("image_noising_scheduler", NOISING)):
            (folder / name / "scheduler_config.json").write_text(json.dumps(schedule, indent=2) + "\n")
    write_karlo(prior, root / "karlo")
    record_text_to_image(golden, text)
    record_variations(golden, image, Image.open(data / "kandinsky" / "init.png"))
    record_noising(root / "noising.safetensors", decoder["image_normalizer"])
    save_file({k: v.contiguous() for k, v in golden.items()}, root / "pictures.safetensors")
