"""The folder of a trained encoder-decoder of `transformers`: what the library writes, and how llmtrain applies it.

`AutoModelForSeq2SeqLM` and `AutoTokenizer` load it as it is. `llmtrain.json` has what `llmtrain predict` needs in addition.
"""

import json
import shutil
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError
from transformers import AutoConfig

from llmtrain_api.model import Model
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models.model_folder import TOKENIZER_FILE, TOKENIZER_FILES, USE_FILE, WEIGHTS_FILE
from llmtrain_trainer.models.pretrained import read_network
from llmtrain_trainer.models.pretrained_folder import ONE_FILE
from llmtrain_trainer.models.seq2seq import Seq2Seq


class Seq2SeqUse(Model):
    """The contents of `llmtrain.json`: how an encoder-decoder is applied."""

    task: Literal["translation", "summarization"]
    max_tokens: Annotated[int, Field(ge=1)]
    """Tokens of a text that the network reads; the rest is cut off."""
    max_written_tokens: Annotated[int, Field(ge=1)]
    """Tokens that it writes at most: those of the longest text that it was trained to write."""
    text_column: str
    """Field of the training data that held the text to read."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """In which the network was trained and judged."""


def save_seq2seq(
    model: Seq2Seq, use: Seq2SeqUse, tokenizer_json: str, directory: Path, *, source: Path | None, end_of_text: str
) -> None:
    """Write an encoder-decoder into `directory`. OSError if the volume is full.

    The settings of the tokenizer are those in the folder `source`; without one, it pads with `end_of_text`.
    """
    network: Any = model.network
    network.generation_config = model.greedy_search(use.max_written_tokens)
    network.save_pretrained(directory, max_shard_size=ONE_FILE)
    for name in TOKENIZER_FILES if source else ():
        if source and (source / name).is_file():
            shutil.copyfile(source / name, directory / name)
    (directory / TOKENIZER_FILE).write_text(tokenizer_json)
    if source is None:
        settings = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "pad_token": end_of_text,
            "eos_token": end_of_text,
            "model_max_length": use.max_tokens,
        }
        _write(directory / "tokenizer_config.json", settings)
    _write(directory / USE_FILE, use.document())


def load_seq2seq(directory: Path) -> tuple[Seq2Seq, Seq2SeqUse]:
    """Return the encoder-decoder in `directory`. BadInput if its files do not fit together."""
    try:
        use = Seq2SeqUse.model_validate_json((directory / USE_FILE).read_bytes())
        model = Seq2Seq(AutoConfig.from_pretrained(directory, local_files_only=True, trust_remote_code=False))
        model.network, report = read_network(directory, model.config, use.task)
    except ValidationError as error:
        raise BadInput(
            f"{directory / USE_FILE} is not valid: {str(error).splitlines()[0]}; publish the model again"
        ) from error
    except Exception as error:  # the library raises anything for files that it can't load
        raise BadInput(
            f"{directory} holds no model that can be loaded: {' '.join(str(error).split())[:300]}; publish the model again"
        ) from error
    if others := sorted(report["missing_keys"]) + sorted(name for name, *_ in report["mismatched_keys"]):
        raise BadInput(f"{directory / WEIGHTS_FILE} does not fit config.json, at {others[0]}; publish the model again")
    return model, use


def _write(path: Path, document: dict[str, object]) -> None:
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
