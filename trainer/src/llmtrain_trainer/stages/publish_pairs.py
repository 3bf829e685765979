"""What is published of an encoder-decoder: its loss and scores on held-out pairs beside a baseline, and a folder."""

import math
from pathlib import Path

from llmtrain_api.run_config import RunConfig
from llmtrain_api.termination import ModelInfo
from llmtrain_trainer.atomic_directory import atomic_directory
from llmtrain_trainer.checkpoint.history import History
from llmtrain_trainer.data.tokenizer import END_OF_TEXT, load_tokenizer, tokenizer_json
from llmtrain_trainer.distributed.collectives import SingleProcess
from llmtrain_trainer.metrics.metric import score
from llmtrain_trainer.models.model_folder import folder_of
from llmtrain_trainer.models.seq2seq_folder import Seq2SeqUse, save_seq2seq
from llmtrain_trainer.stages.evaluation_file import judged_scores, write_evaluation
from llmtrain_trainer.training.judging import spread_evenly
from llmtrain_trainer.training.pair_learner import PairLearner

MAX_WRITTEN = 4096
"""Held-out pairs whose targets are written, spread evenly."""


def publish_model(run: RunConfig, task: PairLearner, directory: Path, history: History) -> tuple[ModelInfo, str]:
    """Replace the export in `directory`; return the scores of the model, and a sentence about them."""
    writing, count = task.writing, len(task.dataset.held_out)
    numbers = spread_evenly(count, MAX_WRITTEN)
    loss = task.judge_loss(list(range(count)), SingleProcess())
    rows = task.judge_written(numbers, SingleProcess())
    judged = judged_scores(run, writing.metric, rows, task.dataset.directory, numbers)
    scores, trivial = judged.scores, score(writing.metric, task.trivial_rows(numbers))
    reported = {name: scores[name] for name in writing.reported} | {"perplexity": math.exp(min(loss, 700.0))}
    of_baseline = {f"{writing.baseline}{name[:1].upper()}{name[1:]}": trivial[name] for name in writing.reported}
    report = {
        "samples": count,
        "written": len(numbers),
        "loss": loss,
        **judged.document(),
        "baselines": {writing.baseline: trivial},
    }
    use = Seq2SeqUse(
        task=run.task.name,
        max_tokens=run.data.max_tokens,
        max_written_tokens=task.longest_target,
        text_column=run.data.columns.text,
        precision=run.training.precision,
    )
    with atomic_directory(directory, replace=True) as unfinished:
        text = tokenizer_json(load_tokenizer(task.dataset.directory))
        source = folder_of(run).directory if run.model.source else None
        save_seq2seq(task.model, use, text, unfinished, source=source, end_of_text=END_OF_TEXT)
        write_evaluation(run, report, history, unfinished)
    name = writing.reported[0]
    message = f"{name} {scores[name]:.4f} on {len(numbers)} held-out pairs; of the baseline {writing.baseline} {trivial[name]:.4f}"
    message += judged.worst(name)
    return ModelInfo(loss=loss, metrics=reported | of_baseline, parameters=0, path=""), message
