"""Whole trajectories of the reference's schedulers, each under the settings of real folders and of each kind.

The net is a formula that the test knows too, so what it is shown (scaled or not) and at which timestep counts.
"""

import json
from pathlib import Path

import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    PNDMScheduler,
)
from safetensors.torch import save_file

CLASSES = {
    "ddim": DDIMScheduler, "ddpm": DDPMScheduler, "dpm++": DPMSolverMultistepScheduler,
    "euler": EulerDiscreteScheduler, "euler-a": EulerAncestralDiscreteScheduler, "pndm": PNDMScheduler,
}  # fmt: skip
STEPS = (1, 2, 3, 7, 20, 50)
SHAPE = (1, 1, 3, 3)

# Files of real folders, as they are.
SD_1 = dict(
    _class_name="PNDMScheduler", _diffusers_version="0.6.0", beta_end=0.012, beta_schedule="scaled_linear",
    beta_start=0.00085, num_train_timesteps=1000, set_alpha_to_one=False, skip_prk_steps=True, steps_offset=1,
    trained_betas=None, clip_sample=False,
)  # fmt: skip
SD_2 = SD_1 | dict(_class_name="DDIMScheduler", _diffusers_version="0.8.0", prediction_type="v_prediction")
SD_2_UNCLIP = SD_2 | dict(_class_name="PNDMScheduler", _diffusers_version="0.15.0.dev0", timestep_spacing="leading")
SD_EULER = dict(
    _class_name="EulerDiscreteScheduler", _diffusers_version="0.21.4", beta_end=0.012, beta_schedule="scaled_linear",
    beta_start=0.00085, clip_sample=False, interpolation_type="linear", num_train_timesteps=1000,
    prediction_type="epsilon", sample_max_value=1.0, set_alpha_to_one=False, skip_prk_steps=True, steps_offset=1,
    timestep_spacing="trailing", timestep_type="discrete", trained_betas=None, use_karras_sigmas=False,
    sigma_min=None, sigma_max=None, rescale_betas_zero_snr=False, final_sigmas_type="zero",
)  # fmt: skip
NOISING = dict(
    _class_name="DDPMScheduler", _diffusers_version="0.14.0.dev0", beta_end=0.02, beta_schedule="squaredcos_cap_v2",
    beta_start=0.0001, clip_sample=True, clip_sample_range=1.0, dynamic_thresholding_ratio=0.995,
    num_train_timesteps=1000, prediction_type="epsilon", sample_max_value=1.0, thresholding=False, trained_betas=None,
    variance_type="fixed_small",
)  # fmt: skip
FILES = {
    "pndm.sd1": SD_1, "pndm.sd2": SD_2_UNCLIP, "ddim.sd2": SD_2, "euler.sd1": SD_EULER, "ddpm.noising": NOISING,
    # Drawn by another class than the file's own.
    "ddim.of_sd1": SD_1, "ddpm.of_sd1": SD_1, "dpm++.of_sd1": SD_1, "euler.of_sd1": SD_1, "euler-a.of_sd1": SD_1,
    "dpm++.of_sd2": SD_2, "euler.of_sd2": SD_2, "euler-a.of_sd2": SD_2, "euler-a.of_euler": SD_EULER,
    "pndm.of_euler": SD_EULER,
}  # fmt: skip

# As Kandinsky 2.1, Kandinsky 2.2 and Karlo's decoder have it, then the settings that those leave alone.
LATENT = dict(beta_schedule="linear", beta_start=0.00085, beta_end=0.012, steps_offset=1)
KEPT = LATENT | dict(clip_sample=False)
PIXEL = dict(beta_schedule="squaredcos_cap_v2", clip_sample=True)
STABLE = LATENT | dict(beta_schedule="scaled_linear")
VELOCITY = STABLE | dict(prediction_type="v_prediction")
NO_SIGNAL = VELOCITY | dict(timestep_spacing="trailing", rescale_betas_zero_snr=True)
PLMS = STABLE | dict(skip_prk_steps=True)
SETTINGS = {
    "ddim.kandinsky": KEPT | dict(set_alpha_to_one=False),
    "ddim.thresholding": KEPT | dict(thresholding=True, sample_max_value=1.5, prediction_type="sample"),
    "ddim.linspace": STABLE | dict(timestep_spacing="linspace"),
    "ddim.trailing": NO_SIGNAL | dict(clip_sample_range=2.0),
    "ddpm.kandinsky": KEPT,
    "ddpm.pixel": PIXEL | dict(variance_type="learned_range"),
    "ddpm.linspace": KEPT | dict(timestep_spacing="linspace", variance_type="fixed_large"),
    "ddpm.log": PIXEL | dict(variance_type="fixed_small_log", prediction_type="v_prediction"),
    "ddpm.trailing": NO_SIGNAL | dict(clip_sample=False),
    "dpm++.kandinsky": LATENT | dict(timestep_spacing="leading"),
    "dpm++.pixel": dict(beta_schedule="squaredcos_cap_v2", thresholding=True),
    "dpm++.trailing": LATENT | dict(timestep_spacing="trailing", prediction_type="sample"),
    "dpm++.no_signal": NO_SIGNAL,
    "dpm++.karras": STABLE | dict(use_karras_sigmas=True),
    "dpm++.karras_cosine": dict(beta_schedule="squaredcos_cap_v2", use_karras_sigmas=True, prediction_type="v_prediction"),
    "dpm++.sigma_min": STABLE | dict(final_sigmas_type="sigma_min"),
    "dpm++.second_order": STABLE | dict(final_sigmas_type="sigma_min", lower_order_final=False),
    "dpm++.euler_at_final": STABLE | dict(final_sigmas_type="sigma_min", euler_at_final=True),
    "euler.kandinsky": LATENT | dict(timestep_spacing="leading"),
    "euler.velocity": VELOCITY | dict(timestep_spacing="leading"),
    "euler.sample": STABLE | dict(prediction_type="sample"),
    "euler.no_signal": NO_SIGNAL,
    "euler.karras": STABLE | dict(use_karras_sigmas=True),
    "euler.log_linear": STABLE | dict(interpolation_type="log_linear"),
    "euler.karras_log_linear": VELOCITY | dict(interpolation_type="log_linear", use_karras_sigmas=True),
    "euler.sigma_min": STABLE | dict(final_sigmas_type="sigma_min"),
    "euler-a.kandinsky": LATENT | dict(timestep_spacing="leading"),
    "euler-a.no_signal": NO_SIGNAL,
    "pndm.linspace": PLMS | dict(timestep_spacing="linspace", set_alpha_to_one=True),
    "pndm.trailing": PLMS | dict(timestep_spacing="trailing", prediction_type="v_prediction"),
}  # fmt: skip


def written(name: str, settings: dict) -> dict:
    """The file that the class itself writes, where every default stands in full."""
    config = json.loads(CLASSES[name.split(".")[0]](**settings).to_json_string())
    return {key: value for key, value in config.items() if value != float("-inf")}  # which is no JSON


def net(x: torch.Tensor, t: torch.Tensor, predicts_variance: bool) -> torch.Tensor:
    angle = 0.9 * x + float(t) / 1000
    return torch.cat([angle.sin(), angle.cos()], 1) if predicts_variance else angle.sin()


def trajectory(name: str, config: dict, steps: int, skip: int, x0: torch.Tensor, noise: torch.Tensor) -> tuple:
    """From noise, or from `x0` noised up to where the first `skip` steps would have led."""
    scheduler = CLASSES[name.split(".")[0]].from_config(config)
    scheduler.set_timesteps(steps)
    timesteps = scheduler.timesteps[skip:]
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(skip)
    x = scheduler.add_noise(x0, noise, timesteps[:1]) if skip else noise * scheduler.init_noise_sigma
    draws = dict(generator=torch.Generator("cpu").manual_seed(2)) if name.split(".")[0] != "pndm" else {}
    samples = [x]
    for t in timesteps:
        output = net(scheduler.scale_model_input(x, t), t, config.get("variance_type") == "learned_range")
        x = scheduler.step(output, t, x, **draws).prev_sample
        samples.append(x)
    return timesteps.float(), torch.cat(samples)


def write(data: Path) -> None:
    configs = FILES | {name: written(name, settings) for name, settings in SETTINGS.items()}
    inputs = torch.Generator("cpu").manual_seed(1)
    golden = {"x0": torch.randn(SHAPE, generator=inputs), "noise": torch.randn(SHAPE, generator=inputs)}
    for name, config in configs.items():
        for steps in STEPS:
            for skip in {0, steps // 2} if steps in (3, 7, 20) else {0}:
                timesteps, samples = trajectory(name, config, steps, skip, golden["x0"], golden["noise"])
                assert samples.isfinite().all(), name
                golden[f"{name}.{steps}.{skip}.timesteps"] = timesteps.contiguous()
                golden[f"{name}.{steps}.{skip}.samples"] = samples.contiguous()
    save_file(golden, data / "schedulers.safetensors")
    (data / "schedulers.json").write_text(json.dumps(configs, indent=1) + "\n")
