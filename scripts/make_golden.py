#!/usr/bin/env python3
"""Writes the goldens under tests/data from the Python reference.

pip install torch==2.11.0 diffusers==0.42.1 transformers==5.23.0 sentencepiece protobuf
scripts/make_golden.py [MODULE…]     (default: every module of scripts/golden, in order of name)
"""

import importlib
import os
import sys
from pathlib import Path

os.environ["MKL_ENABLE_INSTRUCTIONS"] = "AVX2"  # whose square roots are rounded right
import torch  # noqa: E402

SCRIPTS = Path(__file__).resolve().parent
DATA = SCRIPTS.parent / "tests" / "data"


def main() -> None:
    sys.path.insert(0, str(SCRIPTS))
    torch.set_num_threads(1)
    names = sys.argv[1:] or sorted(p.stem for p in (SCRIPTS / "golden").glob("*.py"))
    for name in names:
        print(f"golden.{name}", flush=True)
        importlib.import_module(f"golden.{name}").write(DATA)


if __name__ == "__main__":
    main()
