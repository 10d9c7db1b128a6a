"""Tiny whole Kandinsky 2.1 and 2.2 folders, and what the reference pipelines draw with them.

kandinsky/{2.1,2.2}-prior, 2.1, 2.1-inpaint, 2.2, 2.2-inpaint, 2.2-controlnet: the folders, each net with a golden of its
own beside its weights (stored in float16, which both programs widen exactly). There is no ControlNet for 2.1.
kandinsky/pictures.safetensors: embeddings and pixels; init.png, init.jpg, mask.png, hint.png: the pictures put in.
"""

import io
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy
import torch
from diffusers import (
    DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler, EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler, KandinskyImg2ImgPipeline, KandinskyInpaintPipeline, KandinskyPipeline,
    KandinskyPriorPipeline, KandinskyV22ControlnetPipeline, KandinskyV22Img2ImgPipeline, KandinskyV22InpaintPipeline,
    KandinskyV22Pipeline, KandinskyV22PriorPipeline, PriorTransformer, UNet2DConditionModel, UnCLIPScheduler, VQModel,
)
from diffusers.pipelines.kandinsky.text_encoder import MCLIPConfig, MultilingualCLIP
from PIL import Image, ImageOps
from safetensors.torch import save_file
from transformers import (
    CLIPImageProcessorPil, CLIPTextConfig, CLIPTextModelWithProjection, CLIPTokenizer, CLIPVisionConfig,
    CLIPVisionModelWithProjection, XLMRobertaTokenizer,
)

Tensors = dict[str, torch.Tensor]
PROMPT, NEGATIVE, NEGATIVE_PRIOR = "a red circle", "two small yellow stars", "a blue square"
SEED, PRIOR_STEPS, STEPS = 7, 4, 6
SIZE = dict(width=40, height=32)
SQUARE = dict(width=36, height=36)  # the reference's image-to-image mixes up width and height
TEXT_WIDTH = 24  # of the multilingual text encoder
WIDTHS = {"2.1": 32, "2.2": 40}  # of the image embedding
# As the real folders have it; the latents of tiny nets would leave a range without the threshold.
SCHEDULE = dict(
    beta_schedule="linear", beta_start=0.00085, beta_end=0.012, clip_sample=False, steps_offset=1, thresholding=True,
    sample_max_value=2.0,
)


def fill(model: torch.nn.Module, seed: int) -> torch.nn.Module:
    """The libraries start near zero, which would hide a wrong part."""
    torch.manual_seed(seed)
    for parameter in model.eval().requires_grad_(False).parameters():
        if parameter.ndim == 1:
            parameter += 0.1 * torch.randn_like(parameter)
        else:
            parameter.normal_(std=parameter[0].numel() ** -0.5)
        parameter.copy_(parameter.half())
    return model


def make_prior_pipeline(family: str, tokenizer_folder: Path) -> KandinskyPriorPipeline | KandinskyV22PriorPipeline:
    width = WIDTHS[family]
    tokenizer = CLIPTokenizer.from_pretrained(tokenizer_folder)
    activation = "quick_gelu" if family == "2.1" else "gelu"
    text = CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=width, intermediate_size=64, projection_dim=width, num_hidden_layers=2,
        num_attention_heads=4, hidden_act=activation, bos_token_id=tokenizer.bos_token_id,
        eos_token_id=2 if family == "2.1" else tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )
    vision = CLIPVisionConfig(
        hidden_size=24, intermediate_size=48, projection_dim=width, num_hidden_layers=2, num_attention_heads=2,
        image_size=28, patch_size=7, hidden_act=activation,
    )
    prior = PriorTransformer(num_attention_heads=2, attention_head_dim=16, num_layers=2, embedding_dim=width)
    fill(prior, 1)
    prior.clip_std.data = prior.clip_std.data.abs() + 0.5
    pipeline = KandinskyPriorPipeline if family == "2.1" else KandinskyV22PriorPipeline
    return pipeline(
        prior=prior, text_encoder=fill(CLIPTextModelWithProjection(text), 2), tokenizer=tokenizer,
        image_encoder=fill(CLIPVisionModelWithProjection(vision), 3),
        scheduler=UnCLIPScheduler(
            variance_type="fixed_small_log", prediction_type="sample", clip_sample=True, clip_sample_range=10.0
        ),
        image_processor=CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}),
    )


def make_unet(family: str, task: str) -> UNet2DConditionModel:
    conditioning = (
        dict(encoder_hid_dim=TEXT_WIDTH, encoder_hid_dim_type="text_image_proj", addition_embed_type="text_image",
             cross_attention_dim=WIDTHS["2.1"])
        if family == "2.1" else
        dict(encoder_hid_dim=WIDTHS["2.2"], encoder_hid_dim_type="image_proj", cross_attention_dim=16,
             addition_embed_type="image_hint" if task == "controlnet" else "image")
    )  # fmt: skip
    return UNet2DConditionModel(
        sample_size=16, in_channels={"inpaint": 9, "controlnet": 8}.get(task, 4), out_channels=8,
        block_out_channels=(8, 16), layers_per_block=1, attention_head_dim=4, norm_num_groups=4,
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        resnet_time_scale_shift="scale_shift", **conditioning,
    )


def make_movq(task: str) -> VQModel:
    """Spatial norms are cut into 32 groups whatever the config says; the ControlNet's folder is large enough without."""
    spatial = dict(block_out_channels=(32, 32), norm_type="spatial")
    plain = dict(block_out_channels=(8, 16), norm_num_groups=4)
    return VQModel(
        down_block_types=("DownEncoderBlock2D", "AttnDownEncoderBlock2D"),
        up_block_types=("AttnUpDecoderBlock2D", "UpDecoderBlock2D"),
        latent_channels=4, num_vq_embeddings=16, vq_embed_dim=4, **(plain if task == "controlnet" else spatial),
    )


def fill_movq(movq: VQModel) -> VQModel:
    """Trained spatial norms scale by about one."""
    fill(movq, 7 if movq.config.norm_type == "spatial" else 10)
    for name, parameter in movq.named_parameters():
        if "conv_y" in name:
            parameter.copy_((parameter * 0.2 + name.endswith("bias")).half())
    return movq


def make_text_encoder(vocabulary: int) -> MultilingualCLIP:
    return MultilingualCLIP(MCLIPConfig(
        transformerDimSize=TEXT_WIDTH, imageDimSize=WIDTHS["2.1"], vocab_size=vocabulary, hidden_size=TEXT_WIDTH,
        intermediate_size=48, num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=90,
        type_vocab_size=1, layer_norm_eps=1e-5, pad_token_id=1, bos_token_id=0, eos_token_id=2,
    ))  # fmt: skip


def save(pipeline, folder: Path) -> None:
    """In float16, then opened again as a user would."""
    shutil.rmtree(folder, ignore_errors=True)
    pipeline.to(torch.float16).save_pretrained(folder)
    pipeline.to(torch.float32)


def record_net(folder: Path, inputs: Tensors, outputs: Tensors) -> None:
    golden = inputs | ({"output": outputs} if isinstance(outputs, torch.Tensor) else {f"output.{k}": v for k, v in outputs.items()})
    save_file({k: v.contiguous() for k, v in golden.items()}, folder / "golden.safetensors")


def record_unet(unet: UNet2DConditionModel, family: str, folder: Path) -> None:
    torch.manual_seed(4)
    hint = unet.config.addition_embed_type == "image_hint"
    inputs = {
        "sample": torch.randn(2, 4 if hint else unet.config.in_channels, 6, 4), "timestep": torch.tensor([999, 37]),
        "image_embeds": torch.randn(2, WIDTHS[family]),
    }
    if family == "2.1":
        inputs |= {"text_embeds": torch.randn(2, WIDTHS["2.1"]), "text_sequence": torch.randn(2, 5, TEXT_WIDTH)}
    if hint:
        inputs["hint"] = torch.rand(2, 3, 48, 32)
    added = {k: inputs[k] for k in ("image_embeds", "text_embeds", "hint") if k in inputs}
    output = unet(inputs["sample"], inputs["timestep"], inputs.get("text_sequence"), added_cond_kwargs=added).sample
    record_net(folder, inputs, output)


def record_movq(movq: VQModel, folder: Path) -> None:
    torch.manual_seed(5)
    inputs = {"picture": torch.rand(2, 3, 12, 8) * 2 - 1, "latents": torch.randn(2, 4, 6, 10)}
    outputs = {
        "latents": movq.encode(inputs["picture"]).latents,
        "picture": movq.decode(inputs["latents"], force_not_quantize=True).sample,
    }
    record_net(folder, inputs, outputs)


def record_text_encoder(encoder: MultilingualCLIP, folder: Path) -> None:
    ids = torch.tensor([[0, 7, 9, 150, 2, 1], [0, 3, 2, 1, 1, 1]])
    mask = (ids != 1).long()
    pooled, sequence = encoder(ids, mask)
    record_net(folder, {"ids": ids, "mask": mask}, {"pooled": pooled, "sequence": sequence})


def make_input_pictures(folder: Path) -> tuple[Image.Image, Image.Image, Image.Image]:
    """A picture to begin with, as PNG and JPEG, a mask and a depth map, none of them of the size that is drawn."""
    y, x = numpy.mgrid[0:61, 0:75].astype(numpy.float32)
    waves = [numpy.sin(x / 9) * numpy.cos(y / 7), numpy.sin((x + y) / 11), numpy.cos(x * y / 600)]
    picture = Image.fromarray(((numpy.stack(waves, -1) + 1) * 127.5).astype(numpy.uint8))
    mask = Image.fromarray(((x - 30) ** 2 + (y - 28) ** 2 < 300).astype(numpy.uint8) * 255)
    hint = Image.fromarray((x * 255 / 75).astype(numpy.uint8))
    picture.save(folder / "init.png")
    picture.save(folder / "init.jpg", quality=90)
    mask.save(folder / "mask.png")
    hint.save(folder / "hint.png")
    return picture, mask, hint


def record_images(folder: Path) -> None:
    """What Pillow and CLIP's image processor make of the picture."""
    picture = Image.open(folder / "init.png")
    golden = {"jpeg": numpy.array(Image.open(folder / "init.jpg"))}
    for width, height in ((40, 32), (90, 70), (75, 20), (17, 61), (75, 61), (5, 3), (36, 36), (70, 40)):
        for name, settings in {
            "bicubic": dict(resample=Image.BICUBIC), "lanczos": dict(resample=Image.LANCZOS),
            "reduced": dict(resample=Image.BICUBIC, reducing_gap=1),
        }.items():  # fmt: skip
            golden[f"{name}.{width}.{height}"] = numpy.array(picture.resize((width, height), **settings))
    for orientation in range(1, 9):
        small, exif, file = picture.resize((12, 8)), Image.Exif(), io.BytesIO()
        exif[274] = orientation
        small.save(file, "jpeg", exif=exif)
        golden[f"exif.{orientation}.file"] = numpy.frombuffer(file.getvalue(), numpy.uint8)
        golden[f"exif.{orientation}"] = numpy.array(ImageOps.exif_transpose(Image.open(file)))
    golden["gray"] = numpy.array(picture.convert("L"))
    processor = CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    pixels = processor(picture, return_tensors="pt").pixel_values
    save_file({k: torch.tensor(v) for k, v in golden.items()} | {"clip": pixels}, folder / "images.safetensors")


def generator() -> torch.Generator:
    return torch.Generator("cpu").manual_seed(SEED)


def record_prior(pipe, golden: Tensors, family: str) -> Tensors:
    def run(**settings):
        made = generator()
        out = pipe(PROMPT, generator=made, num_inference_steps=PRIOR_STEPS, **settings)
        return made, dict(image_embeds=out.image_embeds, negative_image_embeds=out.negative_image_embeds)

    made, plain = run()
    cases = {"plain": plain, "unguided": run(guidance_scale=1.0)[1], "negative": run(negative_prompt=NEGATIVE)[1]}
    # Another text away from which the prior is guided: what its encoding takes for both pictures of the doubled batch.
    encode = pipe._encode_prompt
    pipe._encode_prompt = lambda *args: encode(*args[:-1], [NEGATIVE_PRIOR] * 2)
    cases["both"] = run(negative_prompt=NEGATIVE)[1]
    pipe._encode_prompt = encode
    for case, tensors in cases.items():
        golden |= {f"{family}.prior.{case}.{name}": tensor for name, tensor in tensors.items()}
    return made, plain


def draw(pipe, golden: Tensors, name: str, made: torch.Generator, **inputs) -> None:
    pipe.set_progress_bar_config(disable=True)
    image = pipe(**inputs, generator=made, output_type="np").images
    golden[name + ".pixels"] = torch.from_numpy((image * 255).round()).to(torch.uint8)


def scale_inputs(pipe):
    """Shows the net what the scheduler asks for: Kandinsky's pipelines leave that out, as none of its own asks."""

    def scaled(net, args: tuple, inputs: dict) -> tuple[tuple, dict]:
        return args, inputs | dict(sample=pipe.scheduler.scale_model_input(inputs["sample"], inputs["timestep"]))

    return pipe.unet.register_forward_pre_hook(scaled, with_kwargs=True)


def write_family(data: Path, family: str, golden: Tensors, pictures: tuple[Image.Image, ...]) -> None:
    root = data / "kandinsky"
    picture, mask, hint = pictures
    prior = make_prior_pipeline(family, data / "clip-tokenizer")
    prior.set_progress_bar_config(disable=True)
    save(prior, root / f"{family}-prior")

    def prior_run() -> dict:
        """Prior and decoder share one generator, as in the combined pipelines."""
        made = generator()
        out = prior(PROMPT, generator=made, num_inference_steps=PRIOR_STEPS)
        return dict(made=made, image_embeds=out.image_embeds, negative_image_embeds=out.negative_image_embeds) | text

    text = dict(prompt=PROMPT) if family == "2.1" else {}
    record_prior(prior, golden, family)
    scheduler = DDIMScheduler(**SCHEDULE, set_alpha_to_one=False) if family == "2.1" else DDPMScheduler(**SCHEDULE)
    tasks = ["", "inpaint"] if family == "2.1" else ["", "inpaint", "controlnet"]
    for task in tasks:
        folder = root / f"{family}-{task}".rstrip("-")
        parts = dict(unet=fill(make_unet(family, task), 6), movq=fill_movq(make_movq(task)), scheduler=scheduler)
        if family == "2.1":
            tokenizer = XLMRobertaTokenizer.from_pretrained(data / "xlmr-tokenizer")
            parts |= dict(text_encoder=fill(make_text_encoder(len(tokenizer)), 8), tokenizer=tokenizer)
        classes: dict[str, Callable] = {
            "2.1": KandinskyPipeline, "2.1inpaint": KandinskyInpaintPipeline, "2.2": KandinskyV22Pipeline,
            "2.2inpaint": KandinskyV22InpaintPipeline, "2.2controlnet": KandinskyV22ControlnetPipeline,
        }  # fmt: skip
        pipe = classes[family + task](**parts)
        save(pipe, folder)
        if family == "2.1":  # as the real folder has it, not as the library now saves it
            shutil.rmtree(folder / "tokenizer")
            shutil.copytree(data / "xlmr-tokenizer", folder / "tokenizer")
            record_text_encoder(parts["text_encoder"], folder / "text_encoder")
        record_unet(parts["unet"], family, folder / "unet")
        record_movq(parts["movq"], folder / "movq")

        name = folder.name
        inputs = dict(num_inference_steps=STEPS, **SIZE)
        if task == "inpaint":
            inputs |= dict(image=picture, mask_image=mask)
        if task == "controlnet":  # its net halves the hint three times, this tiny movq the picture once
            resized = hint.convert("RGB").resize((SIZE["width"] * 4, SIZE["height"] * 4), Image.BICUBIC, reducing_gap=1)
            inputs["hint"] = torch.from_numpy(numpy.array(resized)).float().permute(2, 0, 1)[None] / 255
        draw(pipe, golden, f"{name}.guided", **prior_run(), **inputs)
        draw(pipe, golden, f"{name}.unguided", **prior_run(), **inputs, guidance_scale=1.0)
        if task:
            continue
        for other, made in {
            "ddim": DDIMScheduler, "ddpm": DDPMScheduler, "dpm++": DPMSolverMultistepScheduler,
            "euler": EulerDiscreteScheduler, "euler-a": EulerAncestralDiscreteScheduler,
        }.items():  # fmt: skip
            opened = type(scheduler).from_pretrained(folder / "scheduler")  # whose defaults are in its file
            other_pipe = type(pipe)(**parts | dict(scheduler=made.from_config(opened.config)))
            scaling = scale_inputs(other_pipe)
            draw(other_pipe, golden, f"{name}.{other}", **prior_run(), **inputs)
            scaling.remove()
        image_to_image = (KandinskyImg2ImgPipeline if family == "2.1" else KandinskyV22Img2ImgPipeline)(**parts)
        for file in ("init.png", "init.jpg"):
            draw(
                image_to_image, golden, f"{name}.{file}", **prior_run(), **inputs | SQUARE, guidance_scale=4.0,
                strength=0.55, image=Image.open(root / file),
            )  # fmt: skip


@torch.no_grad()
def write(data: Path) -> None:
    torch.manual_seed(0)
    root = data / "kandinsky"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    pictures = make_input_pictures(root)
    record_images(root)
    golden: Tensors = {}
    for family in WIDTHS:
        write_family(data, family, golden, pictures)
    save_file({k: v.contiguous() for k, v in golden.items()}, root / "pictures.safetensors")
