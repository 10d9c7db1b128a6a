"""Four steps of torch.optim.Muon: a wide, a tall and a square matrix, their gradients, and where these take them."""

from pathlib import Path

import torch
from safetensors.torch import save_file


def write(data: Path) -> None:
    chance = torch.Generator().manual_seed(4)
    tensors = {}
    for name, shape in {"wide": (24, 54), "tall": (48, 12), "square": (32, 32)}.items():
        weights = torch.randn(shape, generator=chance).requires_grad_()
        gradients = torch.randn((4, *shape), generator=chance).half().float()  # exact in any type
        tensors[f"{name}.before"], tensors[f"{name}.gradients"] = weights.detach().clone(), gradients
        muon = torch.optim.Muon([weights], lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
        for gradient in gradients:
            weights.grad = gradient.clone()
            muon.step()
        tensors[f"{name}.after"] = weights.detach()
    save_file(tensors, data / "muon.safetensors")
