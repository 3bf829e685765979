"""What is published of a language model: its perplexity, a folder for Hugging Face's libraries, and a sample of text."""

import math
from pathlib import Path

from tokenizers import Tokenizer

from llmtrain_api.run_config import RunConfig
from llmtrain_api.termination import ModelInfo
from llmtrain_trainer.atomic_directory import atomic_directory
from llmtrain_trainer.checkpoint.history import History
from llmtrain_trainer.data.tokenizer import (
    END_OF_TEXT,
    END_OF_TEXT_ID,
    load_tokenizer,
    token_bytes,
    tokenizer_json,
)
from llmtrain_trainer.metrics.metric import score
from llmtrain_trainer.metrics.perplexity import Perplexity
from llmtrain_trainer.models.generate import generate
from llmtrain_trainer.models.huggingface import export
from llmtrain_trainer.stages.evaluation_file import judged_scores, write_evaluation
from llmtrain_trainer.training.gpt_task import GPTTask

EVALUATED_TOKENS = 2**16
"""Held-out tokens of the final evaluation."""
MAX_SAMPLE_CHARACTERS = 1200


def publish_model(run: RunConfig, task: GPTTask, directory: Path, history: History) -> tuple[ModelInfo, str]:
    """Replace the export in `directory`; return the figures of the model, and a sentence about them."""
    metric, tokenizer = Perplexity(), load_tokenizer(task.dataset.directory)
    rows_SC = task.judge(EVALUATED_TOKENS, token_bytes(tokenizer))
    losses, tokens, size_bytes = rows_SC.sum(axis=0).tolist()
    loss, unigram_loss = losses / tokens, task.dataset.info.unigram_loss
    perplexity, unigram = perplexity_of(loss), perplexity_of(unigram_loss)
    sample = _sample(run, task, tokenizer) if math.isfinite(loss) else ""
    report = {
        "samples": len(rows_SC),
        **judged_scores(run, metric, rows_SC).document(),
        "baselines": {"unigram": score(metric, metric.rows([unigram_loss * tokens], [tokens], [size_bytes]))},
        "sample": sample,
    }
    with atomic_directory(directory, replace=True) as unfinished:
        text = tokenizer_json(tokenizer)
        export(task.model, text, unfinished, end_of_text=END_OF_TEXT, end_of_text_id=END_OF_TEXT_ID)
        write_evaluation(run, report, history, unfinished)
    info = ModelInfo(
        loss=loss,
        perplexity=perplexity,
        unigram_perplexity=unigram,
        parameters=0,
        path="",
        sample=sample,
    )
    return info, f"perplexity {perplexity:.1f} on held-out text; by token frequencies {unigram:.1f}"


def perplexity_of(loss: float) -> float:
    """Return the perplexity of a loss in nats per token; infinity where it exceeds the range of floats."""
    try:
        return math.exp(loss)
    except OverflowError:
        return math.inf


def _sample(run: RunConfig, task: GPTTask, tokenizer: Tokenizer) -> str:
    text = generate(task.model, tokenizer, run.evaluation.sample, seed=run.training.seed, end_of_text_id=END_OF_TEXT_ID)
    return text[:MAX_SAMPLE_CHARACTERS]
