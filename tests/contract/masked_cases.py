"""Jobs that predict masked tokens, whose fields fit the task or do not."""

from contract.example_job import UNSET, Case, Change
from contract.task_cases import ALL_RECORDS, LABELLED_RECORDS, LENGTH, WORDS

MASKED: Change = {
    "spec.task": {"name": "masked"},
    "spec.model": {"name": "bert"},
    "spec.evaluation": UNSET,
}
"""The example as a job that predicts masked tokens."""

MASKED_CASES: tuple[Case, ...] = (
    *(
        Case(sentence=f"masked tokens with {field}", change={**MASKED, f"spec.{field}": value})
        for field, value in {**LENGTH, "data.columns.text": "body", "evaluation.best": "accuracy"}.items()
    ),
    *(
        Case(
            sentence=f"masked tokens with {field}",
            change={**MASKED, f"spec.{field}": value},
            refusal=f"spec.{field} has no effect with {tasks}; remove it",
        )
        for fields, tasks in (
            (ALL_RECORDS, "tasks pretrain, masked and word-vectors"),
            (LABELLED_RECORDS, "tasks pretrain, masked, recommendation and word-vectors"),
            ({"evaluation.sample": {"tokens": 8}}, "tasks other than pretrain"),
        )
        for field, value in fields.items()
    ),
    Case(
        sentence="masked tokens with an encoder",
        change={**MASKED, "spec.model": {"name": "encoder"}},
        refusal="spec.model.name must be gpt with tasks pretrain and recommendation",
    ),
    Case(
        sentence="masked tokens that are words",
        change={**MASKED, **WORDS},
        refusal="spec.data.tokenizer.kind must be words, nltk or spacy with task word-vectors",
    ),
    Case(
        sentence="masked tokens with a model from a folder",
        change={
            "spec.task": {"name": "masked"},
            "spec.model": {"from": {"volume": "models", "path": "minilm"}},
            "spec.data.tokenizer": UNSET,
            "spec.evaluation": UNSET,
        },
    ),
)
"""Accepted and refused jobs with the task masked."""
