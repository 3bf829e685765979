"""Records without personal data: their texts, and labels that are texts or parts of them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from llmtrain_trainer.data.labels import LabelKind
from llmtrain_trainer.data.personal_data import BUILT_IN, PersonalMasking, mask, mask_words, place_after
from llmtrain_trainer.data.questions import Answer, Question


def mask_record(
    text: str, label: str, kind: LabelKind, masking: PersonalMasking = BUILT_IN
) -> tuple[str, str, Mapping[str, int]]:
    """Return the text and the label of a record, and how often each kind of personal data was masked in them.

    Labels are masked if they are texts to write. Words with tags stay as many.
    """
    masked = mask_words(text, masking) if kind == "tags" else mask(text, masking)
    if kind != "text":
        return masked.text, label, masked.counts
    written = mask(label, masking)
    return masked.text, written.text, Counter(masked.counts) + Counter(written.counts)


def mask_question(question: Question, masking: PersonalMasking = BUILT_IN) -> tuple[Question, Mapping[str, int]]:
    """Return a question whose answers are where they were in the masked context; one within personal data is a placeholder."""
    asked, read = mask(question.question, masking), mask(question.context, masking)
    answers = []
    for answer in question.answers:
        start = place_after(question.context, answer.start, masking)
        stop = place_after(question.context, answer.start + len(answer.text), masking, stop=True)
        answers.append(Answer(read.text[start:stop], start))
    masked = replace(question, question=asked.text, context=read.text, answers=tuple(answers))
    return masked, Counter(asked.counts) + Counter(read.counts)
