"""Export in the layout of Hugging Face's libraries, which load the model as a Llama with tied embeddings.

The tensors need no renaming: `gpt.py` uses Llama's names.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models.config import GPTConfig
from llmtrain_trainer.models.gpt import GPT, NORM_EPSILON, ROTARY_BASE

CONFIG_FILE = "config.json"
OWN_SETTINGS = "llmtrain"
"""Part of `config.json` that other libraries pass over."""
WEIGHTS_FILE = "model.safetensors"
TOKENIZER_FILE = "tokenizer.json"


def export(
    model: GPT,
    tokenizer_json: str,
    directory: Path,
    *,
    end_of_text: str,
    end_of_text_id: int,
    settings: Mapping[str, object] | None = None,
) -> None:
    """Write weights, configuration and tokenizer into `directory`.

    `tokenizer_json` becomes `tokenizer.json`; `end_of_text` is the special token after each document; `settings` are what
    else `load` returns. OSError if the volume is full or can't be written.
    """
    weights = {name: weight.detach().cpu().clone() for name, weight in model.named_parameters()}
    save_file(weights, directory / WEIGHTS_FILE, metadata={"format": "pt"})
    own = {} if settings is None else {OWN_SETTINGS: settings}
    _write(directory / CONFIG_FILE, llama_config(model.config, end_of_text_id) | own)
    _write(directory / "generation_config.json", _special_tokens(end_of_text_id))
    _write(directory / "tokenizer_config.json", _tokenizer_config(model.config, end_of_text))
    (directory / TOKENIZER_FILE).write_text(tokenizer_json)


def own_settings(directory: Path) -> dict[str, object]:
    """Return the settings that `export` wrote; none if there are none, or no readable `config.json`."""
    try:
        settings = json.loads((directory / CONFIG_FILE).read_text())[OWN_SETTINGS]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return settings if isinstance(settings, dict) else {}


def load(directory: Path) -> GPT:
    """Return the model that `export` wrote. BadInput if it is not there, or its files do not fit together."""
    try:
        config = _config_of(json.loads((directory / CONFIG_FILE).read_text()))
        model = GPT(config)
        model.load_state_dict(load_file(directory / WEIGHTS_FILE))
    except FileNotFoundError as error:
        name = Path(error.filename or WEIGHTS_FILE).name
        raise BadInput(
            f"{directory} holds no model: {name} is missing; name the folder that a job published"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{directory / CONFIG_FILE} is not valid: {error!r}; publish the model again") from error
    except (SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise BadInput(
            f"{directory / WEIGHTS_FILE} is damaged or does not fit {CONFIG_FILE}: {reason}; publish the model again"
        ) from error
    return model


def _config_of(document: Mapping[str, int]) -> GPTConfig:
    return GPTConfig(
        layers=document["num_hidden_layers"],
        width=document["hidden_size"],
        heads=document["num_attention_heads"],
        kv_heads=document["num_key_value_heads"],
        context_length=document["max_position_embeddings"],
        vocab_size=document["vocab_size"],
    )


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
