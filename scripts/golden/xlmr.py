"""XLM-R's tokenizer as tokenizer.json, with pieces in many scripts, and the ids the reference gives to texts in them.

xlmr-json-tokenizer; tokenizer-goldens/xlmr-json.json.gz and xlmr-json-strings.json.gz.
"""

import io
import random
import shutil
import tempfile
import unicodedata
from pathlib import Path

import sentencepiece
from transformers import XLMRobertaTokenizer

from golden.tokenizers import CONTROLS, EMOJI, SPACES, write_gz

# A red circle and a small blue star on a white ground, or near it, a script or two a line.
CORPUS = """
a red circle and a small blue star on a white background, painted in oil
ein roter Kreis über einem kleinen blauen Stern auf weißem Grund
un cercle rouge à côté d'une petite étoile bleue sur fond blanc
một vòng tròn đỏ và một ngôi sao nhỏ màu xanh trên nền trắng
ένας κόκκινος κύκλος και ένα μικρό μπλε αστέρι σε λευκό φόντο
красный круг и маленькая синяя звезда на белом фоне
червоне коло та маленька синя зірка на білому тлі
կարմիր շրջան և փոքրիկ կապույտ աստղ սպիտակ ֆոնի վրա
წითელი წრე და პატარა ლურჯი ვარსკვლავი თეთრ ფონზე
עיגול אדום וכוכב כחול קטן על רקע לבן
دائرة حمراء ونجمة زرقاء صغيرة على خلفية بيضاء
یک دایره قرمز و یک ستاره آبی کوچک روی زمینه سفید
एक लाल वृत्त और एक छोटा नीला तारा सफेद पृष्ठभूमि पर
একটি লাল বৃত্ত এবং একটি ছোট নীল তারা সাদা পটভূমিতে
ਚਿੱਟੇ ਪਿਛੋਕੜ ਉੱਤੇ ਇੱਕ ਲਾਲ ਚੱਕਰ ਅਤੇ ਇੱਕ ਛੋਟਾ ਨੀਲਾ ਤਾਰਾ
સફેદ પૃષ્ઠભૂમિ પર લાલ વર્તુળ અને નાનો વાદળી તારો
வெள்ளை பின்னணியில் ஒரு சிவப்பு வட்டம் மற்றும் ஒரு சிறிய நீல நட்சத்திரம்
తెల్లని నేపథ్యంలో ఎరుపు వృత్తం మరియు చిన్న నీలం నక్షత్రం
ಬಿಳಿ ಹಿನ್ನೆಲೆಯಲ್ಲಿ ಕೆಂಪು ವೃತ್ತ ಮತ್ತು ಸಣ್ಣ ನೀಲಿ ನಕ್ಷತ್ರ
വെളുത്ത പശ്ചാത്തലത്തിൽ ചുവന്ന വൃത്തവും ചെറിയ നീല നക്ഷത്രവും
සුදු පසුබිමක රතු කවයක් සහ කුඩා නිල් තරුවක්
วงกลมสีแดงและดาวสีน้ำเงินดวงเล็กบนพื้นหลังสีขาว
ວົງມົນສີແດງ ແລະ ດາວນ້ອຍສີຟ້າ ເທິງພື້ນຫຼັງສີຂາວ
အဖြူရောင်နောက်ခံတွင် အနီရောင်စက်ဝိုင်းနှင့် အပြာရောင်ကြယ်ငယ်
រង្វង់ក្រហម និងផ្កាយខៀវតូចមួយនៅលើផ្ទៃពណ៌ស
በነጭ ዳራ ላይ ቀይ ክብ እና ትንሽ ሰማያዊ ኮከብ
白い背景に赤い丸と小さな青い星、カタカナのスター
白色背景上的一个红色圆圈和一颗蓝色小星星
흰 바탕에 빨간 동그라미와 작은 파란 별
""".strip().splitlines()


def make_strings(count: int) -> list[str]:
    rng = random.Random(1)
    words = [word for line in CORPUS for word in line.split()]

    def part() -> str:
        kind = rng.random()
        word = rng.choice(words)
        if kind < 0.55:
            return word
        if kind < 0.70:
            return word[: rng.randint(1, len(word))] + rng.choice(words)[:4]
        if kind < 0.80:
            return rng.choice([word.upper(), word.title(), unicodedata.normalize("NFD", word)])
        if kind < 0.90:
            return rng.choice(EMOJI + ["3.14", "2024", "...", ",", "!?", "<s>", "</s>", "<mask>", "▁"])
        return rng.choice(CONTROLS) + word

    strings = dict.fromkeys(CORPUS)
    while len(strings) < count:
        text = "".join(rng.choice(["", " ", " ", " ", rng.choice(SPACES)]) + part() for _ in range(rng.randint(1, 6)))
        strings[text] = None
    return list(strings)


def write(data: Path) -> None:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS), model_writer=model, vocab_size=900, model_type="unigram", character_coverage=1.0,
        hard_vocab_limit=False, num_threads=1, minloglevel=2,
    )  # fmt: skip
    folder = data / "xlmr-json-tokenizer"
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as made:
        (Path(made) / "sentencepiece.bpe.model").write_bytes(model.getvalue())
        XLMRobertaTokenizer.from_pretrained(made, model_max_length=512).save_pretrained(folder)
    tokenizer = XLMRobertaTokenizer.from_pretrained(folder)
    strings = make_strings(5200)
    ids = [tokenizer(text).input_ids for text in strings]
    letters = {c for text in strings for c in text if c.isalpha()}
    scripts = {unicodedata.name(c, "?").split()[0] for c in letters}
    unknown = sum(row.count(tokenizer.unk_token_id) for row in ids) / sum(map(len, ids))
    print(f"{len(strings)} strings, scripts: {len(scripts)} ({' '.join(sorted(scripts))}), {100 * unknown:.1f} % unknown ids")
    write_gz(data / "tokenizer-goldens" / "xlmr-json-strings.json.gz", strings)
    write_gz(data / "tokenizer-goldens" / "xlmr-json.json.gz", ids)
