"""Whole trajectories of the reference's DDIM, DDPM and DPM-Solver++ schedulers over made-up model outputs."""

import json
from pathlib import Path

import torch
from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler
from safetensors.torch import save_file

# As Kandinsky 2.1, Kandinsky 2.2 and Karlo's decoder have it, then the settings that those leave alone.
LATENT = dict(beta_schedule="linear", beta_start=0.00085, beta_end=0.012, clip_sample=False, steps_offset=1)
PIXEL = dict(beta_schedule="squaredcos_cap_v2", clip_sample=True)
SOLVER = {k: v for k, v in LATENT.items() if k != "clip_sample"}
CONFIGS = {
    "ddim.kandinsky": (DDIMScheduler, LATENT | dict(set_alpha_to_one=False)),
    "ddim.thresholding": (DDIMScheduler, LATENT | dict(thresholding=True, sample_max_value=1.5, prediction_type="sample")),
    "ddim.trailing": (
        DDIMScheduler,
        dict(timestep_spacing="trailing", rescale_betas_zero_snr=True, prediction_type="v_prediction",
             beta_schedule="scaled_linear", clip_sample_range=2.0),
    ),
    "ddpm.kandinsky": (DDPMScheduler, LATENT),
    "ddpm.pixel": (DDPMScheduler, PIXEL | dict(variance_type="learned_range")),
    "ddpm.linspace": (DDPMScheduler, LATENT | dict(timestep_spacing="linspace", variance_type="fixed_large")),
    "ddpm.log": (DDPMScheduler, PIXEL | dict(variance_type="fixed_small_log", prediction_type="v_prediction")),
    "dpm++.kandinsky": (DPMSolverMultistepScheduler, SOLVER | dict(timestep_spacing="leading")),
    "dpm++.pixel": (DPMSolverMultistepScheduler, dict(beta_schedule="squaredcos_cap_v2", thresholding=True)),
    "dpm++.trailing": (DPMSolverMultistepScheduler, SOLVER | dict(timestep_spacing="trailing", prediction_type="sample")),
}  # fmt: skip


def record(scheduler_class: type, settings: dict, steps: int) -> dict[str, torch.Tensor]:
    scheduler = scheduler_class(**settings)
    scheduler.set_timesteps(steps)
    inputs = torch.Generator("cpu").manual_seed(1)
    noise = torch.Generator("cpu").manual_seed(2)
    sample = torch.randn(1, 3, 4, 4, generator=inputs)
    channels = 6 if settings.get("variance_type") == "learned_range" else 3
    outputs, samples = [], [sample]
    for t in scheduler.timesteps:
        outputs.append(torch.randn(1, channels, 4, 4, generator=inputs).clamp(-1, 1))
        sample = scheduler.step(outputs[-1], t, sample, generator=noise).prev_sample
        samples.append(sample)
    noised = scheduler.add_noise(samples[0], samples[1], scheduler.timesteps[-1:])
    return {
        "timesteps": scheduler.timesteps, "outputs": torch.cat(outputs), "samples": torch.cat(samples), "noised": noised,
    }


def write(data: Path) -> None:
    golden = {}
    for name, (scheduler_class, settings) in CONFIGS.items():
        for steps in (2, 7, 30):
            for key, value in record(scheduler_class, settings, steps).items():
                golden[f"{name}.{steps}.{key}"] = value.contiguous()
    save_file(golden, data / "schedulers.safetensors")
    # Written by its class, so that the solver's own default of the spacing stands in its file.
    configs = {}
    for name, (scheduler_class, settings) in CONFIGS.items():
        config = json.loads(scheduler_class(**settings).to_json_string())
        configs[name] = {k: v for k, v in config.items() if v != float("-inf")}  # which is no JSON
    (data / "schedulers.json").write_text(json.dumps(configs, indent=1) + "\n")
