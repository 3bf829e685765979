"""Networks of `transformers`, from a folder or a BERT from nothing: the library's class for architecture and task, with its own head and pooling.

So the published folder is one that the library loads, with the same logits, and any architecture for which it has such a
class can be trained. Nothing of this module is imported by a job whose model is llmtrain's own: the library and the module of
an architecture take as long to import as torch.

Letters of shape suffixes: B sequences, L positions.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    BertConfig,
)
from transformers.utils import logging

from llmtrain_api.model_sizes import EncoderSizes
from llmtrain_api.tasks import PAIR_TASKS
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models.classifier_folder import OUTPUTS
from llmtrain_trainer.models.library_network import (
    first_line,
    greatest_dropout,
    padded,
    require_computed,
    require_explainable,
    set_initial_weights,
)
from llmtrain_trainer.models.model_folder import CONFIG_FILE, FIELD, TOKENIZER_FILE
from llmtrain_trainer.models.untrained import weights_of

POSITIONS_AFTER_PADDING = frozenset(
    {"camembert", "data2vec-text", "mpnet", "roberta", "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl", "xmod"}
)
"""Types of models that number positions from the one after that of padding, so that they read fewer tokens."""
HEADS: Mapping[str, Any] = {
    "masked": AutoModelForMaskedLM,
    "classification": AutoModelForSequenceClassification,
    "regression": AutoModelForSequenceClassification,
    "tagging": AutoModelForTokenClassification,
    "question-answering": AutoModelForQuestionAnswering,
    **dict.fromkeys(PAIR_TASKS, AutoModelForSeq2SeqLM),
}
"""The library's classes of networks, by the name of the task."""
LOGGING: Any = logging  # without types
LOGGING.set_verbosity_error()
LOGGING.disable_progress_bar()


class PretrainedClassifier(nn.Module):
    """A network of the library for labelled sequences, with weights that are not initialized yet.

    `separator` is the token after a question, if the text that follows it is of another segment; None if it is not.
    """

    def __init__(self, config: Any, task: str, separator: int | None = None) -> None:
        super().__init__()
        self.network: nn.Module = _from_config(config, task)
        self.config, self.task = config, task
        has_segments = task == "question-answering" and (getattr(config, "type_vocab_size", 0) or 0) > 1
        self.separator = separator if has_segments else None

    @property
    def dropout(self) -> float:
        """The greatest dropout probability that its configuration has."""
        return greatest_dropout(self.config)

    def forward(self, tokens_BL: Tensor, lengths_B: Tensor, dropout: float = 0.0) -> Tensor:
        """Return the outputs of each sequence (B, outputs), or of each token (B, L, outputs), in float32.

        Dropout has the probabilities of the configuration, or is off if `dropout` is 0.
        """
        tokens_BL, mask_BL = padded(tokens_BL, lengths_B, self.config.pad_token_id)
        return self._logits(dropout > 0, input_ids=tokens_BL, attention_mask=mask_BL, **self._segments(tokens_BL))

    def embed(self, tokens_BL: Tensor) -> Tensor:
        """Return the embedded tokens (B, L, D), which `read` takes."""
        embedded: Tensor = self._embedding()(tokens_BL)
        return embedded

    def read(self, x_BLD: Tensor, lengths_B: Tensor) -> Tensor:
        """Return the outputs of embedded tokens (B, L, D) of sequences without padding, without dropout."""
        return self._logits(False, inputs_embeds=x_BLD, attention_mask=torch.ones(x_BLD.shape[:2], device=x_BLD.device))

    def _embedding(self) -> nn.Module:
        return cast(Callable[[], nn.Module], self.network.get_input_embeddings)()

    def _logits(self, trains: bool, **inputs: Tensor) -> Tensor:
        if self.network.training != trains:
            self.network.train(trains)
        outputs = self.network(**inputs)
        logits: Tensor = (
            torch.stack([outputs.start_logits, outputs.end_logits], dim=-1)
            if self.task == "question-answering"
            else outputs.logits
        )
        return logits.float()

    def _segments(self, tokens_BL: Tensor) -> dict[str, Tensor]:
        """Return the segment of each token, 1 after the first separator, if the network was trained with segments."""
        if self.separator is None:
            return {}
        ends_BL = (tokens_BL == self.separator).long()
        return {"token_type_ids": (ends_BL.cumsum(1) - ends_BL).clamp(max=1)}

    def init_weights(self, seed: int, folder: Path | None = None) -> None:
        """Set the initial weights: those in `folder`, and others as the library draws them, a function of the seed.

        BadInput if the folder lacks weights of the body, or has them in another shape.
        """
        set_initial_weights(
            self.network,
            seed,
            lambda: _from_config(self.config, self.task),
            lambda: load_weights(folder, self.config, self.task) if folder is not None else {},
        )


def classifier_config(folder: Path, task: str, labels: Sequence[str], *, vocab_size: int, max_tokens: int) -> Any:
    """Return the configuration of a network for a task with `labels`, if it has any, and the architecture in `folder`.

    `vocab_size` is that of the tokenizer, `max_tokens` the longest sample. BadInput if the architecture can't do the task, or
    does not fit them.
    """
    config = _read_config(folder, task)
    if config.pad_token_id is None or not 0 <= config.pad_token_id < config.vocab_size:
        raise BadInput(
            f"{FIELD}: '{folder / CONFIG_FILE}' has no pad_token_id of the embedding, so texts of unequal length can't be put into one "
            "microbatch; add the number of the tokenizer's padding token"
        )
    if vocab_size > config.vocab_size:
        raise BadInput(
            f"{FIELD}: '{folder / TOKENIZER_FILE}' has {vocab_size} tokens, and the embedding of the model only "
            f"{config.vocab_size}; put the tokenizer there that the model was trained with"
        )
    if max_tokens > (positions := _positions(config)):
        raise BadInput(
            f"spec.data.maxTokens: {max_tokens} is more than the {positions} positions of the model in {FIELD}; set it to "
            f"at most {positions}"
        )
    return config if task in PAIR_TASKS else _with_head(config, task, labels)


def read_network(folder: Path, config: Any, task: str) -> tuple[nn.Module, Mapping[str, Any]]:
    """Return the network of `config` with the weights in `folder`, and the library's report of those that do not fit."""
    network, report = HEADS[task].from_pretrained(
        folder,
        config=config,
        dtype=torch.float32,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        ignore_mismatched_sizes=True,
        output_loading_info=True,
    )
    return network, report


def require_forward(
    config: Any,
    task: str,
    folder: Path,
    *,
    separator: int | None,
    weights: bool,
    tokens: Sequence[Sequence[int]],
    explains: bool = False,
) -> None:
    """BadInput if the network of `config` can't be built, loaded or computed on sequences of tokens, or explained if it has to be."""

    def compute(padded: Tensor, lengths: Tensor) -> None:
        network = PretrainedClassifier(config, task, separator)
        network.init_weights(0, folder if weights else None)
        network(padded, lengths)
        if explains:
            require_explainable(network, padded[:1, : int(lengths[0])], folder)

    require_computed(compute, folder, tokens)


def load_weights(folder: Path, config: Any, task: str) -> dict[str, Tensor]:
    """Return the weights in a folder that the network of `config` has, by name.

    The head's are there if the folder has one of the same class with the same labels; one of masked tokens, whatever class
    the folder names. BadInput if those of the body are not all there, or have another shape.
    """
    saved = _read_config(folder, task)
    try:
        network, report = read_network(folder, config, task)
    except Exception as error:  # the library raises anything for files that it can't load
        raise BadInput(f"{FIELD}: '{folder}' can't be loaded: {first_line(error)}; copy the folder again") from error
    weights = weights_of(network)
    body = "" if task in PAIR_TASKS else f"{network.base_model_prefix}."  # what writes a text has no head of its own
    others = {name: f"is of shape {tuple(there)}, not {tuple(here)}" for name, there, here in report["mismatched_keys"]}
    others |= dict.fromkeys(report["missing_keys"], "is missing")
    for name, reason in sorted(others.items()):
        if name.startswith(body) and ".pooler." not in name:
            raise BadInput(
                f"{FIELD}: the weights in '{folder}' do not fit its {CONFIG_FILE}: {name} {reason}; put the files of one "
                "model there, or set spec.model.weights to Fresh"
            )
    same_labels = list(saved.id2label.values()) == list(config.id2label.values())
    same_head = task == "masked" or (same_labels and type(network).__name__ in (saved.architectures or ()))
    return {
        name: weight for name, weight in weights.items() if name not in others and (same_head or name.startswith(body))
    }


def bert_config(
    sizes: EncoderSizes, task: str, labels: Sequence[str], *, vocab_size: int, max_tokens: int, dropout: float
) -> Any:
    """Return the configuration of a BERT for a task with `labels`, if it has any."""
    config = BertConfig(
        vocab_size=vocab_size,
        hidden_size=sizes.width,
        num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads,
        intermediate_size=4 * sizes.width,
        max_position_embeddings=max_tokens,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        pad_token_id=0,
    )
    return _with_head(config, task, labels)


def import_architecture(task: str, folder: Path | None) -> None:
    """Import the library's module of the architecture in `folder`, or of BERT. BadInput if it can't do the task."""
    HEADS[task]._model_mapping[BertConfig if folder is None else type(_read_config(folder, task))]


def _with_head(config: Any, task: str, labels: Sequence[str]) -> Any:
    """Set outputs and labels, of which a task without labels has those that the library names."""
    if labels:
        config.id2label = dict(enumerate(labels))
        config.label2id = {label: number for number, label in enumerate(labels)}
    elif task in OUTPUTS:
        config.num_labels = OUTPUTS[task]
    config.problem_type = {"classification": "single_label_classification", "regression": "regression"}.get(task)
    return config


def _read_config(folder: Path, task: str) -> Any:
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # the library raises anything for a configuration that is not valid
        raise BadInput(
            f"{FIELD}: '{folder / CONFIG_FILE}' describes no model that this version of transformers knows: {first_line(error)}; "
            "name a folder with another architecture"
        ) from error
    for name in ("quantization_config", "transformers_weights"):
        if getattr(config, name, None):
            raise BadInput(
                f"{FIELD}: '{folder / CONFIG_FILE}' has {name}, which can't be trained exactly; write the model there with "
                "`save_pretrained`, in full precision and in files of the usual names"
            )
    config.return_dict = True
    if type(config) not in HEADS[task]._model_mapping:
        other = "an encoder-decoder, such as t5" if task in PAIR_TASKS else "an encoder, such as bert"
        raise BadInput(
            f"{FIELD}: a model of type '{config.model_type}' can't do the task {task}, for which transformers has "
            f"no class of this type; name a folder with {other}"
        )
    return config


def _from_config(config: Any, task: str) -> nn.Module:
    network: nn.Module = HEADS[task].from_config(config, dtype=torch.float32)
    return network


def _positions(config: Any) -> int:
    """Return how many tokens a model can read: as many as it has positions, or any number if they are relative.

    Of a T5, `n_positions` is only how long the texts were that it was trained with.
    """
    positions = getattr(config, "max_position_embeddings", None)
    if not positions and not getattr(config, "relative_attention_num_buckets", None):
        positions = getattr(config, "n_positions", None)
    if not positions or positions < 0:
        return 2**31
    return int(positions) - (config.pad_token_id + 1 if config.model_type in POSITIONS_AFTER_PADDING else 0)
