"""Jobs whose formats, columns, tokenizer and other settings of the data fit the task or do not."""

from contract.example_job import OWN, Case, Change
from contract.task_cases import CLASSIFICATION, RECOMMENDATION, WORD_VECTORS

COLUMN_NAMES = ("text", "question", "label", "user", "item", "time")
"""All keys of spec.data.columns, each of which is its own default."""
CONLL: Change = {**CLASSIFICATION, "spec.task": {"name": "tagging"}, "spec.data.format": "Conll"}
"""The example as a job that tags words."""

DATA_CASES: tuple[Case, ...] = (
    *(
        Case(
            sentence=f"directories that are labels with columns.{column}",
            change={**CLASSIFICATION, "spec.data.format": "LabelFolders", f"spec.data.columns.{column}": "body"},
            refusal=f"spec.data.columns.{column} has no effect with format LabelFolders; remove it",
        )
        for column in ("text", "label")
    ),
    Case(sentence="tagging of CoNLL files", change=CONLL),
    *(
        Case(
            sentence=f"CoNLL files with a column of {field}",
            change={**CONLL, f"spec.data.columns.{field}": "words"},
            refusal=f"spec.data.columns.{field} has no effect with format Conll; remove it",
        )
        for field in ("text", "label")
    ),
    *(
        Case(
            sentence=f"{task} of {format}",
            change={**CLASSIFICATION, "spec.task": {"name": task}, "spec.data.format": format},
            refusal="spec.data.format must be one that holds the task's records",
        )
        for task, format in (
            ("classification", "Conll"),
            ("regression", "Squad"),
            ("tagging", "LabelFolders"),
            ("tagging", "Squad"),
            ("question-answering", "Csv"),
            ("question-answering", "LabelFolders"),
            ("question-answering", "Conll"),
            ("question-answering", "Parallel"),
            ("classification", "Gettext"),
            ("tagging", "Trees"),
        )
    ),
    *(
        Case(
            sentence=f"{task} of {format} files",
            change={**CLASSIFICATION, "spec.task": {"name": task}, "spec.data.format": format},
        )
        for task, format in (
            ("regression", "LabelFolders"),
            ("tagging", "Tsv"),
            ("question-answering", "Squad"),
            ("classification", "Trees"),
            ("tagging", "Parallel"),
        )
    ),
    Case(
        sentence="answers in lines of JSON, of whose fields all have names",
        change={
            **CLASSIFICATION,
            "spec.task": {"name": "question-answering"},
            "spec.data.format": "Jsonl",
            "spec.data.columns": {"text": "context", "question": "asked", "label": "answers"},
        },
    ),
    Case(
        sentence="answers in windows that have no room for a question",
        change={**CLASSIFICATION, "spec.task": {"name": "question-answering"}, "spec.data.maxTokens": 15},
        refusal="spec.data.maxTokens must be at least 16 with task question-answering",
    ),
    Case(
        sentence="classification with a column of questions",
        change={**CLASSIFICATION, "spec.data.columns.question": "asked"},
        refusal="spec.data.columns.question has no effect with tasks other than question-answering; remove it",
    ),
    *(
        Case(
            sentence=f"{task} with columns that an earlier version stored in the job",
            change={**change, "spec.data.columns": {name: name for name in COLUMN_NAMES}},
        )
        for task, change in (("pretraining", {}), ("classification", CLASSIFICATION), ("a program", OWN))
    ),
    *(
        Case(
            sentence=f"{task} with a column that no task uses",
            change={**change, "spec.task": {"name": task}, "spec.data.columns": {"body": "body"}},
            refusal=f"spec.data.columns must have no other keys than {columns} with task",
        )
        for tasks, change, columns in (
            (("pretrain",), {}, "text"),
            (("word-vectors",), WORD_VECTORS, "text"),
            (("classification", "regression", "tagging"), CLASSIFICATION, "text and label"),
            (("question-answering",), CLASSIFICATION, "text, question and label"),
            (("translation", "summarization"), {**CLASSIFICATION, "spec.model": {"name": "t5"}}, "text and label"),
            (("recommendation",), RECOMMENDATION, "user, item and time"),
        )
        for task in tasks
    ),
    Case(
        sentence="a column in capitals beside one that is known",
        change={**CLASSIFICATION, "spec.data.columns": {"text": "review", "Label": "stars"}},
        refusal="spec.data.columns must have no other keys than text and label",
    ),
    Case(
        sentence="a program with a column that no task uses",
        change={**OWN, "spec.data.columns": {"body": "body"}},
        refusal="spec.data.columns has no effect with spec.entrypoint; remove it",
    ),
    *(
        Case(
            sentence=f"SQuAD files with a column of {field}",
            change={
                **CLASSIFICATION,
                "spec.task": {"name": "question-answering"},
                "spec.data.format": "Squad",
                f"spec.data.columns.{field}": "name",
            },
            refusal=f"spec.data.columns.{field} has no effect with format Squad; remove it",
        )
        for field in ("question", "text", "label")
    ),
    *(
        Case(
            sentence=f"pieces of words with {task}",
            change={
                **CLASSIFICATION,
                "spec.task": {"name": task},
                "spec.data.tokenizer": {"kind": "wordpiece", "vocabSize": 300},
            },
        )
        for task in ("classification", "regression", "tagging", "question-answering")
    ),
    Case(
        sentence="pretraining on pieces of words",
        change={"spec.data.tokenizer": {"kind": "wordpiece"}},
        refusal="spec.data.tokenizer.kind must be words, nltk or spacy with task word-vectors",
    ),
    Case(
        sentence="pieces of words that occur often",
        change={**CLASSIFICATION, "spec.data.tokenizer": {"kind": "wordpiece", "minCount": 2}},
        refusal="spec.data.tokenizer.minCount has no effect with kinds other than words, nltk and spacy; remove it",
    ),
    *(
        Case(
            sentence=f"{task} with words of {kind}",
            change={
                **CLASSIFICATION,
                "spec.task": {"name": task},
                "spec.data.tokenizer": {"kind": kind, "minCount": 2},
            },
        )
        for task in ("classification", "regression")
        for kind in ("nltk", "spacy")
    ),
    Case(
        sentence="tags of spaCy's words",
        change={
            **CLASSIFICATION,
            "spec.task": {"name": "tagging"},
            "spec.data.tokenizer": {"kind": "spacy"},
        },
        refusal="spec.data.tokenizer.kind must be words, nltk or spacy with task word-vectors",
    ),
    Case(
        sentence="patterns for personal data",
        change={"spec.data.personalData": "Mask", "spec.data.personalPatterns": ["CUSTOMER=KD-[0-9]{6}", "X=."]},
    ),
    Case(
        sentence="patterns for personal data that are kept",
        change={"spec.data.personalPatterns": ["CUSTOMER=KD-[0-9]{6}"]},
        refusal="spec.data.personalPatterns has no effect with spec.data.personalData Keep; remove it",
    ),
    Case(
        sentence="questions without near copies",
        change={
            **CLASSIFICATION,
            "spec.task": {"name": "question-answering"},
            "spec.data.duplicates": "DropNear",
        },
        refusal="spec.data.duplicates must be Drop or Keep with task question-answering",
    ),
    *(
        Case(
            sentence=f"{format} with a column of {field}",
            change={**CLASSIFICATION, **change, "spec.data.format": format, f"spec.data.columns.{field}": "name"},
            refusal=f"spec.data.columns.{field} has no effect with format {format}; remove it",
        )
        for field in ("text", "label")
        for format, change in (
            ("Trees", {}),
            ("Gettext", {"spec.task": {"name": "translation"}, "spec.model": {"name": "t5"}}),
        )
    ),
    Case(
        sentence="a percentage beside records that are held out",
        change={**CLASSIFICATION, "spec.data.heldOut": {"path": "test"}, "spec.data.heldOutPercent": 10},
        refusal="spec.data.heldOutPercent has no effect with spec.data.heldOut; remove it",
    ),
    Case(
        sentence="held-out records out of the volume",
        change={**CLASSIFICATION, "spec.data.heldOut": {"path": "../test"}},
        refusal="spec.data.heldOut.path must be relative to the root of the volume",
    ),
)
"""Accepted and refused jobs for every rule about the data of a task."""
