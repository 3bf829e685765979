"""Folders of small networks as jobs publish them, without the training."""

from collections.abc import Sequence
from pathlib import Path

from llmtrain_api.job import ModelSpec
from llmtrain_trainer.data.tokenizer import tokenizer_json, train_words
from llmtrain_trainer.models.classifier import sizes_for
from llmtrain_trainer.models.classifier_folder import ClassifierConfig, save_classifier, sizes_document

WORDS = "the quick brown fox jumps over a lazy dog"


def publish_network(
    folder: Path,
    seed: int,
    *,
    name: str = "gru",
    width: int = 8,
    task: str = "classification",
    labels: Sequence[str] | None = ("no", "yes"),
    words: str = WORDS,
    **settings: object,
) -> Path:
    """Write a network of llmtrain's own with the initial weights of a seed; return its folder."""
    tokenizer = train_words([words], 1)
    sizes = sizes_for(ModelSpec.model_validate({"name": name, "width": width, "layers": 1}))
    config = ClassifierConfig.model_validate(
        {
            "architecture": name,
            "sizes": sizes_document(sizes),
            "vocab_size": tokenizer.get_vocab_size(),
            "task": task,
            "labels": labels and list(labels),
            "max_tokens": 9,
            "text_column": "text",
            **settings,
        }
    )
    model = config.build()
    model.init_weights(seed)
    folder.mkdir(parents=True)
    save_classifier(model, config, tokenizer_json(tokenizer), folder)
    (folder / "evaluation.json").write_text("{}")
    return folder
