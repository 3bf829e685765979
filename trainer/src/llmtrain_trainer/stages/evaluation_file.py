"""`evaluation.json` beside a published model: how good it is on held-out samples, and on those with each value of a column."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.checkpoint.history import History
from llmtrain_trainer.data.labelled_dataset import read_slices
from llmtrain_trainer.metrics.bootstrap import Interval, intervals
from llmtrain_trainer.metrics.metric import Floats, Metric, score
from llmtrain_trainer.metrics.slices import Slice, slices, worst_slice
from llmtrain_trainer.stages.evaluation_page import evaluation_page

EVALUATION_FILE, EVALUATION_PAGE = "evaluation.json", "evaluation.html"


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Scores of a model with their intervals."""

    scores: Mapping[str, float]
    intervals: Mapping[str, Interval]
    slices: Mapping[str, Sequence[Slice]] = field(default_factory=dict)
    """Those of the samples with each value of a column, by its name."""

    def document(self) -> dict[str, Any]:
        """Return what `evaluation.json` has of them."""
        found: dict[str, Any] = {"scores": self.scores, "intervals": _pairs(self.intervals)}
        if self.slices:
            found["slices"] = {
                column: list(map(_slice_document, of_column)) for column, of_column in self.slices.items()
            }
        return found

    def worst(self, name: str) -> str:
        """Return sentences, after a semicolon each, about the slices of each column that have the worst score of a name."""
        found = ((column, worst_slice(of_column, name)) for column, of_column in self.slices.items())
        return "".join(
            f"; by '{column}' it is the worst on {worst.name} with {worst.scores[name]:.4f} on {worst.samples} samples"
            for column, worst in found
            if worst is not None
        )


def judged_scores(
    run: RunConfig, metric: Metric, rows_SC: Floats, directory: Path | None = None, numbers: Sequence[int] | None = None
) -> Scores:
    """Return the scores of samples from their rows, and those of the slices that the job asks for.

    `directory` is that of the dataset; the samples are the held-out records with some `numbers`, or all of them. Rows are the
    same bits at any number of ranks, and so is all that follows from them.
    """
    seed = run.training.seed
    columns = read_slices(directory) if directory is not None and run.evaluation.slices else []
    return Scores(
        scores=score(metric, rows_SC),
        intervals=intervals(metric, rows_SC, seed=seed),
        slices={
            name: slices(
                metric, rows_SC, values if numbers is None else [values[number] for number in numbers], seed=seed
            )
            for name, values in zip(run.evaluation.slices, columns, strict=True)
        },
    )


def write_evaluation(run: RunConfig, report: Mapping[str, Any], history: History, directory: Path) -> None:
    """Write the file, and its page, into the directory of a model; `history` is that of its training."""
    curves = {name: {"interval": curve.interval, "points": curve.points} for name, curve in history.items()}
    report = {**report, **({"history": curves} if curves else {})}
    (directory / EVALUATION_PAGE).write_text(evaluation_page(report, job=run.job, task=run.task.name))
    (directory / EVALUATION_FILE).write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")


def _slice_document(each: Slice) -> dict[str, Any]:
    """Return a slice of one value, or of as many as `otherValues` says."""
    name = {"otherValues": each.other_values} if each.other_values else {"value": each.value}
    return {**name, "samples": each.samples, "scores": each.scores, "intervals": _pairs(each.intervals)}


def _pairs(intervals: Mapping[str, Interval]) -> dict[str, list[float]]:
    return {name: [interval.low, interval.high] for name, interval in intervals.items()}
