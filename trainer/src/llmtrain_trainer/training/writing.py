"""What the tasks translation and summarization differ in: the scores of what a model writes, and the trivial method beside it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from llmtrain_trainer.metrics.baselines import first_words
from llmtrain_trainer.metrics.rouge import Rouge
from llmtrain_trainer.metrics.translation import Translation


@dataclass(frozen=True, kw_only=True)
class Writing:
    """How written texts are judged."""

    metric: Translation | Rouge
    reported: Sequence[str]
    """The scores that the status has, the first one in sentences."""
    baseline: str
    """The name of the trivial method."""
    trivial: Callable[[str, int], str]
    """Returns what that writes for a source, where targets have a number of words on average."""


WRITINGS: Mapping[str, Writing] = {
    "translation": Writing(
        metric=Translation(), reported=("chrf", "bleu"), baseline="copy", trivial=lambda source, words: source
    ),
    "summarization": Writing(
        metric=Rouge(), reported=("rougeL", "rouge1", "rouge2"), baseline="firstWords", trivial=first_words
    ),
}
"""By the name of the task."""
