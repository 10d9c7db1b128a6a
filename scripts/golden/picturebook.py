"""What the reference pipeline draws with the model that ships."""

import json
from pathlib import Path

import torch
from diffusers import UnCLIPPipeline

PICTURES = [("a red circle", 0), ("two yellow stars on a blue background", 1)]


@torch.no_grad()
def write(data: Path) -> None:
    folder = data.parents[1] / "models" / "picturebook"
    pipe = UnCLIPPipeline.from_pretrained(folder, torch_dtype=torch.float32)
    recommended = json.loads((folder / "generation_config.json").read_text())
    recommended.pop("prior_candidates", None)  # the reference samples one
    (data / "picturebook").mkdir(exist_ok=True)
    for prompt, seed in PICTURES:
        generator = torch.Generator("cpu").manual_seed(seed)
        image = pipe(prompt, generator=generator, **recommended).images[0]
        image.save(data / "picturebook" / f"{seed}.png")
