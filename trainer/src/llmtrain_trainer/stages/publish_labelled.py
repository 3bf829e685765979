"""What is published of a network for labelled sequences: its scores on all held-out samples beside a baseline, and a folder."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from pydantic.alias_generators import to_camel

from llmtrain_api.run_config import RunConfig
from llmtrain_api.termination import ModelInfo
from llmtrain_trainer.atomic_directory import atomic_directory
from llmtrain_trainer.checkpoint.history import History
from llmtrain_trainer.data.tokenizer import END_OF_TEXT, load_tokenizer, tokenizer_json
from llmtrain_trainer.distributed.collectives import SingleProcess
from llmtrain_trainer.metrics.metric import score
from llmtrain_trainer.models.classifier import Classifier, sizes_for
from llmtrain_trainer.models.classifier_folder import ClassifierConfig, save_classifier, sizes_document
from llmtrain_trainer.models.model_folder import folder_of
from llmtrain_trainer.stages.evaluation_file import judged_scores, write_evaluation
from llmtrain_trainer.stages.vector_coverage import vector_coverage
from llmtrain_trainer.training.explaining import Explanation
from llmtrain_trainer.training.labelled_learner import LabelledLearner


def publish_model(run: RunConfig, task: LabelledLearner, directory: Path, history: History) -> tuple[ModelInfo, str]:
    """Replace the export in `directory`; return the scores of the model, and a sentence about them."""
    objective = task.objective
    judged, baseline = (
        task.judge(list(range(len(task.dataset.held_out))), SingleProcess()),
        objective.baseline(task.dataset),
    )
    of_model = judged_scores(run, objective.metric, judged.rows, task.dataset.directory)
    scores, of_baseline = of_model.scores, score(objective.metric, baseline.rows)
    reported = task.reported(scores) | {
        f"{baseline.name}{name[:1].upper()}{name[1:]}": of_baseline[name]
        for name in baseline.compared
        if name in of_baseline
    }
    report = {
        "samples": len(judged.rows),
        "loss": judged.loss,
        **of_model.document(),
        "baselines": {baseline.name: of_baseline},
        **objective.details(judged.rows),
        **(
            {"explained": list(map(_explained, task.explain(run.evaluation.explain)))} if run.evaluation.explain else {}
        ),
    }
    with atomic_directory(directory, replace=True) as unfinished:
        text = tokenizer_json(load_tokenizer(task.dataset.directory))
        _save(run, task, text, unfinished)
        write_evaluation(run, report, history, unfinished)
    name = objective.reported[0]
    message = (
        f"{name} {scores.get(name, math.nan):.4f} on {len(judged.rows)} held-out samples; of the baseline {baseline.name} "
        f"{of_baseline[name]:.4f}{of_model.worst(name)}"
    )
    vectors = vector_coverage(run, task.dataset.info.id)
    return ModelInfo(loss=judged.loss, metrics=reported, vectors=vectors, parameters=0, path=""), message


def _explained(each: Explanation) -> dict[str, Any]:
    return {to_camel(name): value for name, value in asdict(each).items()}


def _save(run: RunConfig, task: LabelledLearner, tokenizer_json: str, directory: Path) -> None:
    labels = task.objective.labels
    use = {
        "task": run.task.name,
        "vocab_size": task.dataset.info.vocab_size,
        "labels": list(labels.names) or None,
        "label_mean": labels.label_mean,
        "label_deviation": labels.label_deviation,
        "unanswerable": labels.unanswerable,
        "question_column": run.data.columns.question if run.task.name == "question-answering" else "",
        "max_tokens": run.data.max_tokens,
        "text_column": run.data.columns.text,
        "precision": run.training.precision,
    }
    if isinstance(task.model, Classifier):
        save_classifier(task.model, _config(run, use), tokenizer_json, directory)
        return
    from llmtrain_trainer.models.pretrained import PretrainedClassifier
    from llmtrain_trainer.models.pretrained_folder import ClassifierUse, save_pretrained_classifier

    save_pretrained_classifier(
        cast(PretrainedClassifier, task.model),
        ClassifierUse.model_validate(use),
        tokenizer_json,
        directory,
        source=folder_of(run).directory if run.model.source else None,
        special_tokens={"pad_token": END_OF_TEXT},
    )


def _config(run: RunConfig, use: Mapping[str, object]) -> ClassifierConfig:
    return ClassifierConfig.model_validate(
        {**use, "architecture": run.model.name, "sizes": sizes_document(sizes_for(run.model))}
    )
