"""Jobs whose task, model and data fit together or do not."""

from contract.example_job import PATH_SOURCE, UNSET, Case, Change

CLASSIFICATION: Change = {
    **PATH_SOURCE,
    "spec.task": {"name": "classification"},
    "spec.model": {"name": "encoder"},
    "spec.evaluation": UNSET,
}
"""The example as a job that classifies texts."""
RECOMMENDATION: Change = {
    **PATH_SOURCE,
    "spec.task": {"name": "recommendation"},
    "spec.data.tokenizer": UNSET,
    "spec.data.heldOutPercent": UNSET,
    "spec.evaluation": UNSET,
}
"""The example as a job that recommends items."""
WORD_VECTORS: Change = {
    "spec.task": {"name": "word-vectors"},
    "spec.model": {"name": "skipgram"},
    "spec.data.tokenizer": {"kind": "words"},
    "spec.evaluation": UNSET,
}
"""The example as a job that learns word vectors."""
WORDS: Change = {"spec.data.tokenizer": {"kind": "words", "minCount": 2}}
VECTOR_FIELDS: Change = {"task.window": 3, "task.negatives": 10}
"""Fields of the task word-vectors."""
ALL_RECORDS: Change = {"data.format": "Csv", "data.onBadRecord": "Skip"}
"""Fields of all records."""
LENGTH: Change = {"data.maxTokens": 64}
"""The field of texts that are cut."""
LABELLED_RECORDS: Change = {
    "data.columns.label": "stars",
    "data.heldOut": {"path": "test"},
    "evaluation.slices": ["genre"],
}
"""Fields of records with a label."""
CLASS_WEIGHTS: Change = {"training.classWeights": "Balanced"}
SMOOTHING: Change = {"training.labelSmoothing": "0.1"}
AUGMENT: Change = {"training.augment": {"share": "0.2", "synonyms": "lexicons/synonyms.tsv"}}
CLASS_FIELDS = {**SMOOTHING, **CLASS_WEIGHTS, **AUGMENT}
"""Fields of the task classification."""
ITEM_RECORDS: Change = {f"data.columns.{name}": "id" for name in ("user", "item", "time")}
"""Fields of records with an item."""
TOKEN_FIELDS: Change = {
    "data.mixture": {"books": 1},
    "data.columns.text": "review",
    "data.tokenizer": {"vocabSize": 300},
    "data.heldOutPercent": 10,
    "data.duplicates": "DropNear",
    "data.personalData": "Mask",
}
"""Fields about texts that become tokens."""
AUGMENTED = "tasks other than classification and regression, in which a text keeps its label when words change"
RECORD_FIELDS = {**ALL_RECORDS, **LABELLED_RECORDS, **LENGTH}

TASK_CASES: tuple[Case, ...] = (
    *(
        Case(sentence=f"classification with {name}", change={**CLASSIFICATION, "spec.model": {"name": name}})
        for name in ("encoder", "bert", "lstm", "gru")
    ),
    *(
        Case(
            sentence=f"{task} with {name}",
            change={**CLASSIFICATION, "spec.task": {"name": task}, "spec.model": {"name": name}},
        )
        for task, name in (
            ("regression", "encoder"),
            ("regression", "lstm"),
            ("regression", "bert"),
            ("tagging", "gru"),
            ("tagging", "bert"),
            ("question-answering", "bert"),
        )
    ),
    Case(
        sentence="regression with augmented texts",
        change={**CLASSIFICATION, "spec.task": {"name": "regression"}, "spec.training.augment": {}},
    ),
    *(
        Case(
            sentence=f"{task} with augmented texts",
            change={**CLASSIFICATION, "spec.task": {"name": task}, "spec.training.augment": {}},
            refusal=f"spec.training.augment has no effect with {AUGMENTED}; remove it",
        )
        for task in ("tagging", "question-answering")
    ),
    *(
        Case(
            sentence=f"synonyms in {path}",
            change={**CLASSIFICATION, "spec.training.augment": {"synonyms": path}},
            refusal="spec.training.augment.synonyms must be relative to the root of the volume and must not contain '..'",
        )
        for path in ("/synonyms.tsv", "lexicons/../../synonyms.tsv")
    ),
    Case(
        sentence="classification with gpt",
        change={**CLASSIFICATION, "spec.model": {"name": "gpt"}},
        refusal="spec.model.name must be gpt with tasks pretrain and recommendation",
    ),
    Case(
        sentence="pretraining of an lstm",
        change={"spec.model": {"name": "lstm"}},
        refusal="spec.model.name must be gpt with tasks pretrain and recommendation",
    ),
    *(
        Case(sentence=f"classification with {field}", change={**CLASSIFICATION, f"spec.{field}": value})
        for field, value in {**RECORD_FIELDS, **CLASS_FIELDS}.items()
    ),
    *(
        Case(
            sentence=f"pretraining with {field}",
            change={f"spec.{field}": value},
            refusal=f"spec.{field} has no effect with {tasks}; remove it",
        )
        for fields, tasks in (
            (ALL_RECORDS, "tasks pretrain, masked and word-vectors"),
            (LABELLED_RECORDS, "tasks pretrain, masked, recommendation and word-vectors"),
            (LENGTH, "tasks pretrain, recommendation and word-vectors"),
            (SMOOTHING, "tasks other than classification, translation and summarization"),
            (CLASS_WEIGHTS, "tasks other than classification"),
            (AUGMENT, AUGMENTED),
            (ITEM_RECORDS, "tasks other than recommendation"),
            (VECTOR_FIELDS, "tasks other than word-vectors"),
        )
        for field, value in fields.items()
    ),
    *(
        Case(
            sentence=f"classification with {field}",
            change={**CLASSIFICATION, f"spec.{field}": value},
            refusal=f"spec.{field} has no effect with tasks other than {task}; remove it",
        )
        for fields, task in ((ITEM_RECORDS, "recommendation"), (VECTOR_FIELDS, "word-vectors"))
        for field, value in fields.items()
    ),
    *(
        Case(sentence=f"recommendation with {field}", change={**RECOMMENDATION, f"spec.{field}": value})
        for field, value in {**ALL_RECORDS, **ITEM_RECORDS}.items()
    ),
    *(
        Case(
            sentence=f"recommendation with {field}",
            change={**RECOMMENDATION, f"spec.{field}": value},
            refusal=f"spec.{field} has no effect with {tasks}; remove it",
        )
        for fields, tasks in (
            (LABELLED_RECORDS, "tasks pretrain, masked, recommendation and word-vectors"),
            (LENGTH, "tasks pretrain, recommendation and word-vectors"),
            (TOKEN_FIELDS, "task recommendation"),
            ({"evaluation.sample": {"tokens": 8}}, "tasks other than pretrain"),
        )
        for field, value in fields.items()
    ),
    Case(
        sentence="recommendation from bundled text",
        change={**RECOMMENDATION, "spec.data.source": {"volume": "datasets", "bundled": "python-stdlib"}},
        refusal="spec.data.source.bundled has no effect with tasks other than pretrain, masked and word-vectors; remove it",
    ),
    Case(
        sentence="word vectors by Muon",
        change={**WORD_VECTORS, "spec.training.optimizer": {"name": "muon"}},
        refusal="spec.training.optimizer.name muon is for hidden matrices",
    ),
    Case(
        sentence="a sample of word vectors",
        change={**WORD_VECTORS, "spec.evaluation": {"sample": {"tokens": 8}}},
        refusal="spec.evaluation.sample has no effect with tasks other than pretrain; remove it",
    ),
    *(
        Case(sentence=f"word vectors with {field}", change={**WORD_VECTORS, f"spec.{field}": value})
        for field, value in {**VECTOR_FIELDS, "model.width": 50, "data.columns.text": "body"}.items()
    ),
    *(
        Case(
            sentence=f"word vectors with {field}",
            change={**WORD_VECTORS, f"spec.{field}": value},
            refusal=f"spec.{field} has no effect with {tasks}; remove it",
        )
        for fields, tasks in (
            (ALL_RECORDS, "tasks pretrain, masked and word-vectors"),
            (LABELLED_RECORDS, "tasks pretrain, masked, recommendation and word-vectors"),
            (LENGTH, "tasks pretrain, recommendation and word-vectors"),
            (ITEM_RECORDS, "tasks other than recommendation"),
            ({"training.dropout": "0.1"}, "task word-vectors"),
        )
        for field, value in fields.items()
    ),
    *(
        Case(
            sentence=f"word vectors with {field}",
            change={**WORD_VECTORS, f"spec.{field}": 2},
            refusal=f"spec.{field} has no effect with model skipgram; remove it",
        )
        for field in ("model.layers", "model.heads")
    ),
    Case(sentence="classification of words", change={**CLASSIFICATION, **WORDS}),
    Case(
        sentence="pretraining on words",
        change=WORDS,
        refusal="spec.data.tokenizer.kind must be words, nltk or spacy with task word-vectors",
    ),
    Case(
        sentence="word vectors of pieces of words",
        change={**WORD_VECTORS, "spec.data.tokenizer": {"kind": "bpe"}},
        refusal="spec.data.tokenizer.kind must be words, nltk or spacy with task word-vectors",
    ),
    Case(
        sentence="words with a size of the vocabulary",
        change={**CLASSIFICATION, "spec.data.tokenizer": {"kind": "words", "vocabSize": 5000}},
        refusal="spec.data.tokenizer.vocabSize has no effect with kinds words, nltk and spacy; remove it",
    ),
    Case(
        sentence="pieces of words with a least count",
        change={"spec.data.tokenizer.minCount": 2},
        refusal="spec.data.tokenizer.minCount has no effect with kinds other than words, nltk and spacy; remove it",
    ),
    Case(
        sentence="recommendation from folders of labels",
        change={**RECOMMENDATION, "spec.data.format": "LabelFolders"},
        refusal="spec.data.format must be one that holds the task's records",
    ),
    Case(
        sentence="recommendation by an lstm",
        change={**RECOMMENDATION, "spec.model": {"name": "lstm"}},
        refusal="spec.model.name must be gpt with tasks pretrain and recommendation",
    ),
    Case(
        sentence="bundled text without labels",
        change={**CLASSIFICATION, "spec.data.source": {"volume": "datasets", "bundled": "python-stdlib"}},
        refusal="spec.data.source.bundled has no effect with tasks other than pretrain, masked and word-vectors; remove it",
    ),
    Case(
        sentence="a sample of a classifier",
        change={**CLASSIFICATION, "spec.evaluation": {"sample": {"tokens": 8}}},
        refusal="spec.evaluation.sample has no effect with tasks other than pretrain; remove it",
    ),
)
"""Accepted and refused jobs for every rule about the task."""
