#!/usr/bin/env python3
"""Grows a trained model: more words, deeper towers, a decoder with more layers, and the same pictures as before.

    unclip train tokenizer --config RECIPE --out RUN         # words of all families
    scripts/grow_model.py models/picturebook GROWN --tokenizer RUN/model/tokenizer --text-layers 4 --decoder-layers 1 1 2 2
    unclip train decoder --config RECIPE --from GROWN --out RUN

What is added begins as nothing: residual branches whose last layer is zero, shortcuts that pass on what comes from
below (Net2Net, arXiv:1511.05641). Pieces of text that the old tokenizer knew keep their embeddings; the prior must
be trained anew. Needs numpy, safetensors and sentencepiece.
"""

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file
from sentencepiece import SentencePieceProcessor

RNG = np.random.default_rng(0)
Tensors = dict[str, np.ndarray]


def change(folder: Path, edit) -> None:
    """edit(tensors, config) on the weights and config of one component, in place."""
    (weights,) = folder.glob("*.safetensors")
    config = json.loads((folder / "config.json").read_text())
    tensors = {name: value.astype(np.float32) for name, value in load_file(weights).items()}
    before = sum(value.size for value in tensors.values())
    edit(tensors, config)
    print(f"{folder.name}: {before:,} -> {sum(value.size for value in tensors.values()):,} parameters")
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    half = {name: np.ascontiguousarray(value.astype(np.float16)) for name, value in tensors.items()}
    save_file(half, weights, {"format": "pt"})


def random_like(value: np.ndarray) -> np.ndarray:
    return RNG.uniform(-1, 1, value.shape) / np.sqrt(value[0].size)


def deepen_tower(tensors: Tensors, config: dict, prefix: str, layers: int) -> None:
    last = config["num_hidden_layers"] - 1
    for layer in range(last + 1, layers):
        for name in [n for n in tensors if n.startswith(f"{prefix}.encoder.layers.{last}.")]:
            value = tensors[name].copy()
            if "layer_norm" not in name:
                closes = name.endswith("bias") or "out_proj" in name or "fc2" in name
                value = np.zeros_like(value) if closes else random_like(value)
            tensors[name.replace(f"layers.{last}.", f"layers.{layer}.")] = value
    config["num_hidden_layers"] = max(layers, last + 1)


def exchange_words(tensors: Tensors, config: dict, old: Path, new: Path, length: int) -> None:
    before, after = (SentencePieceProcessor(str(folder / "spiece.model")) for folder in (old, new))
    known = {before.id_to_piece(i): i for i in range(before.get_piece_size())}
    name = "text_model.embeddings.token_embedding.weight"
    table = tensors[name]
    if after.get_piece_size() > len(table):
        raise SystemExit(f"the new tokenizer has {after.get_piece_size()} pieces, the text encoder room for {len(table)}")
    fresh = RNG.normal(0, table.std(), table.shape)
    kept = [(i, known[after.id_to_piece(i)]) for i in range(after.get_piece_size()) if after.id_to_piece(i) in known]
    for i, j in kept:
        fresh[i] = table[j]
    print(f"tokenizer: {len(kept)} of {after.get_piece_size()} pieces were known")
    tensors[name] = fresh
    name = "text_model.embeddings.position_embedding.weight"
    places = tensors[name]
    more = RNG.normal(0, places.std() / 2, (max(length - len(places), 0), places.shape[1]))
    tensors[name] = np.concatenate([places, more])
    config["max_position_embeddings"] = len(tensors[name])


def lengthen_prior(tensors: Tensors, config: dict, length: int) -> None:
    places, old = tensors["positional_embedding"], config["num_embeddings"]
    more = RNG.normal(0, 0.02, (1, max(length - old, 0), places.shape[2]))
    tensors["positional_embedding"] = np.concatenate([places[:, :old], more, places[:, old:]], 1)
    config["num_embeddings"] = max(length, old)


class Decoder:
    def __init__(self, tensors: Tensors, config: dict) -> None:
        self.tensors, self.config = tensors, config

    def add_resnet(self, like: str, name: str, inputs: int, outputs: int) -> None:
        shapes = {"norm1": (inputs,), "norm2": (outputs,), "conv1.weight": (outputs, inputs, 3, 3), "conv1.bias": (outputs,)}
        for key in [k for k in self.tensors if k.startswith(like) and "conv_shortcut" not in k]:
            rest = key[len(like) :]
            value = np.zeros(next((s for part, s in shapes.items() if rest.startswith(part)), self.tensors[key].shape))
            if rest in ("norm1.weight", "norm2.weight"):
                value += 1
            elif rest in ("conv1.weight", "time_emb_proj.weight"):
                value = random_like(value)
            self.tensors[name + rest] = value  # conv2 stays zero
        if inputs != outputs:
            passes = np.zeros((outputs, inputs, 1, 1))
            passes[np.arange(outputs), np.arange(outputs)] = 1
            self.tensors[name + "conv_shortcut.weight"] = passes
            self.tensors[name + "conv_shortcut.bias"] = np.zeros(outputs)

    def add_attention(self, like: str, name: str) -> None:
        for key in [k for k in self.tensors if k.startswith(like)]:
            rest = key[len(like) :]
            self.tensors[name + rest] = self.tensors[key] * (0 if rest.startswith("to_out") else 1)

    def move(self, old: str, new: str) -> None:
        for key in [k for k in self.tensors if k.startswith(old)]:
            self.tensors[new + key[len(old) :]] = self.tensors.pop(key)

    def deepen(self, layers: list[int]) -> None:
        """One layer a level becomes `layers`. The last resnet of a way up takes the shallower skip: it stays last."""
        widths = self.config["block_out_channels"]
        if self.config["layers_per_block"] != 1 or len(layers) != len(widths):
            raise SystemExit("--decoder-layers wants one number a level of a decoder with one layer a level")
        for level, (width, count) in enumerate(zip(widths, layers)):
            down, up = f"down_blocks.{level}.", f"up_blocks.{len(widths) - 1 - level}."
            for kind in ("resnets", "attentions"):
                if count > 1:
                    self.move(f"{up}{kind}.1.", f"{up}{kind}.{count}.")
            for layer in range(1, count):
                self.add_resnet(f"{down}resnets.0.", f"{down}resnets.{layer}.", width, width)
                self.add_resnet(f"{up}resnets.0.", f"{up}resnets.{layer}.", 2 * width, width)
                self.add_attention(f"{down}attentions.0.", f"{down}attentions.{layer}.")
                self.add_attention(f"{up}attentions.0.", f"{up}attentions.{layer}.")
        self.config["layers_per_block"] = layers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--tokenizer", type=Path, help="folder with spiece.model and tokenizer_config.json")
    parser.add_argument("--text-layers", type=int, default=0)
    parser.add_argument("--vision-layers", type=int, default=0)
    parser.add_argument("--decoder-layers", type=int, nargs="+")
    a = parser.parse_args()
    shutil.copytree(a.old, a.new, ignore=shutil.ignore_patterns("*.png", "*.md", "recipe.json", "finetune.json"))
    if a.tokenizer:
        shutil.rmtree(a.new / "tokenizer")
        shutil.copytree(a.tokenizer, a.new / "tokenizer")
        length = json.loads((a.tokenizer / "tokenizer_config.json").read_text())["model_max_length"]
        change(a.new / "text_encoder", lambda t, c: exchange_words(t, c, a.old / "tokenizer", a.tokenizer, length))
        change(a.new / "prior", lambda t, c: lengthen_prior(t, c, length))
    change(a.new / "text_encoder", lambda t, c: deepen_tower(t, c, "text_model", a.text_layers))
    change(a.new / "image_encoder", lambda t, c: deepen_tower(t, c, "vision_model", a.vision_layers))
    if a.decoder_layers:
        change(a.new / "decoder", lambda t, c: Decoder(t, c).deepen(a.decoder_layers))


if __name__ == "__main__":
    main()
