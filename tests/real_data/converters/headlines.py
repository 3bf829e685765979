"""Headlines with and without sarcasm, and paragraphs of Wikipedia (evals)."""

import json
from pathlib import Path
from typing import Any

FOLDER = "evals/registry/data"


def read_headlines(package: Path) -> list[dict[str, Any]]:
    """Return headlines with the columns of the published data set: `headline` and `is_sarcastic` (0 or 1)."""
    lines = (package / FOLDER / "sarcasm/samples.jsonl").read_text(encoding="utf-8").split("\n")
    samples = [json.loads(line) for line in lines if line]
    return [{"headline": each["input"][-1]["content"], "is_sarcastic": int(each["ideal"])} for each in samples]


def read_paragraphs(package: Path) -> list[str]:
    """Return the paragraphs of Wikipedia: the entry `0` of each line; the other entries are the same text shuffled."""
    lines = (package / FOLDER / "schelling_point/wikipedia_5.jsonl").read_text(encoding="utf-8").split("\n")
    return [json.loads(line)["0"].strip() for line in lines if line]
