"""Export in the layout of Hugging Face's libraries, which load the model as a Llama with tied embeddings.

The tensors need no renaming: `gpt.py` uses Llama's names.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from llmtrain_trainer.models.config import GPTConfig
from llmtrain_trainer.models.gpt import GPT, NORM_EPSILON, ROTARY_BASE

WEIGHTS_FILE = "model.safetensors"
TOKENIZER_FILE = "tokenizer.json"


def export(model: GPT, tokenizer_json: str, directory: Path, *, end_of_text: str, end_of_text_id: int) -> None:
    """Write weights, configuration and tokenizer into `directory`.

    `tokenizer_json` becomes `tokenizer.json`; `end_of_text` is the special token after each document. OSError if the
    volume is full or can't be written.
    """
    weights = {name: weight.detach().cpu().clone() for name, weight in model.named_parameters()}
    save_file(weights, directory / WEIGHTS_FILE, metadata={"format": "pt"})
    _write(directory / "config.json", llama_config(model.config, end_of_text_id))
    _write(directory / "generation_config.json", _special_tokens(end_of_text_id))
    _write(directory / "tokenizer_config.json", _tokenizer_config(model.config, end_of_text))
    (directory / TOKENIZER_FILE).write_text(tokenizer_json)


def llama_config(config: GPTConfig, end_of_text_id: int) -> dict[str, object]:
    """Return the contents of `config.json`."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": config.vocab_size,
        "hidden_size": config.width,
        "intermediate_size": config.hidden,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads,
        "head_dim": config.head_width,
        "max_position_embeddings": config.context_length,
        "hidden_act": "silu",
        "rms_norm_eps": NORM_EPSILON,
        "rope_theta": ROTARY_BASE,  # read by transformers 4
        "rope_parameters": {"rope_type": "default", "rope_theta": ROTARY_BASE},  # read by transformers 5
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": True,
        **_special_tokens(end_of_text_id),
        "torch_dtype": str(torch.float32).removeprefix("torch."),
    }


def _special_tokens(end_of_text_id: int) -> dict[str, object]:
    """Return the ids of the special tokens. Batches are padded with the only one: attention masks leave padding out."""
    return {"bos_token_id": end_of_text_id, "eos_token_id": end_of_text_id, "pad_token_id": end_of_text_id}


def _tokenizer_config(config: GPTConfig, end_of_text: str) -> dict[str, object]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": end_of_text,
        "eos_token": end_of_text,
        "pad_token": end_of_text,
        "model_max_length": config.context_length,
        "clean_up_tokenization_spaces": False,
    }


def _write(path: Path, document: dict[str, object]) -> None:
    path.write_text(json.dumps(document, indent=2) + "\n")
