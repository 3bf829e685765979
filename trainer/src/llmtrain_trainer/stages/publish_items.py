"""What is published of a recommender: its scores for the last item of every user beside those of two trivial ones, and a folder."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.run_config import RunConfig
from llmtrain_api.termination import ModelInfo
from llmtrain_trainer.atomic_directory import atomic_directory
from llmtrain_trainer.checkpoint.history import History
from llmtrain_trainer.data.item_dataset import ItemDataset
from llmtrain_trainer.data.labelled_dataset import PADDING
from llmtrain_trainer.data.tokenizer import END_OF_TEXT, END_OF_TEXT_ID, load_tokenizer, tokenizer_json
from llmtrain_trainer.distributed.collectives import SingleProcess
from llmtrain_trainer.metrics.baselines import NextItem
from llmtrain_trainer.metrics.metric import score
from llmtrain_trainer.models.huggingface import export
from llmtrain_trainer.stages.evaluation_file import judged_scores, write_evaluation
from llmtrain_trainer.training.recommendation import RecommendationTask


def publish_model(run: RunConfig, task: RecommendationTask, directory: Path, history: History) -> tuple[ModelInfo, str]:
    """Replace the export in `directory`; return the scores of the model, and a sentence about them."""
    rows_SC, losses_S = task.judge(list(range(len(task.dataset.held_out))), SingleProcess())
    loss, judged = float(losses_S.mean()), judged_scores(run, task.metric, rows_SC)
    scores = judged.scores
    popular, following = (score(task.metric, rows) for rows in baseline_rows(task.dataset))
    report = {
        "samples": len(losses_S),
        "loss": loss,
        **judged.document(),
        "baselines": {"mostPopular": popular, "mostFrequentNext": following},
    }
    settings = {"task": run.task.name, "precision": run.training.precision}
    with atomic_directory(directory, replace=True) as unfinished:
        text = tokenizer_json(load_tokenizer(task.dataset.directory))
        export(task.model, text, unfinished, end_of_text=END_OF_TEXT, end_of_text_id=END_OF_TEXT_ID, settings=settings)
        write_evaluation(run, report, history, unfinished)
    metrics = {
        **scores,
        **{f"popular{name[:1].upper()}{name[1:]}": value for name, value in popular.items()},
        **{f"next{name[:1].upper()}{name[1:]}": value for name, value in following.items()},
    }
    message = (
        f"hit rate at {task.metric.k} {scores['hitRate']:.4f} for the last items of {len(losses_S)} users; of the most popular "
        f"items {popular['hitRate']:.4f}, of those that most often come next {following['hitRate']:.4f}"
    )
    return ModelInfo(loss=loss, metrics=metrics, parameters=0, path=""), message


def baseline_rows(dataset: ItemDataset) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the rows of two trivial recommenders: the most popular items, and those that most often come next."""
    counts = np.array(dataset.counts)
    counts[PADDING] = -1  # below all items
    model = NextItem.of(dataset.tokens, dataset.offsets, counts)
    popular, following = (
        each.ranks(dataset.tokens, dataset.offsets, dataset.held_out) for each in (model.most_popular, model)
    )
    return popular, following
