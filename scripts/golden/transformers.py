"""Tiny transformer nets as model folders, each with what the reference computes on made-up inputs.

Weights are rounded to float16 on their way to the file, so both programs compute on the same numbers.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from diffusers import PriorTransformer
from diffusers.pipelines.deprecated.unclip.text_proj import UnCLIPTextProjModel
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker, cosine_distance
from safetensors.torch import load_file, save_file
from transformers import (
    CLIPConfig, CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPVisionConfig, CLIPVisionModelWithProjection,
)

Tensors = dict[str, torch.Tensor]
END = 40  # id of the end-of-text token; larger ids exist, so that pooling at the largest is another thing
TOKENS = 6
MASK = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0]], dtype=torch.bool)

CLIP = dict(hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, projection_dim=12)
TEXT = CLIP | dict(vocab_size=48, max_position_embeddings=8, bos_token_id=45, pad_token_id=47)
PRIOR = dict(num_attention_heads=2, attention_head_dim=8, num_layers=2, embedding_dim=12, num_embeddings=TOKENS)


def run_text(model: CLIPTextModelWithProjection, inputs: Tensors) -> Tensors:
    out = model(inputs["ids"], attention_mask=inputs.get("mask"))
    return {"pooled": out.text_embeds, "sequence": out.last_hidden_state}


def run_text_alone(model: CLIPTextModel, inputs: Tensors) -> Tensors:
    out = model(inputs["ids"])
    return {"pooled": out.pooler_output, "sequence": out.last_hidden_state}


def run_vision(model: CLIPVisionModelWithProjection, inputs: Tensors) -> Tensors:
    return {"embedding": model(inputs["pixels"]).image_embeds}


def margins(model: StableDiffusionSafetyChecker, pixels: torch.Tensor) -> Tensors:
    seen = model.visual_projection(model.vision_model(pixels).pooler_output)
    return {
        "special": cosine_distance(seen, model.special_care_embeds) - model.special_care_embeds_weights,
        "concepts": cosine_distance(seen, model.concept_embeds) - model.concept_embeds_weights,
    }


def run_safety_checker(model: StableDiffusionSafetyChecker, inputs: Tensors) -> Tensors:
    """With thresholds that two images pass: one by itself, the other because it shows a special concept, too."""
    model.concept_embeds_weights.zero_()
    model.special_care_embeds_weights.zero_()
    likeness = margins(model, inputs["pixels"])
    two = {name: values.topk(2, dim=0) for name, values in likeness.items()}
    middle = {name: top.values.mean(0) for name, top in two.items()}  # between the likest image and the next
    gap, special_gap = (two[name].values.diff(dim=0).abs()[0] for name in ("concepts", "special"))
    special = special_gap.argmax()
    careful = two["special"].indices[0, special]
    mine = two["concepts"].indices[0] == careful
    other, own = (gap * ~mine).argmax(), (gap * mine).argmax()
    model.concept_embeds_weights.copy_((likeness["concepts"].amax(0) + 0.1).half())
    model.concept_embeds_weights[other] = middle["concepts"][other].half()
    model.concept_embeds_weights[own] = (two["concepts"].values[0, own] + 0.005).half()
    model.special_care_embeds_weights.copy_((likeness["special"].amax(0) + 0.1).half())
    model.special_care_embeds_weights[special] = middle["special"][special].half()
    _, flagged = model(inputs["pixels"], torch.ones_like(inputs["pixels"]))
    assert flagged[two["concepts"].indices[0, other]] and flagged[careful] and sum(flagged) == 2
    inputs["flagged"] = torch.tensor(flagged)
    return margins(model, inputs["pixels"])


def run_text_proj(model: UnCLIPTextProjModel, inputs: Tensors) -> Tensors:
    context, time = model(
        image_embeddings=inputs["x"], prompt_embeds=inputs["text_embedding"],
        text_encoder_hidden_states=inputs["text_sequence"], do_classifier_free_guidance=True,
    )
    return {"context": context, "time": time}


def run_prior(model: PriorTransformer, inputs: Tensors) -> Tensors:
    embedding = model(
        inputs["x"], inputs["timestep"], inputs["text_embedding"], inputs.get("text_sequence"), inputs.get("mask")
    ).predicted_image_embedding
    embedding = embedding.reshape(len(inputs["x"]), -1)
    return {"embedding": embedding, "processed": model.post_process_latents(embedding)}


def run_timeless_prior(model: PriorTransformer, inputs: Tensors) -> Tensors:
    """ECLIPSE's prior, by the parts of the reference's: no token tells the time."""
    batch = len(inputs["x"])
    tokens = torch.cat([
        model.encoder_hidden_states_proj(inputs["text_sequence"]),
        model.embedding_proj(inputs["text_embedding"])[:, None],
        model.proj_in(inputs["x"])[:, None],
        model.prd_embedding.expand(batch, -1, -1),
    ], dim=1) + model.positional_embedding
    padding = torch.nn.functional.pad((1 - inputs["mask"].float()) * -10000.0, (0, 3))
    bias = (padding[:, None] + model.causal_attention_mask).repeat_interleave(model.config.num_attention_heads, 0)
    for block in model.transformer_blocks:
        tokens = block(tokens, attention_mask=bias)
    embedding = model.proj_to_clip_embeddings(model.norm_out(tokens)[:, -1])
    return {"embedding": embedding, "processed": model.post_process_latents(embedding)}


def prior_inputs(text_width: int = 12) -> Tensors:
    return {
        "x": torch.randn(2, 12), "timestep": torch.tensor([999, 37]), "text_embedding": torch.randn(2, text_width),
        "text_sequence": torch.randn(2, TOKENS, 12), "mask": MASK,
    }


def without(inputs: Tensors, *names: str) -> Tensors:
    return {k: v for k, v in inputs.items() if k not in names}


# Name → model, inputs, how the reference is run.
CASES: dict[str, Callable[[], tuple[torch.nn.Module, Tensors, Callable]]] = {
    # Karlo's: pools at the largest id, the first of equals; sees the padding.
    "clip-text": lambda: (
        CLIPTextModelWithProjection(CLIPTextConfig(**TEXT, eos_token_id=2)),
        {"ids": torch.tensor([[45, 7, 9, 47, 47, 47], [45, 3, 46, 8, 12, 47]])}, run_text,
    ),
    # Kandinsky 2.2's: gelu; pools at the first end token, which is padding too; ignores the padding.
    "clip-text-gelu": lambda: (
        CLIPTextModelWithProjection(CLIPTextConfig(**TEXT, hidden_act="gelu", eos_token_id=END)),
        {"ids": torch.tensor([[45, 7, 9, 47, 5, END], [45, 3, END, END, END, END]]), "mask": MASK.long()}, run_text,
    ),
    "clip-vision": lambda: (
        CLIPVisionModelWithProjection(CLIPVisionConfig(**CLIP, image_size=16, patch_size=4)),
        {"pixels": torch.randn(2, 3, 16, 16)}, run_vision,
    ),
    # gelu, and a side that is no multiple of the patch's.
    "clip-vision-gelu": lambda: (
        CLIPVisionModelWithProjection(CLIPVisionConfig(**CLIP, image_size=18, patch_size=4, hidden_act="gelu")),
        {"pixels": torch.randn(2, 3, 18, 18)}, run_vision,
    ),
    # Karlo's and Kandinsky's.
    "prior": lambda: (PriorTransformer(**PRIOR), prior_inputs(), run_prior),
    # All the settings that those leave alone; no learned token, no mask.
    "prior-settings": lambda: (
        PriorTransformer(
            **PRIOR, additional_embeddings=3, added_emb_type=None, norm_in_type="layer",
            embedding_proj_norm_type="layer", embedding_proj_dim=10, clip_embed_dim=14, time_embed_dim=24,
        ),
        without(prior_inputs(10), "mask"), run_prior,
    ),
    # Only the text's embedding is read, not its tokens.
    "prior-tokenless": lambda: (
        PriorTransformer(**PRIOR | dict(num_embeddings=0), encoder_hid_proj_type=None),
        without(prior_inputs(), "mask", "text_sequence"), run_prior,
    ),
    "prior-eclipse": lambda: (
        PriorTransformer(**PRIOR, additional_embeddings=3), without(prior_inputs(), "timestep"), run_timeless_prior
    ),
    "text-proj": lambda: (
        UnCLIPTextProjModel(
            clip_extra_context_tokens=3, clip_embeddings_dim=12, time_embed_dim=20, cross_attention_dim=16
        ),
        {
            "x": torch.randn(2, 12), "text_embedding": torch.randn(4, 12),
            "text_sequence": torch.randn(4, TOKENS, 12),
        },
        run_text_proj,
    ),
    # Stable Diffusion 1's text tower, and 2's, which is narrow for its many heads.
    "clip-text-stable-1": lambda: (
        CLIPTextModel(CLIPTextConfig(**TEXT, eos_token_id=END)),
        {"ids": torch.tensor([[45, 7, 9, 47, END, END], [45, 3, END, 8, 12, 47]])}, run_text_alone,
    ),
    "clip-text-stable-2": lambda: (
        CLIPTextModel(CLIPTextConfig(**TEXT | dict(num_attention_heads=8), hidden_act="gelu", eos_token_id=2)),
        {"ids": torch.tensor([[45, 7, 9, 47, 0, 0], [45, 3, 46, 8, 12, 47]])}, run_text_alone,
    ),
    "safety-checker": lambda: (
        StableDiffusionSafetyChecker(CLIPConfig(
            text_config=TEXT | dict(eos_token_id=END), vision_config=CLIP | dict(image_size=16, patch_size=4), projection_dim=12
        )),
        {"pixels": torch.randn(6, 3, 16, 16)}, run_safety_checker,
    ),
}


def fill(model: torch.nn.Module) -> None:
    """The libraries start near zero, which would hide a wrong part."""
    for parameter in model.parameters():
        if parameter.ndim == 1:
            parameter += 0.1 * torch.randn_like(parameter)
        else:
            parameter.normal_(std=parameter[0].numel() ** -0.5)
        parameter.copy_(parameter.half())


def drop_time(folder: Path) -> None:
    weights = folder / "diffusion_pytorch_model.safetensors"
    save_file({k: v for k, v in load_file(weights).items() if not k.startswith("time_embedding")}, weights)
    config = json.loads((folder / "config.json").read_text())
    kept = {k: v for k, v in config.items() if not k.startswith("time_embed")}
    (folder / "config.json").write_text(json.dumps(kept, indent=2) + "\n")


def keep_old_keys(folder: Path) -> None:
    """As folders from before transformers 5 have them: its CLIP towers leave out the prefix and the ids."""
    weights = folder / "model.safetensors"
    tensors = load_file(weights)
    if "vision_model.embeddings.class_embedding" in tensors:
        tensors = {k.replace("vision_model.", "vision_model.vision_model."): v for k, v in tensors.items()}
        tensors["vision_model.vision_model.embeddings.position_ids"] = torch.arange(17)[None]
    else:
        tensors = {f"text_model.{k}": v for k, v in tensors.items()}
        tensors["text_model.embeddings.position_ids"] = torch.arange(TEXT["max_position_embeddings"])[None]
    save_file(tensors, weights, metadata={"format": "pt"})


@torch.no_grad()
def write(data: Path) -> None:
    torch.manual_seed(0)
    for name, make in CASES.items():
        model, inputs, run = make()
        fill(model.eval())
        golden = inputs | {f"output.{k}": v for k, v in run(model, inputs).items()}
        folder = data / "nets" / name
        shutil.rmtree(folder, ignore_errors=True)
        model.half().save_pretrained(folder)
        if run is run_timeless_prior:
            drop_time(folder)
        if name in ("clip-text-stable-2", "safety-checker"):
            keep_old_keys(folder)
        save_file({k: v.contiguous() for k, v in golden.items()}, folder / "golden.safetensors")
