"""LoRA files for the tiny Stable Diffusion 1 folder, one for each layout of keys, and what the reference draws with them.

lora/{peft,diffusers,kohya}.safetensors: the same changes of linear and convolutional layers in the keys of three programs;
of the UNet in all, of the text encoder in the first and the last. lora/pictures.safetensors: pixels and some of the merged
weights.
"""

import shutil
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from safetensors.torch import save_file

from golden.kandinsky import Tensors, draw, generator
from golden.stable_diffusion import PROMPT, SIZE, STEPS

UNET = dict(r=3, lora_alpha=6, target_modules=["to_q", "to_k", "to_out.0", "proj_in", "conv1", "ff.net.0.proj"])
TEXT = dict(r=2, lora_alpha=2, target_modules=["q_proj", "v_proj", "fc1"])
SCALE = 0.7
RECORDED = (
    "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q", "down_blocks.0.attentions.0.proj_in",
    "down_blocks.1.resnets.0.conv1",
)  # fmt: skip
RECORDED_TEXT = "encoder.layers.1.mlp.fc1"


def open_pipeline(data: Path) -> StableDiffusionPipeline:
    return StableDiffusionPipeline.from_pretrained(
        data / "stable-diffusion" / "1", dtype=torch.float32, safety_checker=None, requires_safety_checker=False
    )


def add_adapter(model: torch.nn.Module, settings: dict) -> Tensors:
    """Random, where training starts with a half of zeros; small enough that the image stays one."""
    model.add_adapter(LoraConfig(**settings))
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            parameter.data.normal_(std=0.5 * parameter[0].numel() ** -0.5)
            parameter.data.copy_(parameter.data.half())
    return get_peft_model_state_dict(model)


def kohya_keys(prefix: str, layers: Tensors, alpha: float) -> Tensors:
    """lora_unet_down_blocks_0_….lora_down.weight, and the alpha beside it."""
    tensors: Tensors = {}
    for key, tensor in layers.items():
        for ending, theirs in {".lora_A.weight": "lora_down", ".lora_B.weight": "lora_up"}.items():
            if key.endswith(ending):
                module = f"{prefix}_{key.removesuffix(ending).replace('.', '_')}"
                tensors[f"{module}.{theirs}.weight"] = tensor
                tensors[f"{module}.alpha"] = torch.tensor(float(alpha))
    assert len(tensors) == len(layers) * 3 // 2
    return tensors


def with_prefix(prefix: str, layers: Tensors) -> Tensors:
    return {f"{prefix}.{key}": tensor for key, tensor in layers.items()}


def old_names(key: str) -> str:
    """Of attention those that the reference still reads."""
    key = key.replace(".lora_A.", ".lora.down.").replace(".lora_B.", ".lora.up.")
    for part in ("to_q", "to_k", "to_out.0"):
        key = key.replace(f".{part}.lora.", f".{part.removesuffix('.0')}_lora.")
    return key


def write_files(root: Path, unet: Tensors, text: Tensors) -> None:
    half = lambda tensors: {k: v.half().contiguous() for k, v in tensors.items()}  # noqa: E731
    StableDiffusionPipeline.save_lora_weights(
        root, unet_lora_layers=half(unet), text_encoder_lora_layers=half(text), weight_name="peft.safetensors",
        unet_lora_adapter_metadata=UNET | dict(bias="none"), text_encoder_lora_adapter_metadata=TEXT | dict(bias="none"),
    )
    # Without an alpha: it is the rank.
    old = {old_names(k): v for k, v in with_prefix("unet", unet).items()}
    save_file(half(old), root / "diffusers.safetensors")
    # Here CLIP's text model has the prefix that the library leaves out. Its attention in these keys is lost on the
    # reference, whose names for it are no longer those of transformers.
    text = {f"text_model.{k.removeprefix('text_model.')}": v for k, v in text.items() if "mlp" in k}
    kohya = kohya_keys("lora_unet", unet, UNET["lora_alpha"]) | kohya_keys("lora_te", text, TEXT["lora_alpha"])
    save_file(half(kohya), root / "kohya.safetensors")


@torch.no_grad()
def write(data: Path) -> None:
    root = data / "lora"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    torch.manual_seed(41)
    pipe = open_pipeline(data)
    unet, text = add_adapter(pipe.unet, UNET), add_adapter(pipe.text_encoder, TEXT)
    write_files(root, unet, text)
    golden: Tensors = {}
    for name in ("peft", "diffusers", "kohya"):
        pipe = open_pipeline(data)
        pipe.load_lora_weights(root, weight_name=f"{name}.safetensors")
        pipe.fuse_lora(lora_scale=SCALE)
        pipe.unload_lora_weights()
        draw(pipe, golden, name, generator(), prompt=PROMPT, num_inference_steps=STEPS, **SIZE)
        for module in RECORDED:
            golden[f"{name}.unet.{module}.weight"] = pipe.unet.get_submodule(module).weight
        golden[f"{name}.text_encoder.text_model.{RECORDED_TEXT}.weight"] = pipe.text_encoder.get_submodule(RECORDED_TEXT).weight
    save_file({k: v.contiguous() for k, v in golden.items()}, root / "pictures.safetensors")
