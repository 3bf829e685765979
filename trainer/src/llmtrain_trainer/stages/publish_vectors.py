"""What is published of word vectors: their held-out loss, the words nearest to frequent ones, and a folder."""

from pathlib import Path

from llmtrain_api.run_config import RunConfig
from llmtrain_api.termination import ModelInfo
from llmtrain_trainer.atomic_directory import atomic_directory
from llmtrain_trainer.checkpoint.history import History
from llmtrain_trainer.data.tokenizer import load_tokenizer, tokenizer_json, words_of
from llmtrain_trainer.distributed.collectives import SingleProcess
from llmtrain_trainer.models.vectors_folder import VECTORS, WordVectors, save_vectors
from llmtrain_trainer.stages.evaluation_file import write_evaluation
from llmtrain_trainer.stages.publish_text import EVALUATED_TOKENS
from llmtrain_trainer.training.word_vectors import WordVectorTask

SHOWN_WORDS, SHOWN_NEIGHBOURS = 200, 10
"""The most frequent words, and how many of those nearest to each, that are in `evaluation.json`."""


def publish_model(run: RunConfig, task: WordVectorTask, directory: Path, history: History) -> tuple[ModelInfo, str]:
    """Replace the export in `directory`; return the loss, and a sentence about it."""
    loss = task.evaluate(SingleProcess(), lambda: None, EVALUATED_TOKENS).loss
    tokenizer = load_tokenizer(task.dataset.directory)
    weights = {name: weight.detach().cpu().numpy().copy() for name, weight in task.model.named_parameters()}
    vectors = WordVectors(words=words_of(tokenizer), vectors=weights[VECTORS][1:])
    shown = range(min(SHOWN_WORDS, len(vectors.words)))
    report = {
        "loss": loss,
        "baselines": {"chance": task.chance_loss},
        "nearest": {
            vectors.words[number]: {word: round(cosine, 4) for word, cosine in nearest}
            for number, nearest in zip(shown, vectors.nearest(shown, SHOWN_NEIGHBOURS), strict=True)
        },
    }
    with atomic_directory(directory, replace=True) as unfinished:
        save_vectors(vectors, weights, tokenizer_json(tokenizer), unfinished)
        write_evaluation(run, report, history, unfinished)
    message = (
        f"loss {loss:.4f} per pair of held-out words, {task.chance_loss:.4f} by chance; {len(vectors.words)} words"
    )
    return ModelInfo(loss=loss, metrics={"chanceLoss": task.chance_loss}, parameters=0, path=""), message
