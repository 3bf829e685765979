"""The files of a folder in the layout of Hugging Face's libraries, without loading what they hold.

What is read: config.json, tokenizer.json and, unless only the shape of the network is taken, model.safetensors or the shards
that model.safetensors.index.json lists; of a model that writes texts also generation_config.json, if it is there. Weights in other formats can execute code, and are not read.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from llmtrain_api.run_config import RunConfig
from llmtrain_api.tasks import PAIR_TASKS
from llmtrain_trainer.errors import BadInput

CONFIG_FILE, TOKENIZER_FILE = "config.json", "tokenizer.json"
WEIGHTS_FILE, INDEX_FILE = "model.safetensors", "model.safetensors.index.json"
TOKENIZER_FILES = (
    TOKENIZER_FILE,
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
)
"""Files that belong to a tokenizer; only the first has to be there."""
TOKENIZER_SETTINGS = ("tokenizer_config.json", "special_tokens_map.json")
"""Files that name the special tokens."""
MASKS = ("[MASK]", "<mask>", "<|mask|>")
"""What the masks of published models, and that of llmtrain's own tokenizers, are written as."""
GENERATION_FILE = "generation_config.json"
"""Of an encoder-decoder: which tokens it may write. Not every folder has one."""
READ_BY_TASK: Mapping[str, tuple[str, ...]] = {
    "masked": TOKENIZER_SETTINGS,
    **dict.fromkeys(PAIR_TASKS, (GENERATION_FILE,)),
}
"""Files that a task reads besides, where they are."""
USE_FILE = "llmtrain.json"
"""Of a folder that llmtrain published: how the model is applied."""
FIELD, VECTORS_FIELD = "spec.model.from", "spec.model.vectors"
"""Fields of files that initial weights depend on; a job has one of them at most."""


@dataclass(frozen=True, kw_only=True)
class ModelFolder:
    """A folder whose files are all there."""

    directory: Path
    weights: tuple[Path, ...]
    """The files with weights; empty if they are not read."""
    settings: tuple[Path, ...] = ()
    """The files that the task reads besides."""

    @classmethod
    def open(cls, directory: Path, *, weights: bool, task: str = "") -> "ModelFolder":
        """Find the files of a folder that a task reads, with those of its `weights` or without. BadInput if one is missing."""
        if not directory.is_dir():
            raise BadInput(f"{FIELD}: '{directory}' is no folder; name one with {CONFIG_FILE} on the volume")
        for name, remedy in (
            (CONFIG_FILE, "name a folder that `save_pretrained` of a model wrote"),
            (TOKENIZER_FILE, "load its tokenizer with transformers and write it there with `save_pretrained`"),
        ):
            if not (directory / name).is_file():
                raise BadInput(f"{FIELD}: '{directory}' has no {name}; {remedy}")
        return cls(
            directory=directory,
            weights=_weights(directory) if weights else (),
            settings=tuple(directory / name for name in READ_BY_TASK.get(task, ()) if (directory / name).is_file()),
        )

    @property
    def digest(self) -> str:
        """Checksum of all files that a training reads: "sha256:" and 64 hexadecimal digits."""
        files = (self.directory / CONFIG_FILE, self.directory / TOKENIZER_FILE, *self.settings, *self.weights)
        digest = hashlib.sha256()
        for path in files:
            with path.open("rb") as file:
                digest.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
        return f"sha256:{digest.hexdigest()}"


def folder_of(run: RunConfig) -> ModelFolder:
    """Return the folder in a job's `spec.model.from`. BadInput if one of its files is missing."""
    return ModelFolder.open(Path(run.model_directory or ""), weights=run.model.weights == "Load", task=run.task.name)


def _weights(directory: Path) -> tuple[Path, ...]:
    """Return the files with weights, in order. BadInput if one is missing or the index of shards is invalid."""
    if (directory / WEIGHTS_FILE).is_file():
        return (directory / WEIGHTS_FILE,)
    index = directory / INDEX_FILE
    if not index.is_file():
        raise BadInput(
            f"{FIELD}: '{directory}' has no {WEIGHTS_FILE}; convert the weights with `save_pretrained`, or set "
            "spec.model.weights to Fresh to take the shape of the network alone"
        )
    try:
        names = sorted(set(json.loads(index.read_text())["weight_map"].values()))
        if not names or any(Path(name).name != name for name in names):
            raise ValueError("names of files in the folder")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{FIELD}: '{index}' lists no shards; copy the folder again") from error
    for name in names:
        if not (directory / name).is_file():
            raise BadInput(f"{FIELD}: '{directory}' has no {name}, which {INDEX_FILE} lists; copy the folder again")
    return (*(directory / name for name in names), index)


def mask_token(directory: Path) -> str | None:
    """Return the token that stands for those to predict: that of the settings of a tokenizer, or the one of MASKS in it.

    None if the settings name none, and not just one of MASKS is a special token that is added to the tokenizer.
    """
    for name in TOKENIZER_SETTINGS:
        try:
            token = json.loads((directory / name).read_text()).get("mask_token")
        except (OSError, ValueError, AttributeError):
            continue
        text = token.get("content") if isinstance(token, dict) else token
        if isinstance(text, str):
            return text
    try:
        added = json.loads((directory / TOKENIZER_FILE).read_text())["added_tokens"]
        found = {token["content"] for token in added if token["special"]}.intersection(MASKS)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found.pop() if len(found) == 1 else None


def task_of(directory: Path) -> str | None:
    """Return the task for which llmtrain published a model of the library; None if the folder does not say it."""
    try:
        task = json.loads((directory / USE_FILE).read_text()).get("task")
    except (OSError, ValueError, AttributeError):
        return None
    return task if isinstance(task, str) else None
