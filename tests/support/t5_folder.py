"""A small T5 with random weights and its tokenizer, which ends texts with </s>, in the layout of Hugging Face's libraries."""

import json
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

PADDING, END, UNKNOWN = "<pad>", "</s>", "<unk>"


def write_t5_folder(folder: Path, words: Iterable[str], **changes: object) -> Path:
    """Write a T5 that knows `words`; `changes` are of its configuration."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    tokens = {token: number for number, token in enumerate(dict.fromkeys((PADDING, END, UNKNOWN, *words)))}
    _write_tokenizer(folder, tokens)
    sizes = {"vocab_size": len(tokens), "d_model": 16, "d_kv": 4, "d_ff": 32, "num_layers": 1, "num_heads": 4}
    special = {"pad_token_id": tokens[PADDING], "eos_token_id": tokens[END], "decoder_start_token_id": tokens[PADDING]}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        T5ForConditionalGeneration(T5Config(**sizes | special | changes)).save_pretrained(folder)
    return folder


def _write_tokenizer(folder: Path, tokens: dict[str, int]) -> None:
    """Write a tokenizer of words that pads and cuts to 8 tokens by itself, as that of a published model can."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer(models.WordLevel(tokens, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens([PADDING, END, UNKNOWN])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {END}", pair=f"$A {END} $B {END}", special_tokens=[(END, tokens[END])]
    )
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(length=8, pad_id=tokens[PADDING], pad_token=PADDING)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": PADDING, "eos_token": END}
    settings |= {"unk_token": UNKNOWN}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
