"""What each task takes and gives: models, tokenizers, formats of its data, and scores, by the name of the task."""

from collections.abc import Mapping

TEXT_TASKS = ("pretrain", "masked", "word-vectors")
LABELLED_TASKS = ("classification", "regression", "tagging", "question-answering")
EXPLAINED_TASKS = ("classification", "regression")
"""Tasks with one answer to a text, which can be explained by its words."""
AUGMENTED_TASKS = ("classification", "regression")
"""Tasks in which a text keeps its label when a few words change."""
READERS = ("encoder", "lstm", "gru")
"""llmtrain's own networks for texts with labels."""
PAIR_TASKS = ("translation", "summarization")
"""Tasks whose label is a text to write."""
FOLDER_TASKS = ("masked", *LABELLED_TASKS, *PAIR_TASKS)
"""What a model of spec.model.from can learn."""
MODELS: Mapping[str, tuple[str, ...]] = {
    "pretrain": ("gpt",),
    "masked": ("bert",),
    **dict.fromkeys(LABELLED_TASKS, (*READERS, "bert")),
    **dict.fromkeys(PAIR_TASKS, ("t5",)),
    "recommendation": ("gpt",),
    "word-vectors": ("skipgram",),
}
"""What can learn a task, by the name of the task."""
LEARNED_AFTER: Mapping[str, tuple[str, ...]] = {
    "gpt": LABELLED_TASKS,
    "bert": ("masked", *LABELLED_TASKS),
    "t5": (*LABELLED_TASKS, *PAIR_TASKS),
}
"""What the published model of a job can learn next, as that of spec.model.from, by its architecture. `transformers` has no others."""
WORD_KINDS = ("words", "nltk", "spacy")
"""Tokenizers whose tokens are whole words."""
TOKENIZERS: Mapping[str, tuple[str, ...]] = {
    "pretrain": ("bpe",),
    "masked": ("bpe",),
    "classification": ("bpe", "wordpiece", *WORD_KINDS),
    "regression": ("bpe", "wordpiece", *WORD_KINDS),
    "tagging": ("bpe", "wordpiece"),
    "question-answering": ("bpe", "wordpiece"),
    **dict.fromkeys(PAIR_TASKS, ("bpe",)),
    "recommendation": ("bpe",),
    "word-vectors": WORD_KINDS,
}
"""What can split its text."""
IMPOSSIBLE_FORMATS: Mapping[str, tuple[str, ...]] = {
    "pretrain": (),
    "masked": (),
    "classification": ("Conll", "Squad", "Gettext"),
    "regression": ("Conll", "Squad", "Gettext"),
    "tagging": ("LabelFolders", "Squad", "Trees", "Gettext"),
    "question-answering": ("Conll", "LabelFolders", "Csv", "Tsv", "Parquet", "Trees", "Parallel", "Gettext"),
    **dict.fromkeys(PAIR_TASKS, ("Conll", "LabelFolders", "Squad", "Trees")),
    "recommendation": ("Conll", "LabelFolders", "Squad", "Trees", "Parallel", "Gettext"),
    "word-vectors": (),
}
"""Formats that can't hold its records."""
COLUMNS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(TEXT_TASKS, ("text",)),
    **dict.fromkeys((*LABELLED_TASKS, *PAIR_TASKS), ("text", "label")),
    "question-answering": ("text", "question", "label"),
    "recommendation": ("user", "item", "time"),
}
"""The keys of spec.data.columns that have an effect with it."""
COLUMN_FORMATS = ("Jsonl", "Csv", "Tsv", "Parquet", "Squad")
"""Formats whose records can have more than a text and a label."""
SCORES: Mapping[str, tuple[str, ...]] = {
    "pretrain": (),
    "masked": ("accuracy",),
    "classification": ("accuracy", "precision", "recall", "f1", "auc"),
    "regression": ("mse", "mae", "r2", "spearman"),
    "tagging": ("accuracy", "entityF1", "entityPrecision", "entityRecall"),
    "question-answering": ("exactMatch", "f1"),
    "translation": ("bleu", "chrf"),
    "summarization": ("rouge1", "rouge2", "rougeL"),
    "recommendation": ("hitRate", "ndcg"),
    "word-vectors": (),
}
"""Scores besides the loss by which checkpoints of a task can be compared."""
