"""A small BERT with random weights and its WordPiece tokenizer, in the layout of Hugging Face's libraries."""

import json
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
POSITIONS = 48


def write_bert_folder(folder: Path, words: Iterable[str], *, seed: int = 0, **changes: object) -> Path:
    """Write a BERT that knows `words` and letters; `changes` are of its configuration."""
    import torch
    from transformers import BertConfig, BertModel

    tokens = dict.fromkeys((*SPECIAL, *"abcdefghijklmnopqrstuvwxyz0123456789.,'", *words))
    tokens |= dict.fromkeys(f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz0123456789")
    write_tokenizer(folder, list(tokens))
    sizes = {
        "vocab_size": len(tokens),
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": POSITIONS,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        BertModel(BertConfig(**sizes | changes)).save_pretrained(folder)
    return folder


def write_tokenizer(folder: Path, tokens: list[str]) -> None:
    """Write a WordPiece tokenizer that pads and cuts to 8 tokens by itself, as that of a published model can."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordPiece(numbers, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens([token for token in SPECIAL if token in numbers])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(length=8, pad_id=0, pad_token="[PAD]")
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "BertTokenizer", "pad_token": "[PAD]", "mask_token": "[MASK]"}
    settings |= {"model_max_length": POSITIONS}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
