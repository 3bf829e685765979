"""How an encoder-decoder writes: each token the most probable one, of those that its folder lets follow.

The rules are those of `generation_config.json`, which models for summaries and for many languages need: a token that begins
each text, the shortest text, or words that are not repeated.
"""

from pathlib import Path
from typing import Any

from transformers import GenerationConfig

from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models.model_folder import CONFIG_FILE, FIELD, GENERATION_FILE

KEPT = (
    "eos_token_id",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "min_length",
    "min_new_tokens",
    "no_repeat_ngram_size",
    "encoder_no_repeat_ngram_size",
    "repetition_penalty",
    "encoder_repetition_penalty",
    "bad_words_ids",
    "suppress_tokens",
    "begin_suppress_tokens",
)
"""Fields that rule which tokens can follow. Others are of searches that are not used, such as that by beams."""
LIBRARY: Any = GenerationConfig  # without types


def read_rules(folder: Path) -> Any:
    """Return the library's settings in a folder, which are in its configuration if they have no file. BadInput if it is not valid."""
    name = GENERATION_FILE if (folder / GENERATION_FILE).is_file() else CONFIG_FILE
    try:
        return LIBRARY.from_pretrained(folder, name, local_files_only=True)
    except Exception as error:  # the library raises anything for a file that is not valid
        raise BadInput(
            f"{FIELD}: '{folder / name}' has no valid settings of how texts are written: "
            f"{' '.join(str(error).split())[:300].rstrip('.')}; correct them, or copy the folder again"
        ) from error


def greedy_search(config: Any, rules: Any, max_tokens: int | None) -> Any:
    """Return the library's settings to write at most `max_tokens` tokens by the rules of other settings.

    They begin as the network's `config` says.
    """
    kept = {name: value for name in KEPT if (value := getattr(rules, name, None)) is not None}
    own = {"num_beams": 1, "do_sample": False, "max_new_tokens": max_tokens, "pad_token_id": config.pad_token_id}
    return LIBRARY(**kept | own | {"decoder_start_token_id": config.decoder_start_token_id})
