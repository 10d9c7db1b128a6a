#!/usr/bin/env python3
"""What scripts/train_gpu computes: the steps that fit the time, where each stage stands, and pieces of the result.

RUN/plan.json holds the minutes asked for, the seconds used, the measured images per second, and each stage's steps.
A stage's steps are written into RUN/recipe.json when it begins, from the time that is left then, so that its learning
rate has fallen when the time is over. Needs nothing but Python's library.
"""

import argparse
import array
import hashlib
import io
import json
import lzma
import math
import shutil
import struct
import tarfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

SHARES = {"clip": 0.12, "decoder": 0.56, "prior": 0.16, "upsampler": 0.16}  # of the time, in the order of training
SAVING = 0.88  # of the time goes into steps, the rest into checkpoints, sample sheets and starts
PIECE = 16 << 20  # bytes
PIECES = 6  # with the checksums and the report: eight files
BLOCK = 4 << 20  # bytes that one process compresses
NEWLY_WARM = 100  # steps of warming up where the optimizer's state was lost


def read(file: Path) -> dict:
    return json.loads(file.read_text())


def write(file: Path, values: dict) -> None:
    part = file.with_suffix(".part")
    part.write_text(json.dumps(values, indent=1) + "\n")
    part.replace(file)


def begin(run: Path, recipe: Path, minutes: float, speeds: Path) -> None:
    """A new plan, with what `unclip train all --bench-steps` printed."""
    measured = [json.loads(line) for line in speeds.read_text().splitlines()]
    shutil.copy(recipe, run / "recipe.json")
    write(run / "plan.json", {
        "minutes": minutes, "used": 0, "done": [], "steps": {}, "planned": {}, "from": None,
        "images_per_second": {line["stage"]: line["images_per_second"] for line in measured},
        "loader": {line["stage"]: line.get("loader") for line in measured},
    })


def fit(stage: dict, seconds: float, images_per_second: float) -> None:
    """Stretches all phases alike, so that the stage takes so long."""
    images = sum(phase["steps"] * phase["batch"] for phase in stage["phases"])
    stretch = seconds * SAVING * images_per_second / images
    for phase in stage["phases"]:
        phase["steps"] = max(round(phase["steps"] * stretch), 1)
        phase["warmup"] = min(phase.get("warmup", 0), phase["steps"] // 5)


def next_stage(run: Path) -> None:
    """Prints the next stage, and the folder that its nets begin with if it is not a random start or a checkpoint."""
    plan, recipe = read(run / "plan.json"), read(run / "recipe.json")
    coming = [name for name in SHARES if name in recipe["stages"] and name not in plan["done"]]
    if not coming:
        return
    name, stage = coming[0], recipe["stages"][coming[0]]
    if name not in plan["planned"]:
        left = max(plan["minutes"] * 60 - plan["used"], 1)
        share = SHARES[name] / sum(SHARES[other] for other in coming)
        fit(stage, left * share, plan["images_per_second"][name])
        plan["planned"][name] = sum(phase["steps"] for phase in stage["phases"])
        write(run / "recipe.json", recipe)
        write(run / "plan.json", plan)
    print(name, run / "before/model" if plan["from"] == name else "")


def steps_taken(run: Path, stage: str) -> int:
    """As the checkpoint's header says."""
    file = run / stage / "checkpoint.safetensors"
    if not file.exists():
        return 0
    with file.open("rb") as f:
        (size,) = struct.unpack("<Q", f.read(8))
        return int(json.loads(f.read(size))["__metadata__"]["step"])


def mark(run: Path, stage: str, seconds: float) -> None:
    """Prints how far the stage is."""
    plan = read(run / "plan.json")
    plan["used"] += seconds
    plan["steps"][stage] = taken = steps_taken(run, stage)
    if taken == plan["planned"][stage]:
        plan["done"].append(stage)
    write(run / "plan.json", plan)
    print(f"{stage}: step {taken} of {plan['planned'][stage]} after {seconds:.0f} s more")


def learning_rate(phase: dict, step: int) -> float:
    """As src/train/recipe.cpp has it, after the warm-up."""
    way = (step - phase.get("warmup", 0)) / max(phase["steps"] - phase.get("warmup", 0), 1)
    last = phase.get("final_learning_rate", 0)
    return last + (phase["learning_rate"] - last) * (0.5 + 0.5 * math.cos(math.pi * min(max(way, 0), 1)))


def cut(stage: dict, taken: int) -> None:
    """Leaves the phases that are still to come."""
    while len(stage["phases"]) > 1 and taken >= stage["phases"][0]["steps"]:
        taken -= stage["phases"].pop(0)["steps"]
    phase = stage["phases"][0]
    phase["learning_rate"] = learning_rate(phase, taken)
    phase["steps"] = max(phase["steps"] - taken, 1)
    phase["warmup"] = min(NEWLY_WARM, phase["steps"] // 5)


def resume(run: Path, joined: Path) -> None:
    """A run folder out of what `join` wrote, where the checkpoints were lost."""
    shutil.copytree(joined, run, dirs_exist_ok=True)
    plan, recipe = read(run / "plan.json"), read(run / "recipe.json")
    for name, taken in plan["steps"].items():
        if name in plan["done"] or (taken == 0 and plan["from"] != name):
            continue
        cut(recipe["stages"][name], taken)
        plan["planned"][name] = sum(phase["steps"] for phase in recipe["stages"][name]["phases"])
        plan["steps"][name], plan["from"] = 0, name
        with (run / name / "earlier_metrics.jsonl").open("a") as earlier:
            earlier.write((run / name / "metrics.jsonl").read_text())
        shutil.copytree(run / "model", run / "before/model")
    write(run / "recipe.json", recipe)
    write(run / "plan.json", plan)


def to_bf16(source: Path, target: Path) -> None:
    """A file of safetensors whose float16 numbers are rounded to bfloat16, which compress to two thirds."""
    data = source.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header, numbers = json.loads(data[8:8 + size]), bytearray(data[8 + size:])
    table = array.array("H")
    for half in range(1 << 16):
        (bits,) = struct.unpack("<I", struct.pack("<f", struct.unpack("<e", struct.pack("<H", half))[0]))
        table.append((bits + 0x7FFF + (bits >> 16 & 1)) >> 16 & 0xFFFF)
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F16":
            continue
        entry["dtype"] = "BF16"
        place = slice(*entry["data_offsets"])
        numbers[place] = array.array("H", map(table.__getitem__, array.array("H", numbers[place]))).tobytes()
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    target.write_bytes(struct.pack("<Q", len(text)) + text + numbers)


def export(run: Path) -> Path:
    """RUN/export: the model in bf16, what goes on with it, metrics and the newest sheets."""
    folder = run / "export"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(run / "model", folder / "model", ignore=shutil.ignore_patterns("*.safetensors"))
    weights = [file.relative_to(run) for file in sorted((run / "model").rglob("*.safetensors"))]
    with ProcessPoolExecutor() as pool:
        list(pool.map(to_bf16, [run / name for name in weights], [folder / name for name in weights]))
    for file in [*run.glob("*.json"), *run.glob("*.png"), *run.glob("*/*metrics.jsonl")]:
        (folder / file.relative_to(run)).parent.mkdir(exist_ok=True)
        shutil.copy(file, folder / file.relative_to(run))
    for samples in run.glob("*/samples"):
        newest = max(samples.glob("*.png"), default=None)
        if newest:
            (folder / samples.parent.name).mkdir(exist_ok=True)
            shutil.copy(newest, folder / samples.parent.name / "sheet.png")
    return folder


def compress(block: bytes) -> bytes:
    """A stream of xz, whose literals know which byte of a 16-bit number they are."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 1, "lc": 2, "lp": 1, "pb": 1}]
    return lzma.compress(block, filters=filters)


def pieces(run: Path, out: Path) -> None:
    """RUN/export as a .tar.xz in pieces, which replace those of an earlier call."""
    folder, whole = export(run), io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            tar.add(file, file.relative_to(folder))
    data = whole.getvalue()
    with ProcessPoolExecutor() as pool:
        data = b"".join(pool.map(compress, [data[i:i + BLOCK] for i in range(0, len(data), BLOCK)]))
    count = -(-len(data) // PIECE)
    if count > PIECES:
        raise SystemExit(f"train_gpu: {len(data)} bytes are too many for {PIECES} pieces; they are in {folder}")
    out.mkdir(parents=True, exist_ok=True)
    sums = ""
    for old in out.glob("run.tar.xz.*"):
        old.unlink()
    for i in range(count):
        piece = data[i * PIECE:(i + 1) * PIECE]
        (out / f"run.tar.xz.{i}").write_bytes(piece)
        sums += f"{hashlib.sha256(piece).hexdigest()}  run.tar.xz.{i}\n"
    (out / "SHA256SUMS").write_text(sums)
    print(f"{len(data):,} bytes in {count} pieces")


def join(folder: Path, out: Path) -> None:
    """Writes into OUT, which must not be there, what was packed."""
    if out.exists():
        raise SystemExit(f"train_gpu: {out} exists already")
    if not (folder / "SHA256SUMS").exists():
        raise SystemExit(f"train_gpu: {folder} holds no SHA256SUMS")
    data = b""
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        expected, name = line.split()
        file = folder / Path(name).name
        piece = file.read_bytes() if file.exists() else b""
        if hashlib.sha256(piece).hexdigest() != expected:
            raise SystemExit(f"train_gpu: {file} is {'damaged' if piece else 'missing'}")
        data += piece
    part = out.with_name(out.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress(data))) as tar:
        for member in tar:
            if not member.isfile() or member.name.startswith("/") or ".." in member.name.split("/"):
                raise SystemExit(f"train_gpu: {folder}: unexpected entry {member.name!r}")
            (part / member.name).parent.mkdir(parents=True, exist_ok=True)
            (part / member.name).write_bytes(tar.extractfile(member).read())
    part.replace(out)


COMMANDS = {
    "begin": (begin, [Path, Path, float, Path]), "next": (next_stage, [Path]), "mark": (mark, [Path, str, float]),
    "resume": (resume, [Path, Path]), "pieces": (pieces, [Path, Path]), "join": (join, [Path, Path]),
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("arguments", nargs="*")
    chosen = parser.parse_args()
    function, kinds = COMMANDS[chosen.command]
    if len(chosen.arguments) != len(kinds):
        parser.error(f"{chosen.command} takes {len(kinds)} arguments")
    function(*(kind(argument) for kind, argument in zip(kinds, chosen.arguments)))
