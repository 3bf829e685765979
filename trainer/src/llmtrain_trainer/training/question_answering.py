"""The task question-answering: cross-entropy of the first and the last token of the answer, and SQuAD's scores.

Letters of shape suffixes: B sequences, L positions, S sequences of several questions.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from llmtrain_trainer.data.decoding import repair
from llmtrain_trainer.data.encoding import Encoding
from llmtrain_trainer.data.labelled_dataset import LabelledDataset, LabelledSamples
from llmtrain_trainer.data.labels import LabelSet
from llmtrain_trainer.data.question_windows import Window
from llmtrain_trainer.data.questions import Question
from llmtrain_trainer.metrics.metric import Floats
from llmtrain_trainer.metrics.squad import Squad
from llmtrain_trainer.training.objective import Baseline, Input, LearnedAsJudged

MAX_ANSWER_TOKENS = 64
"""The longest answer that is given."""


class Span(NamedTuple):
    """The most probable answer in a window."""

    start: int
    last: int
    score: float
    """The sum of the logits of its first and its last token."""
    no_answer: float
    """The same for no answer."""


@dataclass(frozen=True)
class QuestionAnsweringObjective(LearnedAsJudged):
    """A part of the context for each question. Implements `Objective`.

    A sample is a window of a context. The answer to a question is the span with the highest sum of the logits of its first
    and its last token in all windows; there is none if "no answer" has a higher score in all of them, and if there are
    questions without an answer to train on.
    """

    labels: LabelSet
    after: int = 0
    """Special tokens at the end of each window."""
    outputs: ClassVar[int] = 2
    """A logit for the first and one for the last token of the answer."""
    metric: ClassVar[Squad] = Squad()
    columns: ClassVar[int] = 4
    reported: ClassVar[Sequence[str]] = ("exactMatch", "f1")

    def terms(self, dataset: LabelledDataset) -> int:
        """Return the number of windows to train on: each is a term of the loss."""
        return len(dataset.training)

    def chosen(self, samples: LabelledSamples, count: int) -> list[int]:
        """Return about `count` windows: all those of some questions, spread evenly, at least of one."""
        first = np.flatnonzero(samples.labels[:, 2] == 0)
        questions = max(1, min(len(first), count * len(first) // len(samples)))
        stops = [*first[1:].tolist(), len(samples)]
        picked = [number * len(first) // questions for number in range(questions)]
        return [window for number in picked for window in range(first[number], stops[number])]

    def targets(self, samples: LabelledSamples, numbers: Sequence[int]) -> Tensor:
        """Return first and last token of the answer, the first token of the context, and the length (B, 4) int64."""
        labels = samples.labels[list(numbers)].astype(np.int64)
        return torch.from_numpy(np.stack([labels[:, 0], labels[:, 1], labels[:, 3], samples.lengths(numbers)], axis=1))

    def losses(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean of both cross-entropies of each window in nats (B,), and one term for each."""
        logits_BL2 = self._allowed(outputs, targets[:, 2], targets[:, 3])
        both = [
            functional.cross_entropy(logits_BL2[:, :, which], targets[:, which], reduction="none") for which in (0, 1)
        ]
        return (both[0] + both[1]) / 2, torch.ones_like(targets[:, 0])

    def rows(self, outputs: Tensor, targets: Tensor) -> Floats:
        """Return the most probable answer of each window (B, 4): see `Span`."""
        return np.array(self._spans(outputs, targets[:, 2], targets[:, 3]), dtype=np.float64)

    def scored(self, samples: LabelledSamples, numbers: Sequence[int], rows_SC: Floats) -> Floats:
        """Return the rows of the metric, one for each question."""
        first = np.flatnonzero(samples.labels[:, 2] == 0)
        of_windows = (np.searchsorted(first, np.asarray(numbers), side="right") - 1).tolist()
        answers, accepted = list[str](), list[list[str]]()
        for number, windows in itertools.groupby(
            zip(of_windows, numbers, rows_SC.tolist(), strict=True), lambda row: row[0]
        ):
            question = samples.questions.question(number)
            candidates = [self._candidate(samples, window, row) for _, window, row in windows]
            answers.append(self._best(question.context, candidates))
            accepted.append([answer.text for answer in question.answers])
        return self.metric.rows(answers, accepted)

    def baseline(self, dataset: LabelledDataset) -> Baseline:
        """Return what is reached without any answer."""
        questions = [dataset.held_out.questions.question(number) for number in range(len(dataset.held_out.questions))]
        accepted = [[answer.text for answer in question.answers] for question in questions]
        return Baseline("noAnswer", self.metric.rows([""] * len(accepted), accepted), ("exactMatch", "f1"))

    def details(self, rows_SC: Floats) -> Mapping[str, Any]:
        """Return whether the model may answer that there is no answer."""
        return {"unanswerable": self.labels.unanswerable}

    def text(self, values: Sequence[object]) -> str | None:
        """Return the document of a question, from a context and a question; None if one of them is missing."""
        context, asked = (repair(value)[0] if isinstance(value, str) else "" for value in values)
        question = Question(question=" ".join(asked.split()), context=context)
        return question.text if context.strip() and question.question else None

    def inputs(self, encoding: Encoding, text: str, max_tokens: int) -> list[Input]:
        """Return the windows of a question."""
        question = Question.of(text)
        return [
            Input(np.array(window.tokens, dtype=encoding.dtype), window=window, context=question.context)
            for window in encoding.windows(question, max_tokens)
        ]

    def answers(self, outputs: Tensor, inputs: Sequence[Input]) -> list[tuple[str, "Candidate"]]:
        """Return the context and the most probable answer of each window."""
        first_B, lengths_B = (
            torch.tensor(values, device=outputs.device)
            for values in ([_window(each).first for each in inputs], [len(each.tokens) for each in inputs])
        )
        return [
            (each.context, Candidate(span, _window(each).characters_of(span.start, span.last)))
            for each, span in zip(inputs, self._spans(outputs, first_B, lengths_B), strict=True)
        ]

    def merge(self, answers: Sequence[tuple[str, "Candidate"]]) -> dict[str, Any]:
        """Return the answer to a question from those in its windows; empty if there is none."""
        return {"prediction": self._best(answers[0][0], [candidate for _, candidate in answers])}

    def _candidate(self, samples: LabelledSamples, window: int, row: Sequence[float]) -> "Candidate":
        span = Span(int(row[0]), int(row[1]), row[2], row[3])
        return Candidate(span, samples.questions.characters_of(int(samples.offsets[window]), span.start, span.last))

    def _best(self, context: str, candidates: Sequence["Candidate"]) -> str:
        """Return the answer with the highest score of all windows of a question."""
        best = max(candidates, key=lambda candidate: candidate.span.score)
        no_answer = min(candidate.span.no_answer for candidate in candidates)
        if self.labels.unanswerable and no_answer > best.span.score:
            return ""
        start, stop = best.characters
        return context[start:stop].strip()

    def _spans(self, outputs: Tensor, first_B: Tensor, lengths_B: Tensor) -> list[Span]:
        """Return the most probable answer of each window."""
        logits_BL2 = self._allowed(outputs, first_B, lengths_B)
        ends_BLA = functional.pad(logits_BL2[:, :, 1], (0, MAX_ANSWER_TOKENS - 1), value=-torch.inf).unfold(
            1, MAX_ANSWER_TOKENS, 1
        )
        scores_BLA = logits_BL2[:, :, None, 0] + ends_BLA
        scores_BLA[:, 0] = -torch.inf
        scores_BS = scores_BLA.flatten(1).cpu().numpy()
        best_B, no_answer_B = scores_BS.argmax(axis=1), logits_BL2[:, 0].sum(-1).cpu().numpy()
        return [
            Span(
                int(best // MAX_ANSWER_TOKENS),
                int(best // MAX_ANSWER_TOKENS + best % MAX_ANSWER_TOKENS),
                float(scores[best]),
                float(no_answer),
            )
            for best, scores, no_answer in zip(best_B, scores_BS, no_answer_B, strict=True)
        ]

    def _allowed(self, outputs: Tensor, first_B: Tensor, lengths_B: Tensor) -> Tensor:
        """Return the logits (B, L, 2) without those of the question, of special tokens after the context, and of padding."""
        position_L = torch.arange(outputs.shape[1], device=outputs.device)
        in_window_BL = (position_L >= first_B[:, None]) & (position_L < lengths_B[:, None] - self.after)
        return outputs.masked_fill(~(in_window_BL | (position_L == 0))[:, :, None], -torch.inf)


class Candidate(NamedTuple):
    """The most probable answer in a window."""

    span: Span
    characters: tuple[int, int]
    """Where it begins and ends in the context."""


def _window(each: Input) -> Window:
    assert each.window is not None
    return each.window
