"""Jobs whose model, its sizes and the score that it is chosen by fit together or do not."""

from contract.example_job import Case, Change
from contract.task_cases import CLASSIFICATION, RECOMMENDATION, WORD_VECTORS, WORDS

FOLDER: Change = {**CLASSIFICATION, "spec.model": {"from": {"volume": "models", "path": "minilm"}}}
"""The same with a model from a folder."""
VECTORS: Change = {"vectors": {"volume": "models", "path": "vectors.bin"}}
FIELDS_OF_FOLDER: Change = {
    "model.name": "encoder",
    "model.preset": "small",
    "model.layers": 1,
    "model.width": 64,
    "model.heads": 4,
    "model.kvHeads": 4,
    "model.contextLength": 64,
    "data.tokenizer": {"vocabSize": 300},
    "training.dropout": "0.1",
}
"""Fields that the folder decides."""

MODEL_CASES: tuple[Case, ...] = (
    Case(
        sentence="an encoder with heads of an odd size",
        change={**CLASSIFICATION, "spec.model": {"name": "encoder", "width": 60, "heads": 4}},
    ),
    Case(
        sentence="an encoder whose preset's heads cannot share its width",
        change={**CLASSIFICATION, "spec.model": {"name": "encoder", "preset": "large", "width": 100}},
        refusal="spec.model.width must be a multiple of spec.model.heads with model encoder",
    ),
    Case(
        sentence="a bert whose heads cannot share its width",
        change={**CLASSIFICATION, "spec.model": {"name": "bert", "preset": "small", "width": 100}},
        refusal="spec.model.width must be a multiple of spec.model.heads with model bert",
    ),
    *(
        Case(
            sentence=f"an encoder with {field}",
            change={**CLASSIFICATION, f"spec.model.{field}": value},
            refusal=f"spec.model.{field} has no effect with models other than gpt; remove it",
        )
        for field, value in (("kvHeads", 1), ("contextLength", 64))
    ),
    *(
        Case(
            sentence=f"a classifier that is the best by {name}",
            change={**CLASSIFICATION, "spec.evaluation": {"best": name, "stopAfter": 3}},
        )
        for name in ("loss", "accuracy", "precision", "recall", "f1", "auc")
    ),
    *(
        Case(
            sentence=f"the best {task} by {name}",
            change={**CLASSIFICATION, "spec.task": {"name": task}, "spec.evaluation": {"best": name}},
        )
        for task, name in (
            ("regression", "spearman"),
            ("regression", "mse"),
            ("tagging", "entityF1"),
            ("tagging", "entityRecall"),
            ("question-answering", "exactMatch"),
        )
    ),
    Case(sentence="the best recommendation by NDCG", change={**RECOMMENDATION, "spec.evaluation": {"best": "ndcg"}}),
    Case(
        sentence="a language model that is the best by accuracy",
        change={"spec.evaluation.best": "accuracy"},
        refusal="spec.evaluation.best must be loss or a score of the task",
    ),
    Case(
        sentence="a training that stops early and keeps no best checkpoint",
        change={"spec.evaluation.stopAfter": 2, "spec.checkpoint.keepBest": 0},
        refusal="spec.checkpoint.keepBest must be at least 1 with spec.evaluation.stopAfter",
    ),
    *(
        Case(
            sentence=f"a {name} with heads",
            change={**CLASSIFICATION, "spec.model": {"name": name, "heads": 4}},
            refusal="spec.model.heads has no effect with models lstm and gru; remove it",
        )
        for name in ("lstm", "gru")
    ),
    *(
        Case(sentence=f"{task} with a model from a folder", change={**FOLDER, "spec.task": {"name": task}})
        for task in ("regression", "tagging", "question-answering")
    ),
    *(
        Case(sentence=f"a model from a folder with weights {weights}", change={**FOLDER, "spec.model.weights": weights})
        for weights in ("Load", "Fresh")
    ),
    Case(
        sentence="a model that another job publishes",
        change={**CLASSIFICATION, "spec.model": {"from": {"job": "base"}}},
    ),
    Case(
        sentence="a model that the job itself publishes",
        change={**CLASSIFICATION, "metadata.name": "base", "spec.model": {"from": {"job": "base"}}},
        refusal="spec.model.from.job must be another job",
    ),
    *(
        Case(
            sentence=f"a model from {', '.join(place) or 'nowhere'}",
            change={**CLASSIFICATION, "spec.model": {"from": dict.fromkeys(place, "base")}},
            refusal="spec.model.from must have either volume and path, or job",
        )
        for place in ((), ("volume",), ("path",), ("volume", "job"), ("path", "job"), ("volume", "path", "job"))
    ),
    Case(
        sentence="pretraining of a model from a folder",
        change={"spec.model": {"from": {"volume": "models", "path": "minilm"}}},
        refusal="spec.model.from can only do the tasks masked, classification, regression, tagging, question-answering, translation and summarization",
    ),
    *(
        Case(
            sentence=f"a model from the folder {path}",
            change={**FOLDER, "spec.model.from.path": path},
            refusal="spec.model.from.path must be relative to the root of the volume",
        )
        for path in ("/minilm", "a/../../minilm")
    ),
    *(
        Case(
            sentence=f"a model from a folder with {field}",
            change={**FOLDER, f"spec.{field}": value},
            refusal=f"spec.{field} has no effect with spec.model.from; remove it",
        )
        for field, value in FIELDS_OF_FOLDER.items()
    ),
    Case(
        sentence="a model from a folder with heads of an odd size",
        change={**FOLDER, "spec.model.heads": 3},
        refusal="spec.model.heads has no effect with spec.model.from; remove it",
    ),
    *(
        Case(
            sentence=f"{task} by {name} with word vectors",
            change={**CLASSIFICATION, **WORDS, "spec.task": {"name": task}, "spec.model": {"name": name, **VECTORS}},
        )
        for task in ("classification", "regression")
        for name in ("encoder", "lstm", "gru")
    ),
    Case(
        sentence="word vectors for the pieces of words",
        change={**CLASSIFICATION, "spec.model": {"name": "lstm", **VECTORS}},
        refusal="spec.model.vectors has no effect with kinds other than words, nltk and spacy; remove it",
    ),
    *(
        Case(
            sentence=f"word vectors for {sentence}",
            change={**change, "spec.model": {**model, **VECTORS}},
            refusal="spec.model.vectors has no effect with models other than encoder, lstm and gru; remove it",
        )
        for sentence, change, model in (
            ("a language model", {}, {}),
            ("the task word-vectors", WORD_VECTORS, {"name": "skipgram"}),
            ("a bert", {**CLASSIFICATION, **WORDS}, {"name": "bert"}),
            ("a model from a folder", CLASSIFICATION, FOLDER["spec.model"]),
        )
    ),
    Case(
        sentence="word vectors that another job publishes",
        change={**CLASSIFICATION, **WORDS, "spec.model": {"name": "lstm", "vectors": {"job": "base"}}},
    ),
    Case(
        sentence="word vectors that the job itself publishes",
        change={
            **CLASSIFICATION,
            **WORDS,
            "metadata.name": "base",
            "spec.model": {"name": "lstm", "vectors": {"job": "base"}},
        },
        refusal="spec.model.vectors.job must be another job",
    ),
    *(
        Case(
            sentence=f"word vectors from {', '.join(place) or 'nowhere'}",
            change={
                **CLASSIFICATION,
                **WORDS,
                "spec.model": {"name": "lstm", "vectors": dict.fromkeys(place, "base")},
            },
            refusal="spec.model.vectors must have either volume and path, or job",
        )
        for place in ((), ("volume",), ("path",), ("volume", "job"), ("path", "job"), ("volume", "path", "job"))
    ),
    Case(
        sentence="word vectors outside of their volume",
        change={**CLASSIFICATION, **WORDS, "spec.model": {"name": "lstm", "vectors": {"volume": "v", "path": "/a"}}},
        refusal="spec.model.vectors.path must be relative to the root of the volume",
    ),
    Case(
        sentence="fresh weights of an encoder",
        change={**CLASSIFICATION, "spec.model": {"name": "encoder", "weights": "Fresh"}},
        refusal="spec.model.weights has no effect with a model that spec.model.name names; remove it",
    ),
)
"""Accepted and refused jobs for every rule about the model."""
