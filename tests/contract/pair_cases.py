"""Jobs that write a text from another one, whose fields fit together or do not."""

from contract.example_job import PATH_SOURCE, UNSET, Case, Change
from contract.task_cases import (
    CLASS_WEIGHTS,
    CLASSIFICATION,
    ITEM_RECORDS,
    RECORD_FIELDS,
    SMOOTHING,
    VECTOR_FIELDS,
    WORDS,
)

TRANSLATION: Change = {
    **PATH_SOURCE,
    "spec.task": {"name": "translation"},
    "spec.model": {"name": "t5"},
    "spec.evaluation": UNSET,
}
"""The example as a job that translates."""

PAIR_CASES: tuple[Case, ...] = (
    *(
        Case(
            sentence=f"{task} with {field}",
            change={**TRANSLATION, "spec.task": {"name": task}, f"spec.{field}": value},
        )
        for task in ("translation", "summarization")
        for field, value in {**RECORD_FIELDS, **SMOOTHING, "data.columns.text": "en", "model.heads": 8}.items()
    ),
    *(
        Case(
            sentence=f"translation with {field}",
            change={**TRANSLATION, f"spec.{field}": value},
            refusal=f"spec.{field} has no effect with {others}; remove it",
        )
        for fields, others in (
            (CLASS_WEIGHTS, "tasks other than classification"),
            (ITEM_RECORDS, "tasks other than recommendation"),
            (VECTOR_FIELDS, "tasks other than word-vectors"),
            ({"evaluation.sample": {"tokens": 8}}, "tasks other than pretrain"),
            ({"data.columns.question": "asked"}, "tasks other than question-answering"),
            ({"model.kvHeads": 2, "model.contextLength": 64}, "models other than gpt"),
        )
        for field, value in fields.items()
    ),
    *(
        Case(
            sentence=f"translation by {name}",
            change={**TRANSLATION, "spec.model": {"name": name}},
            refusal="spec.model.name must be gpt with tasks pretrain and recommendation, skipgram with task word-vectors, bert with task",
        )
        for name in ("gpt", "encoder", "bert")
    ),
    Case(
        sentence="classification by t5",
        change={**CLASSIFICATION, "spec.model": {"name": "t5"}},
        refusal="spec.model.name must be gpt with tasks pretrain and recommendation",
    ),
    *(
        Case(
            sentence=f"{task} by a model from a folder",
            change={
                **TRANSLATION,
                "spec.task": {"name": task},
                "spec.model": {"from": {"volume": "models", "path": "t5"}},
            },
        )
        for task in ("translation", "summarization")
    ),
    *(
        Case(
            sentence=f"{task} of texts without tokens",
            change={**TRANSLATION, "spec.task": {"name": task}, "spec.data.maxTokens": 1},
            refusal="spec.data.maxTokens must be at least 2 with tasks translation and summarization",
        )
        for task in ("translation", "summarization")
    ),
    Case(sentence="translation of single tokens", change={**TRANSLATION, "spec.data.maxTokens": 2}),
    Case(
        sentence="translation into words",
        change={**TRANSLATION, **WORDS},
        refusal="spec.data.tokenizer.kind must be words, nltk or spacy with task word-vectors",
    ),
    *(
        Case(
            sentence=f"summarization of {format}",
            change={**TRANSLATION, "spec.task": {"name": "summarization"}, "spec.data.format": format},
            refusal="spec.data.format must be one that holds the task's records",
        )
        for format in ("Conll", "LabelFolders", "Squad")
    ),
    Case(
        sentence="a t5 whose heads cannot share its width",
        change={**TRANSLATION, "spec.model": {"name": "t5", "preset": "small", "width": 100}},
        refusal="spec.model.width must be a multiple of spec.model.heads with model t5",
    ),
    *(
        Case(
            sentence=f"the best {task} by {name}",
            change={**TRANSLATION, "spec.task": {"name": task}, "spec.evaluation": {"best": name}},
        )
        for task, name in (("translation", "chrf"), ("summarization", "rougeL"))
    ),
    Case(
        sentence="the best translation by ROUGE",
        change={**TRANSLATION, "spec.evaluation": {"best": "rougeL"}},
        refusal="spec.evaluation.best must be loss or a score of the task",
    ),
)
"""Accepted and refused jobs for every rule about pairs of texts."""
