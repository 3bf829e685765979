"""What is published of a model of masked tokens: its scores beside those of the most frequent token, and a folder."""

import math
from pathlib import Path
from typing import cast

from llmtrain_api.run_config import RunConfig
from llmtrain_api.termination import ModelInfo
from llmtrain_trainer.atomic_directory import atomic_directory
from llmtrain_trainer.checkpoint.history import History
from llmtrain_trainer.data.tokenizer import END_OF_TEXT, MASK, load_tokenizer, tokenizer_json
from llmtrain_trainer.distributed.collectives import SingleProcess
from llmtrain_trainer.metrics.masked import MaskedTokens
from llmtrain_trainer.metrics.metric import score
from llmtrain_trainer.models.model_folder import folder_of
from llmtrain_trainer.models.pretrained import PretrainedClassifier
from llmtrain_trainer.models.pretrained_folder import ClassifierUse, save_pretrained_classifier
from llmtrain_trainer.stages.evaluation_file import judged_scores, write_evaluation
from llmtrain_trainer.stages.publish_text import EVALUATED_TOKENS, perplexity_of
from llmtrain_trainer.training.masked_language import MaskedLanguageTask


def publish_model(run: RunConfig, task: MaskedLanguageTask, directory: Path, history: History) -> tuple[ModelInfo, str]:
    """Replace the export in `directory`; return the scores of the model, and a sentence about them."""
    metric, rows = MaskedTokens(), task.judge(SingleProcess(), lambda: None, EVALUATED_TOKENS)
    judged, unigram_loss = judged_scores(run, metric, rows), task.dataset.info.unigram_loss
    scores = judged.scores
    of_baseline = {"accuracy": score(metric, task.most_frequent_rows(EVALUATED_TOKENS)).get("accuracy", 0.0)}
    report = {
        "samples": len(rows),
        **judged.document(),
        "baselines": {"mostFrequent": of_baseline, "unigram": {"perplexity": perplexity_of(unigram_loss)}},
    }
    use = ClassifierUse(
        task="masked",
        vocab_size=task.dataset.info.vocab_size,
        max_tokens=run.data.max_tokens,
        text_column=run.data.columns.text,
        precision=run.training.precision,
    )
    with atomic_directory(directory, replace=True) as unfinished:
        save_pretrained_classifier(
            cast(PretrainedClassifier, task.model),
            use,
            tokenizer_json(load_tokenizer(task.dataset.directory)),
            unfinished,
            source=folder_of(run).directory if run.model.source else None,
            special_tokens={"pad_token": END_OF_TEXT, "mask_token": MASK},
        )
        write_evaluation(run, report, history, unfinished)
    info = ModelInfo(
        loss=scores.get("loss", math.nan),
        perplexity=scores.get("perplexity", math.inf),
        unigram_perplexity=perplexity_of(unigram_loss),
        metrics={"accuracy": scores.get("accuracy", 0.0), "mostFrequentAccuracy": of_baseline["accuracy"]},
        parameters=0,
        path="",
    )
    message = (
        f"accuracy {scores.get('accuracy', math.nan):.4f} of masked tokens on held-out text; of the baseline mostFrequent "
        f"{of_baseline['accuracy']:.4f}"
    )
    return info, message
