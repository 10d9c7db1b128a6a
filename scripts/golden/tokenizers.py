"""Tiny tokenizers of every kind, and the ids the reference gives to some thousand odd strings.

Folders: clip-tokenizer (vocab.json + merges.txt), clip-tokenizer-json (tokenizer.json alone), t5-tokenizer, xlmr-tokenizer.
Ids: tokenizer-goldens/*.json.gz; `strings` in the order of the ids, which are neither padded nor truncated.
"""

import gzip
import io
import json
import random
import shutil
import unicodedata
from collections import Counter
from pathlib import Path

import sentencepiece
from tokenizers import pre_tokenizers
from transformers import CLIPTokenizer, T5Tokenizer, XLMRobertaTokenizer

LENGTH = 77
BOS, EOS = "<|startoftext|>", "<|endoftext|>"

CORPUS = [
    "a red circle", "two small yellow stars on a blue background", "a photo of a large green square",
    "the portrait of an old man with a white beard, oil on canvas", "a cat sitting on the table in the kitchen",
    "three purple triangles above an orange rectangle", "a high quality photograph of a mountain at sunset",
    "an astronaut riding a horse, digital art", "it's a dog that doesn't bark", "the small black ring is left of the star",
    "ein roter Kreis über dem blauen Quadrat", "un cercle rouge à côté d'une étoile", "красный круг на белом фоне",
    "кошка сидит на столе", "赤い丸", "一个红色的圆圈", "दो छोटे पीले तारे", "دائرة حمراء كبيرة", "1 2 3 2024 100",
]  # fmt: skip

# First and last code point of blocks, one or more a script (plus symbols, combining marks and emoji).
BLOCKS = {
    "latin": (0x41, 0x7A), "latin1": (0xA1, 0xFF), "latin_extended": (0x100, 0x24F), "ipa": (0x250, 0x2AF),
    "greek": (0x370, 0x3FF), "cyrillic": (0x400, 0x52F), "armenian": (0x531, 0x58A), "hebrew": (0x591, 0x5F4),
    "arabic": (0x600, 0x6FF), "syriac": (0x700, 0x74F), "devanagari": (0x900, 0x97F), "bengali": (0x980, 0x9FE),
    "gurmukhi": (0xA01, 0xA76), "gujarati": (0xA81, 0xAF1), "tamil": (0xB82, 0xBFA), "telugu": (0xC00, 0xC7F),
    "sinhala": (0xD81, 0xDF4), "thai": (0xE01, 0xE5B), "tibetan": (0xF00, 0xFDA), "myanmar": (0x1000, 0x109F),
    "georgian": (0x10A0, 0x10FF), "hangul_jamo": (0x1100, 0x11FF), "ethiopic": (0x1200, 0x139F),
    "cherokee": (0x13A0, 0x13FD), "khmer": (0x1780, 0x17F9), "mongolian": (0x1800, 0x18AA),
    "latin_additional": (0x1E00, 0x1EFF), "greek_extended": (0x1F00, 0x1FFE), "punctuation": (0x2010, 0x2064),
    "super_sub": (0x2070, 0x209C), "letterlike": (0x2100, 0x218B), "math": (0x2200, 0x22FF), "boxes": (0x2500, 0x25FF),
    "symbols": (0x2600, 0x27BF), "cjk_symbols": (0x3000, 0x303F), "hiragana": (0x3041, 0x309F), "katakana": (0x30A0, 0x30FF),
    "enclosed": (0x3200, 0x33FF), "han": (0x4E00, 0x9FFF), "yi": (0xA000, 0xA48C), "hangul": (0xAC00, 0xD7A3),
    "private": (0xE000, 0xE0FF), "compatibility_han": (0xF900, 0xFAD9), "presentation": (0xFB00, 0xFDFF),
    "fullwidth": (0xFF01, 0xFFEE), "gothic": (0x10330, 0x1034A), "deseret": (0x10400, 0x1044F),
    "math_letters": (0x1D400, 0x1D7FF), "emoji": (0x1F300, 0x1F6FC), "emoji_more": (0x1F900, 0x1FAF6),
    "han_b": (0x20000, 0x202FF), "combining": (0x300, 0x36F), "ascii": (0x20, 0x7E),
}  # fmt: skip
SPACES = list("\t\n\v\f\r \x1c\x1d\x1e\x1f\x85\xa0\u1680\u180e\u2000\u2003\u200a\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff")
CONTROLS = [chr(c) for c in [*range(0x00, 0x20), *range(0x7F, 0xA0)]] + list("\u200c\u200d\u200e\u202e\ufffd\ufffe\uffff")
EMOJI = ["👩‍🎨", "👨‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇫🇷", "❤️", "1️⃣", "🧑🏿‍🚀", "☃", "🫠", "😀😀"]
SPECIALS = [
    BOS, EOS, "<|ENDOFTEXT|>", "<|StartOfText|>", "<|endoftext|", "|endoftext|>", "</s>", "<s>", "<pad>", "<unk>", "<mask>",
    "<extra_id_0>", "<extra_id_99>", "<extra_id_100>", "▁", "▁▁", "</w>", "＜/s＞", "Ġ", "<|startoftext|>!!", "##",
]  # fmt: skip
CASES = [
    "", " ", "  ", "\n", "a", "A", ".", "İ", "ΑΣ ΟΔΟΣ Σ", "ẞß ŉ ǰ", "it's IT'S I'm we'LL they've he'd you're don't", "'s's 't", "''s '' 'S",
    "１２３ ²³ Ⅷ ½ ٣", "e\u0301 é E\u0301 \u0301", "Å Å A\u030a", "ﬁ ﬂ ﷺ", "가 각", "ｶﾞ", "a\u0315\u0300\u05ae b",
    "x" * 200, "a" * 61, "ab" * 50, "ha" * 33 + "!", "!" * 40, "0123456789" * 4, "é" * 30, "the" * 30, "😀" * 20, "한" * 20, "a " * 90,
    "the the the the " * 12, "a\0b", "\0", "क्षत्रिय", "A\u0301Ａ\u0301Ａ\u0302", "\r\n", "a\r\nb", "x\u200d\u200dy", "#$%^&*()_+{}|:\"<>?~`-=[]\\;',./",
]  # fmt: skip


def assigned(block: str) -> list[str]:
    low, high = BLOCKS[block]
    return [chr(c) for c in range(low, high + 1) if unicodedata.category(chr(c)) not in ("Cn", "Cs")]


def make_strings(count: int) -> list[str]:
    rng = random.Random(0)
    letters = {block: assigned(block) for block in BLOCKS}
    words = " ".join(CORPUS).split()

    def word(alphabet: list[str]) -> str:
        return "".join(rng.choices(alphabet, k=rng.choice([1, 2, 3, 5, 8])))

    def vary(text: str) -> str:
        return rng.choice([text, text, text.upper(), text.title(), unicodedata.normalize("NFD", text)])

    def atom() -> str:
        kind = rng.random()
        if kind < 0.35:
            return vary(rng.choice(words))
        if kind < 0.60:
            return word(letters[rng.choice(list(letters))])
        if kind < 0.70:
            return rng.choice(EMOJI)
        if kind < 0.78:
            return rng.choice(SPECIALS)
        if kind < 0.84:
            return word(letters["latin"] + letters["combining"])
        if kind < 0.90:
            return rng.choice(CONTROLS)
        return rng.choice(["'s", "'RE", "n't", "3.14", "2024", "100%", "...", ",", "!?", "C++", "a_b", "x2"])

    def sentence() -> str:
        text = ""
        for _ in range(rng.choice([1, 2, 2, 3, 4])):
            text += rng.choice(["", " ", " ", " ", rng.choice(SPACES) * rng.choice([1, 2])]) + atom()
        return text + rng.choice(["", "", "", " ", rng.choice(SPACES)])

    strings = CASES + SPECIALS + EMOJI + SPACES + CONTROLS + ["a" + s + "b" for s in SPACES + CONTROLS + SPECIALS]
    strings += [word(letters[block]) for block in letters for _ in range(12)]
    strings = list(dict.fromkeys(strings))
    seen = set(strings)
    while len(strings) < count:
        text = sentence()
        if text not in seen:
            seen.add(text)
            strings.append(text)
    return strings


def train_merges(count: int) -> list[tuple[str, str]]:
    """Plain byte-pair encoding; the library's trainer breaks ties differently from run to run."""
    split = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str
    words = Counter(piece for line in CORPUS for word in line.lower().split() for piece, _ in split(word))
    parts = {word: [*word[:-1], word[-1] + "</w>"] for word in words}
    merges: list[tuple[str, str]] = []
    for _ in range(count):
        pairs: Counter[tuple[str, str]] = Counter()
        for word, symbols in parts.items():
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += words[word]
        merges.append(min(pairs, key=lambda pair: (-pairs[pair], pair)))
        for symbols in parts.values():
            for i in range(len(symbols) - 2, -1, -1):
                if (symbols[i], *symbols[i + 1 : i + 2]) == merges[-1]:
                    symbols[i : i + 2] = ["".join(merges[-1])]
    return merges


def write_clip(folder: Path, merge_count: int) -> None:
    """CLIP's vocabulary order: bytes, bytes that end a word, merges, start of text, end of text (the highest id)."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = train_merges(merge_count)
    tokens = alphabet + [a + "</w>" for a in alphabet] + [left + right for left, right in merges] + [BOS, EOS]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}, ensure_ascii=False))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{left} {right}\n" for left, right in merges))

    def special(content: str) -> dict:
        return dict(content=content, lstrip=False, normalized=True, rstrip=False, single_word=False)

    # As OpenAI's and Karlo's folders have it.
    specials = dict(bos_token=special(BOS), eos_token=special(EOS), unk_token=special(EOS), pad_token=EOS)
    (folder / "special_tokens_map.json").write_text(json.dumps(specials, indent=1) + "\n")
    config = {key: {"__type": "AddedToken", **value} if isinstance(value, dict) else value for key, value in specials.items()}
    config |= dict(add_prefix_space=False, do_lower_case=True, errors="replace", model_max_length=LENGTH, tokenizer_class="CLIPTokenizer")
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n")


def write_sentencepiece(file: Path, config: dict, **ids: int) -> None:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS), model_writer=model, vocab_size=260, model_type="unigram", character_coverage=1.0,
        hard_vocab_limit=False, num_threads=1, minloglevel=2, **ids,
    )  # fmt: skip
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(model.getvalue())
    (file.parent / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n")


def write_gz(file: Path, value: list) -> None:
    text = json.dumps(value, separators=(",", ":")).encode()
    file.write_bytes(gzip.compress(text, compresslevel=9, mtime=0))


def write(data: Path) -> None:
    for name in ("clip-tokenizer", "clip-tokenizer-json", "t5-tokenizer", "xlmr-tokenizer", "tokenizer-goldens"):
        shutil.rmtree(data / name, ignore_errors=True)
    write_clip(data / "clip-tokenizer", 96)
    clip = CLIPTokenizer.from_pretrained(data / "clip-tokenizer")
    clip.save_pretrained(data / "clip-tokenizer-json")
    write_sentencepiece(
        data / "t5-tokenizer" / "spiece.model", dict(model_max_length=LENGTH, tokenizer_class="T5Tokenizer"),
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
    )  # fmt: skip
    mask = dict(__type="AddedToken", content="<mask>", lstrip=True, normalized=True, rstrip=False, single_word=False)
    write_sentencepiece(
        data / "xlmr-tokenizer" / "sentencepiece.bpe.model",
        dict(model_max_length=512, mask_token=mask, tokenizer_class="XLMRobertaTokenizer"),
    )

    goldens = data / "tokenizer-goldens"
    goldens.mkdir()
    strings = make_strings(5200)
    write_gz(goldens / "strings.json.gz", strings)
    # What the class does with nothing but its defaults: special tokens are then found before the text is normalized.
    defaults = CLIPTokenizer(vocab=str(data / "clip-tokenizer/vocab.json"), merges=str(data / "clip-tokenizer/merges.txt"))
    tokenizers = {
        "clip": clip,
        "clip-json": CLIPTokenizer.from_pretrained(data / "clip-tokenizer-json"),
        "clip-defaults": defaults,
        "t5": T5Tokenizer.from_pretrained(data / "t5-tokenizer"),
        "xlmr": XLMRobertaTokenizer.from_pretrained(data / "xlmr-tokenizer"),
    }
    for name, tokenizer in tokenizers.items():
        write_gz(goldens / f"{name}.json.gz", [tokenizer(text).input_ids for text in strings])
    padded = {}
    for name in ("clip", "t5"):
        encoded = tokenizers[name](strings[:400], padding="max_length", max_length=LENGTH, truncation=True)
        pieces = [tokenizers[name].convert_ids_to_tokens(ids) for ids in encoded.input_ids]
        padded[name] = dict(ids=encoded.input_ids, mask=encoded.attention_mask, pieces=pieces)
    write_gz(goldens / "padded.json.gz", padded)
