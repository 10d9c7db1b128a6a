"""Tiny UNets of both kinds as model folders, each with what the reference draws on made-up inputs.

Weights are rounded to float16 on their way to the file, so both programs compute on the same numbers.
"""

import shutil
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel, UNet2DModel
from safetensors.torch import save_file

CONDITION = dict(in_channels=3, norm_num_groups=4, layers_per_block=1, attention_head_dim=4, cross_attention_dim=12)
STABLE = dict(
    norm_num_groups=4, layers_per_block=1, cross_attention_dim=12, block_out_channels=(8, 16),
    down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
)

# Name → class, settings, and the shapes of sample and class labels; context tokens where there is a context.
CASES = {
    # Karlo's decoder: all its kinds of blocks on three levels, a picture that is no square.
    "unet-decoder": (
        UNet2DConditionModel,
        CONDITION | dict(
            out_channels=6, block_out_channels=(8, 16, 16), class_embed_type="identity",
            down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D", "SimpleCrossAttnDownBlock2D"),
            mid_block_type="UNetMidBlock2DSimpleCrossAttn",
            up_block_types=("SimpleCrossAttnUpBlock2D", "SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
            resnet_time_scale_shift="scale_shift",
        ),
        dict(sample=(2, 3, 16, 12), labels=(2, 32), tokens=5),
    ),
    # No attention, the time added, sizes that do not halve evenly.
    "unet-decoder-plain": (
        UNet2DConditionModel,
        CONDITION | dict(
            out_channels=3, block_out_channels=(8, 8, 16), class_embed_type="timestep",
            down_block_types=("DownBlock2D",) * 3, mid_block_type="UNetMidBlock2D", up_block_types=("UpBlock2D",) * 3,
            conv_in_kernel=1, flip_sin_to_cos=False, freq_shift=1, time_embedding_dim=24,
        ),
        dict(sample=(2, 3, 13, 11), labels=(2,), tokens=0),
    ),
    # Settings in lists, cross-attention alone, scale factors, no second SiLU on the time.
    "unet-decoder-lists": (
        UNet2DConditionModel,
        CONDITION | dict(
            out_channels=3, block_out_channels=(8, 16), layers_per_block=(2, 1), attention_head_dim=(4, 8),
            cross_attention_dim=(12, 12), only_cross_attention=(True, False), class_embed_type="projection",
            projection_class_embeddings_input_dim=10, mid_block_only_cross_attention=True,
            down_block_types=("SimpleCrossAttnDownBlock2D", "SimpleCrossAttnDownBlock2D"),
            mid_block_type="UNetMidBlock2DSimpleCrossAttn",
            up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
            resnet_skip_time_act=True, resnet_out_scale_factor=1.4, mid_block_scale_factor=1.2,
        ),
        dict(sample=(2, 3, 8, 8), labels=(2, 10), tokens=5, mask=False),
    ),
    # Karlo's super-resolution net.
    "unet-upsampler": (
        UNet2DModel,
        dict(
            sample_size=None, in_channels=6, out_channels=3, block_out_channels=(8, 16), layers_per_block=1,
            down_block_types=("ResnetDownsampleBlock2D",) * 2, up_block_types=("ResnetUpsampleBlock2D",) * 2,
            norm_num_groups=4, add_attention=False, resnet_time_scale_shift="scale_shift",
        ),
        dict(sample=(2, 6, 16, 16)),
    ),
    # Self-attention on a level and in the middle, a table of classes.
    "unet-upsampler-attention": (
        UNet2DModel,
        dict(
            block_out_channels=(8, 16), layers_per_block=1, down_block_types=("DownBlock2D", "AttnDownBlock2D"),
            up_block_types=("AttnUpBlock2D", "UpBlock2D"), norm_num_groups=4, attention_head_dim=4,
            mid_block_scale_factor=1.5, downsample_padding=0, num_class_embeds=3,
        ),
        dict(sample=(2, 3, 8, 12), labels=(2,)),
    ),
    # Stable Diffusion 1: convolutions around the transformers, the same number of heads everywhere. Sizes that do not
    # halve evenly.
    "unet-stable-1": (
        UNet2DConditionModel,
        STABLE | dict(attention_head_dim=2),
        dict(sample=(2, 4, 10, 14), tokens=5, mask=False),
    ),
    # Its inpainting net: the mask and what is kept stand beside the latent.
    "unet-stable-1-inpaint": (
        UNet2DConditionModel,
        STABLE | dict(attention_head_dim=2, in_channels=9),
        dict(sample=(2, 9, 8, 8), tokens=5, mask=False),
    ),
    # Stable Diffusion 2: linear layers around the transformers, heads by level.
    "unet-stable-2": (
        UNet2DConditionModel,
        STABLE | dict(attention_head_dim=(2, 4), use_linear_projection=True, upcast_attention=True),
        dict(sample=(2, 4, 8, 12), tokens=5, mask=False),
    ),
    # Its unCLIP: told a noised image embedding beside the time. Deeper transformers, one that sees the context alone.
    "unet-stable-unclip": (
        UNet2DConditionModel,
        STABLE | dict(
            attention_head_dim=(2, 4), use_linear_projection=True, class_embed_type="projection",
            projection_class_embeddings_input_dim=10, transformer_layers_per_block=(1, 2),
            only_cross_attention=(True, False),
        ),
        dict(sample=(2, 4, 8, 8), labels=(2, 10), tokens=5, mask=False),
    ),
}


def make_inputs(settings: dict, shapes: dict) -> dict[str, torch.Tensor]:
    inputs = {"sample": torch.randn(shapes["sample"]), "timestep": torch.tensor([999, 37])}
    if shapes.get("labels") == (2,):
        inputs["class_labels"] = torch.tensor([2, 0])
    elif "labels" in shapes:
        inputs["class_labels"] = torch.randn(shapes["labels"])
    if "tokens" in shapes:
        tokens, width = shapes["tokens"], 12
        inputs["encoder_hidden_states"] = torch.randn(2, max(tokens, 1), width)
        if tokens and shapes.get("mask", True):
            inputs["attention_mask"] = torch.tensor([[1, 1, 1, 1, 1], [1, 0, 1, 0, 0]], dtype=torch.bool)
    return inputs


@torch.no_grad()
def write(data: Path) -> None:
    torch.manual_seed(0)
    for name, (model_class, settings, shapes) in CASES.items():
        folder = data / "nets" / name
        shutil.rmtree(folder, ignore_errors=True)
        model = model_class(**settings).eval()
        for parameter in model.parameters():
            if parameter.ndim == 1:  # norms start as the identity, which would hide a wrong one
                parameter += 0.1 * torch.randn_like(parameter)
            parameter.copy_(parameter.half())
        inputs = make_inputs(settings, shapes)
        golden = {k: v.contiguous() for k, v in inputs.items()} | {"output": model(**inputs).sample}
        model.half().save_pretrained(folder)
        save_file(golden, folder / "golden.safetensors")
