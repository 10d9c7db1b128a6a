"""Four steps of torch.optim.Muon: a wide, a tall and a square matrix, their gradients, and where these take them.

Its iteration is in bfloat16; ours is in float32 where the nets are. So the steps are taken once more by the same code,
told that a tensor's bfloat16 is its float32.
"""

from pathlib import Path
from unittest.mock import patch

import torch
from safetensors.torch import save_file


def take_steps(before: torch.Tensor, gradients: torch.Tensor) -> torch.Tensor:
    weights = before.clone().requires_grad_()
    muon = torch.optim.Muon([weights], lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    for gradient in gradients:
        weights.grad = gradient.clone()
        muon.step()
    return weights.detach()


def write(data: Path) -> None:
    chance = torch.Generator().manual_seed(4)
    tensors = {}
    for name, shape in {"wide": (24, 54), "tall": (48, 12), "square": (32, 32)}.items():
        before = torch.randn(shape, generator=chance)
        gradients = torch.randn((4, *shape), generator=chance).half().float()  # exact in any type
        tensors[f"{name}.before"], tensors[f"{name}.gradients"] = before, gradients
        tensors[f"{name}.after"] = take_steps(before, gradients)
        with patch.object(torch.Tensor, "bfloat16", torch.Tensor.clone):
            tensors[f"{name}.after.float32"] = take_steps(before, gradients)
    save_file(tensors, data / "muon.safetensors")
