"""A small BART with random weights, whose files have a bias that is not trained and settings of how it writes."""

import json
from pathlib import Path

import torch

VOCABULARY = 20


def write_bart_folder(folder: Path, **generation: object) -> Path:
    """Write a BART; `generation`, if there is any, is how it writes. It has no tokenizer."""
    from transformers import BartConfig, BartForConditionalGeneration

    config = BartConfig(
        vocab_size=VOCABULARY,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        max_position_embeddings=64,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = BartForConditionalGeneration(config)
        network.get_buffer("final_logits_bias").normal_()
        network.save_pretrained(folder)
    if generation:
        (folder / "generation_config.json").write_text(json.dumps(generation))
    return folder
