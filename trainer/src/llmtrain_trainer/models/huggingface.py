"""The layout in which Hugging Face's libraries load the model: a Llama with tied embeddings.

The tensors need no renaming: `gpt.py` names them as Llama does.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer

from llmtrain_trainer.data.tokenizer import END_OF_TEXT, END_OF_TEXT_ID, save_tokenizer
from llmtrain_trainer.models.config import GPTConfig
from llmtrain_trainer.models.gpt import GPT, NORM_EPSILON, ROTARY_BASE

WEIGHTS_FILE = "model.safetensors"


def export(model: GPT, tokenizer: Tokenizer, folder: Path) -> None:
    """Write weights, configuration and tokenizer into `folder`."""
    weights = {name: weight.detach().cpu().clone() for name, weight in model.named_parameters()}
    save_file(weights, folder / WEIGHTS_FILE, metadata={"format": "pt"})
    _write(folder / "config.json", llama_config(model.shape))
    _write(folder / "generation_config.json", {"bos_token_id": END_OF_TEXT_ID, "eos_token_id": END_OF_TEXT_ID})
    _write(folder / "tokenizer_config.json", _tokenizer_config(model.shape))
    save_tokenizer(tokenizer, folder)


def llama_config(shape: GPTConfig) -> dict[str, object]:
    """Return the contents of config.json."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": shape.vocab_size,
        "hidden_size": shape.width,
        "intermediate_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_width,
        "max_position_embeddings": shape.context_length,
        "hidden_act": "silu",
        "rms_norm_eps": NORM_EPSILON,
        "rope_theta": ROTARY_BASE,
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": True,
        "bos_token_id": END_OF_TEXT_ID,
        "eos_token_id": END_OF_TEXT_ID,
        "torch_dtype": str(torch.float32).removeprefix("torch."),
    }


def _tokenizer_config(shape: GPTConfig) -> dict[str, object]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": END_OF_TEXT,
        "eos_token": END_OF_TEXT,
        "model_max_length": shape.context_length,
        "clean_up_tokenization_spaces": False,
    }


def _write(path: Path, document: dict[str, object]) -> None:
    path.write_text(json.dumps(document, indent=2) + "\n")
