"""Rules about the task of a job: which data and tokens it takes, and which fields have an effect with it."""

from llmtrain_api.rule import Rule, inside_volume_rule
from llmtrain_api.tasks import (
    AUGMENTED_TASKS,
    COLUMN_FORMATS,
    EXPLAINED_TASKS,
    IMPOSSIBLE_FORMATS,
    LABELLED_TASKS,
    PAIR_TASKS,
    SCORES,
    TEXT_TASKS,
    TOKENIZERS,
    WORD_KINDS,
)
from llmtrain_api.unused_fields import table_cel, unused_rules

MIN_WINDOW = 16
"""Tokens that a question and a part of its text need."""
MIN_PAIR = 2
"""Tokens that a text which is read or written needs: one, and its end."""
RECORD_FIELDS = ("data.format", "data.onBadRecord")
"""Fields about records, without effect with tasks on plain text."""
LABEL_FIELDS = ("data.columns.label", "data.heldOut", "evaluation.slices")
"""Fields about texts with labels."""
SMOOTHED_TASKS = ("classification", *PAIR_TASKS)
"""Tasks whose loss is a cross-entropy that can be smoothed."""
ITEM_FIELDS = ("data.columns.user", "data.columns.item", "data.columns.time")
"""Fields of the task recommendation alone."""
TOKEN_FIELDS = (
    "data.mixture",
    "data.columns.text",
    "data.tokenizer",
    "data.heldOutPercent",
    "data.duplicates",
    "data.personalData",
)
"""Fields about texts, without effect with the task recommendation."""
VECTOR_FIELDS = ("task.window", "task.negatives")
"""Fields of the task word-vectors alone."""


def _without_columns(format: str) -> tuple[Rule, ...]:
    """Return the rules of a format whose records have a text and a label by their place, not by the names of columns."""
    return tuple(
        unused_rules(
            ("data.columns.text", "data.columns.label"),
            f"format {format}",
            f"self.data.format == '{format}'",
            lambda spec: spec.data.format == format,
        )
    )


TASK_RULES: tuple[Rule, ...] = (
    Rule(
        path="spec",
        field="spec.training.optimizer.name",
        cel="has(self.entrypoint) || self.task.name != 'word-vectors' || self.training.optimizer.name != 'muon'",
        message="spec.training.optimizer.name muon is for hidden matrices, and the task word-vectors has none; use adamw or sgd",
        violated=lambda name, spec: (
            spec.entrypoint is None and spec.task.name == "word-vectors" and spec.training.optimizer.name == "muon"
        ),
    ),
    Rule(
        path="spec",
        field="spec.data.tokenizer.kind",
        cel=f"has(self.entrypoint) || self.data.tokenizer.kind in {table_cel(TOKENIZERS)}",
        message="spec.data.tokenizer.kind must be words, nltk or spacy with task word-vectors, which has a vector for each word, these, "
        "wordpiece or bpe with classification and regression, wordpiece or bpe with tagging and question-answering, and bpe with any other task, "
        "because the text can't be restored from words or their pieces in lower case; change it",
        violated=lambda name, spec: (
            spec.entrypoint is None and spec.data.tokenizer.kind not in TOKENIZERS[spec.task.name]
        ),
    ),
    Rule(
        path="spec",
        field="spec.data.duplicates",
        cel="has(self.entrypoint) || self.task.name != 'question-answering' || self.data.duplicates != 'DropNear'",
        message="spec.data.duplicates must be Drop or Keep with task question-answering, because DropNear would leave out most "
        "questions about the same text; change it",
        violated=lambda name, spec: (
            spec.entrypoint is None and spec.task.name == "question-answering" and spec.data.duplicates == "DropNear"
        ),
    ),
    Rule(
        path="spec",
        field="spec.evaluation.best",
        cel=f"has(self.entrypoint) || self.evaluation.best == 'loss' || self.evaluation.best in {table_cel(SCORES)}",
        message="spec.evaluation.best must be loss or a score of the task, and tasks pretrain and word-vectors have no other than "
        "loss; change spec.evaluation.best or spec.task.name",
        violated=lambda name, spec: (
            spec.entrypoint is None and spec.evaluation.best not in ("loss", *SCORES[spec.task.name])
        ),
    ),
    Rule(
        path="spec",
        field="spec.checkpoint.keepBest",
        cel="!has(self.evaluation.stopAfter) || self.checkpoint.keepBest > 0",
        message="spec.checkpoint.keepBest must be at least 1 with spec.evaluation.stopAfter, which publishes the best "
        "checkpoint; raise keepBest or remove stopAfter",
        violated=lambda name, spec: spec.evaluation.stop_after is not None and spec.checkpoint.keep_best == 0,
    ),
    *unused_rules(
        ("data.tokenizer.vocabSize",),
        "kinds words, nltk and spacy",
        f"self.data.tokenizer.kind in {list(WORD_KINDS)}",
        lambda spec: spec.data.tokenizer.kind in WORD_KINDS,
    ),
    *unused_rules(
        ("data.tokenizer.minCount",),
        "kinds other than words, nltk and spacy",
        f"!(self.data.tokenizer.kind in {list(WORD_KINDS)})",
        lambda spec: spec.data.tokenizer.kind not in WORD_KINDS,
    ),
    *unused_rules(
        ("data.personalPatterns",),
        "spec.data.personalData Keep",
        "self.data.personalData == 'Keep'",
        lambda spec: spec.data.personal_data == "Keep",
    ),
    *unused_rules(
        ("data.source.bundled",),
        "tasks other than pretrain, masked and word-vectors",
        "!(self.task.name in ['pretrain', 'masked', 'word-vectors'])",
        lambda spec: spec.task.name not in TEXT_TASKS,
    ),
    *unused_rules(
        ("evaluation.sample",),
        "tasks other than pretrain",
        "self.task.name != 'pretrain'",
        lambda spec: spec.task.name != "pretrain",
    ),
    *unused_rules(
        ("evaluation.explain",),
        "tasks other than classification and regression",
        f"!(self.task.name in {list(EXPLAINED_TASKS)})",
        lambda spec: spec.task.name not in EXPLAINED_TASKS,
    ),
    *unused_rules(
        RECORD_FIELDS,
        "tasks pretrain, masked and word-vectors",
        "self.task.name in ['pretrain', 'masked', 'word-vectors']",
        lambda spec: spec.task.name in TEXT_TASKS,
    ),
    *unused_rules(
        LABEL_FIELDS,
        "tasks pretrain, masked, recommendation and word-vectors",
        "self.task.name in ['pretrain', 'masked', 'recommendation', 'word-vectors']",
        lambda spec: spec.task.name not in (*LABELLED_TASKS, *PAIR_TASKS),
    ),
    *unused_rules(
        ("data.maxTokens",),
        "tasks pretrain, recommendation and word-vectors",
        "self.task.name in ['pretrain', 'recommendation', 'word-vectors']",
        lambda spec: spec.task.name not in ("masked", *LABELLED_TASKS, *PAIR_TASKS),
    ),
    *unused_rules(
        ("training.labelSmoothing",),
        "tasks other than classification, translation and summarization",
        f"!(self.task.name in {list(SMOOTHED_TASKS)})",
        lambda spec: spec.task.name not in SMOOTHED_TASKS,
    ),
    *unused_rules(
        ("training.classWeights",),
        "tasks other than classification",
        "self.task.name != 'classification'",
        lambda spec: spec.task.name != "classification",
    ),
    *unused_rules(
        ("training.augment",),
        "tasks other than classification and regression, in which a text keeps its label when words change",
        f"!(self.task.name in {list(AUGMENTED_TASKS)})",
        lambda spec: spec.task.name not in AUGMENTED_TASKS,
    ),
    inside_volume_rule(
        "spec.training",
        "spec.training.augment.synonyms",
        "self.augment",
        lambda spec: spec.training.augment.synonyms if spec.training.augment else None,
    ),
    *unused_rules(
        ITEM_FIELDS,
        "tasks other than recommendation",
        "self.task.name != 'recommendation'",
        lambda spec: spec.task.name != "recommendation",
    ),
    *unused_rules(
        TOKEN_FIELDS,
        "task recommendation",
        "self.task.name == 'recommendation'",
        lambda spec: spec.task.name == "recommendation",
    ),
    *unused_rules(
        VECTOR_FIELDS,
        "tasks other than word-vectors",
        "self.task.name != 'word-vectors'",
        lambda spec: spec.task.name != "word-vectors",
    ),
    *unused_rules(
        ("training.dropout",),
        "task word-vectors",
        "self.task.name == 'word-vectors'",
        lambda spec: spec.task.name == "word-vectors",
    ),
    Rule(
        path="spec",
        field="spec.data.format",
        cel=f"has(self.entrypoint) || !(self.data.format in {table_cel(IMPOSSIBLE_FORMATS)})",
        message="spec.data.format must be one that holds the task's records: Conll with task tagging alone, Squad with task "
        "question-answering alone, which has otherwise Jsonl, LabelFolders and Trees with classification and regression alone, Gettext "
        "with translation and summarization alone, and Parallel with any of these but question-answering; change spec.data.format or "
        "spec.task.name",
        violated=lambda name, spec: spec.entrypoint is None and spec.data.format in IMPOSSIBLE_FORMATS[spec.task.name],
    ),
    Rule(
        path="spec",
        field="spec.data.maxTokens",
        cel=f"has(self.entrypoint) || self.task.name != 'question-answering' || self.data.maxTokens >= {MIN_WINDOW}",
        message=f"spec.data.maxTokens must be at least {MIN_WINDOW} with task question-answering, so that question and text fit; raise it",
        violated=lambda name, spec: (
            spec.entrypoint is None and spec.task.name == "question-answering" and spec.data.max_tokens < MIN_WINDOW
        ),
    ),
    Rule(
        path="spec",
        field="spec.data.maxTokens",
        cel=f"has(self.entrypoint) || !(self.task.name in {list(PAIR_TASKS)}) || self.data.maxTokens >= {MIN_PAIR}",
        message=f"spec.data.maxTokens must be at least {MIN_PAIR} with tasks translation and summarization, so that a part of each text fits "
        "beside its end; raise it",
        violated=lambda name, spec: (
            spec.entrypoint is None and spec.task.name in PAIR_TASKS and spec.data.max_tokens < MIN_PAIR
        ),
    ),
    *unused_rules(
        ("data.columns.question",),
        "tasks other than question-answering",
        "self.task.name != 'question-answering'",
        lambda spec: spec.task.name != "question-answering",
    ),
    *unused_rules(
        ("data.columns.question", "data.columns.text", "data.columns.label"),
        "format Squad",
        "self.data.format == 'Squad'",
        lambda spec: spec.data.format == "Squad",
    ),
    *(rule for format in ("Conll", "LabelFolders", "Trees", "Gettext") for rule in _without_columns(format)),
    *unused_rules(
        ("evaluation.slices",),
        "a format whose records have a text and a label alone",
        f"!(self.data.format in {['Auto', *COLUMN_FORMATS]})",
        lambda spec: spec.data.format not in ("Auto", *COLUMN_FORMATS),
    ),
    *unused_rules(
        ("data.heldOutPercent",),
        "spec.data.heldOut",
        "has(self.data.heldOut)",
        lambda spec: spec.data.held_out is not None,
    ),
    inside_volume_rule(
        "spec.data",
        "spec.data.heldOut.path",
        "self.heldOut",
        lambda spec: spec.data.held_out.path if spec.data.held_out else None,
    ),
)
