"""A tiny whole Karlo-type folder, and what the reference pipeline draws with it.

Weights are stored in float16 so that the folder stays below 1 MB; both programs widen them exactly.
"""

import json
import shutil
from pathlib import Path

import diffusers
import torch
from diffusers import PriorTransformer, UNet2DConditionModel, UNet2DModel
from diffusers.pipelines.deprecated.unclip import UnCLIPPipeline
from diffusers.pipelines.deprecated.unclip.text_proj import UnCLIPTextProjModel
from diffusers.schedulers import UnCLIPScheduler
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModelWithProjection, CLIPTokenizer

PROMPTS = ["a red circle", "Two small yellow stars, on a blue background!"]
SEEDS = [7, 8]
STEPS = dict(prior_num_inference_steps=5, decoder_num_inference_steps=5, super_res_num_inference_steps=3)

SCHEDULERS = {
    "prior_scheduler": dict(
        variance_type="fixed_small_log", prediction_type="sample", clip_sample=True, clip_sample_range=5.0
    ),
    "decoder_scheduler": dict(variance_type="learned_range", prediction_type="epsilon"),
    "super_res_scheduler": dict(variance_type="fixed_small_log", prediction_type="epsilon"),
}


def make_pipeline(tokenizer_folder: Path) -> UnCLIPPipeline:
    torch.manual_seed(0)
    tokenizer = CLIPTokenizer.from_pretrained(tokenizer_folder)
    width, channels = 32, (8, 16, 24)
    text_encoder = CLIPTextModelWithProjection(
        CLIPTextConfig(
            vocab_size=len(tokenizer), hidden_size=width, intermediate_size=64, projection_dim=width,
            num_hidden_layers=2, num_attention_heads=4, hidden_act="quick_gelu",
            bos_token_id=tokenizer.bos_token_id, eos_token_id=2, pad_token_id=tokenizer.pad_token_id,
        )
    )
    prior = PriorTransformer(num_attention_heads=2, attention_head_dim=16, num_layers=2, embedding_dim=width)
    prior.clip_mean.data = 0.1 * torch.randn(1, width)
    prior.clip_std.data = 0.5 + torch.rand(1, width)
    text_proj = UnCLIPTextProjModel(
        clip_embeddings_dim=width, time_embed_dim=4 * channels[0], cross_attention_dim=24
    )
    text_proj.learned_classifier_free_guidance_embeddings.data = torch.randn(width)
    decoder = UNet2DConditionModel(
        sample_size=16, in_channels=3, out_channels=6, block_out_channels=channels, layers_per_block=1,
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D", "SimpleCrossAttnDownBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        up_block_types=("SimpleCrossAttnUpBlock2D", "SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        cross_attention_dim=24, attention_head_dim=8, norm_num_groups=4, class_embed_type="identity",
        resnet_time_scale_shift="scale_shift", only_cross_attention=False,
    )

    def super_res(sample_size: int | None) -> UNet2DModel:
        return UNet2DModel(
            sample_size=sample_size, in_channels=6, out_channels=3, block_out_channels=(8, 16),
            layers_per_block=1, down_block_types=("ResnetDownsampleBlock2D",) * 2,
            up_block_types=("ResnetUpsampleBlock2D",) * 2, norm_num_groups=4, add_attention=False,
        )

    return UnCLIPPipeline(
        prior=prior, decoder=decoder, text_encoder=text_encoder, tokenizer=tokenizer, text_proj=text_proj,
        super_res_first=super_res(32), super_res_last=super_res(None),
        **{name: UnCLIPScheduler(**settings) for name, settings in SCHEDULERS.items()},
    )


def open_pipeline(folder: Path, dtype: torch.dtype) -> UnCLIPPipeline:
    """Karlo's index names the pipeline's module as it was called before this release moved it."""
    diffusers.pipelines.unclip = diffusers.pipelines.deprecated.unclip
    return UnCLIPPipeline.from_pretrained(folder, torch_dtype=dtype)


def record_scheduler(settings: dict, steps: int) -> dict[str, torch.Tensor]:
    """One whole trajectory with made-up model outputs."""
    scheduler = UnCLIPScheduler(**settings)
    scheduler.set_timesteps(steps)
    inputs = torch.Generator("cpu").manual_seed(1)
    noise = torch.Generator("cpu").manual_seed(2)
    sample = torch.randn(1, 3, 4, 4, generator=inputs)
    channels = 6 if settings["variance_type"] == "learned_range" else 3
    outputs, samples = [], [sample]
    for i, t in enumerate(scheduler.timesteps):
        outputs.append(torch.randn(1, channels, 4, 4, generator=inputs).clamp(-1, 1))
        following = scheduler.timesteps[i + 1] if i + 1 < steps else None
        sample = scheduler.step(outputs[-1], t, sample, prev_timestep=following, generator=noise).prev_sample
        samples.append(sample)
    return {"timesteps": scheduler.timesteps, "outputs": torch.cat(outputs), "samples": torch.cat(samples)}


def record_picture(pipe: UnCLIPPipeline, prompt: str, seed: int, **guidance: float) -> dict[str, torch.Tensor]:
    """The embedding after the prior, the picture after the decoder, and the final pixels."""
    steps: dict[str, torch.Tensor] = {}

    def keep_last(name: str):
        step = getattr(pipe, name).__class__.step
        scheduler = getattr(pipe, name)

        def run(*args, **kwargs):
            result = step(scheduler, *args, **kwargs)
            steps[name] = result.prev_sample
            return result

        scheduler.step = run

    for name in SCHEDULERS:
        keep_last(name)
    generator = torch.Generator("cpu").manual_seed(seed)
    image = pipe(prompt, generator=generator, output_type="np", **STEPS, **guidance).images
    return {
        "embedding": pipe.prior.post_process_latents(steps["prior_scheduler"]),
        "decoder": steps["decoder_scheduler"].clamp(-1, 1),
        "pixels": torch.from_numpy((image * 255).round()).to(torch.uint8),
    }


@torch.no_grad()
def write(data: Path) -> None:
    folder = data / "karlo-tiny"
    shutil.rmtree(folder, ignore_errors=True)
    make_pipeline(data / "clip-tokenizer").to(torch.float16).save_pretrained(folder)
    # As in Karlo's own folder: the class is private to its pipeline, whose name stands in for a library's.
    index = json.loads((folder / "model_index.json").read_text())
    index["text_proj"][0] = "unclip"
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")

    pipe = open_pipeline(folder, torch.float32)
    pipe.set_progress_bar_config(disable=True)
    golden = {}
    for prompt, seed in zip(PROMPTS, SEEDS):
        golden |= {f"guided.{seed}.{k}": v for k, v in record_picture(pipe, prompt, seed).items()}
    plain = record_picture(pipe, PROMPTS[0], SEEDS[0], prior_guidance_scale=1.0, decoder_guidance_scale=1.0)
    golden |= {f"plain.{SEEDS[0]}.{k}": v for k, v in plain.items()}
    save_file({k: v.contiguous() for k, v in golden.items()}, data / "karlo-tiny-pictures.safetensors")

    trajectories = {}
    for name, settings in SCHEDULERS.items():
        for steps in (2, 7, 25):
            for key, value in record_scheduler(settings, steps).items():
                trajectories[f"{name}.{steps}.{key}"] = value.contiguous()
    save_file(trajectories, data / "unclip-scheduler.safetensors")
