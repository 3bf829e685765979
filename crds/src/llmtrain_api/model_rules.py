"""Rules about the model of a job: which architecture learns the task, and which sizes and sources have an effect with it."""

from collections.abc import Callable

from llmtrain_api.job import JobSpec, ModelSource, VectorSource
from llmtrain_api.model_sizes import encoder_sizes, size_cel
from llmtrain_api.rule import Rule, inside_volume_rule
from llmtrain_api.tasks import FOLDER_TASKS, MODELS, READERS, WORD_KINDS
from llmtrain_api.unused_fields import table_cel, unused_rules

FOLDER_FIELDS = (
    "model.name",
    "model.preset",
    "model.layers",
    "model.width",
    "model.heads",
    "model.kvHeads",
    "model.contextLength",
    "data.tokenizer",
    "training.dropout",
)
"""Fields that the folder of a model decides."""


def _is_one_place(source: ModelSource | VectorSource) -> bool:
    return (source.volume is None) == (source.path is None) and (source.volume is None) != (source.job is None)


def _place_rules(name: str, source_of: Callable[[JobSpec], ModelSource | VectorSource | None]) -> tuple[Rule, ...]:
    """Return the rules of a field of the model, with this `name`, that is a place on a volume or another job."""
    node, field = f"self.{name}", f"spec.model.{name}"

    def is_several(spec: JobSpec) -> bool:
        source = source_of(spec)
        return source is not None and not _is_one_place(source)

    def is_itself(job: str, spec: JobSpec) -> bool:
        source = source_of(spec)
        return source is not None and source.job == job

    return (
        Rule(
            path="spec.model",
            field=field,
            cel=f"!has({node}) || (has({node}.volume) == has({node}.path) && has({node}.volume) != has({node}.job))",
            message=f"{field} must have either volume and path, or job; set one of them and remove the other",
            violated=lambda job, spec: is_several(spec),
        ),
        Rule(
            path="",
            field=f"{field}.job",
            cel=f"!has(self.{field}) || !has(self.{field}.job) || self.{field}.job != self.metadata.name",
            message=f"{field}.job must be another job, because this one would wait for itself; change it",
            violated=is_itself,
        ),
    )


def _heads_fit(spec: JobSpec) -> bool:
    sizes = encoder_sizes(spec.model)
    return sizes.width % sizes.heads == 0


def _heads_rule(model: str) -> Rule:
    return Rule(
        path="spec.model",
        field="spec.model.width",
        cel=f"self.name != '{model}' || {size_cel('width', model)} % {size_cel('heads', model)} == 0",
        message=f"spec.model.width must be a multiple of spec.model.heads with model {model}, of which the preset has its own if "
        "they are not set; change one of them",
        violated=lambda name, spec: spec.model.name == model and not _heads_fit(spec),
    )


MODEL_RULES: tuple[Rule, ...] = (
    Rule(
        path="spec",
        field="spec.model.name",
        cel=f"has(self.entrypoint) || has(self.model.from) || self.model.name in {table_cel(MODELS)}",
        message="spec.model.name must be gpt with tasks pretrain and recommendation, skipgram with task word-vectors, bert with task "
        "masked, t5 with tasks translation and summarization, and encoder, bert, lstm or gru with any other task, because no other "
        "architecture can do them; change spec.model.name or spec.task.name",
        violated=lambda name, spec: (
            spec.entrypoint is None and spec.model.source is None and spec.model.name not in MODELS[spec.task.name]
        ),
    ),
    Rule(
        path="spec",
        field="spec.model.from",
        cel=f"has(self.entrypoint) || !has(self.model.from) || self.task.name in {list(FOLDER_TASKS)}",
        message=f"spec.model.from can only do the tasks {', '.join(FOLDER_TASKS[:-1])} and {FOLDER_TASKS[-1]}; set spec.task.name to "
        "one of them, or remove spec.model.from",
        violated=lambda name, spec: (
            spec.entrypoint is None and spec.model.source is not None and spec.task.name not in FOLDER_TASKS
        ),
    ),
    *_place_rules("from", lambda spec: spec.model.source),
    *_place_rules("vectors", lambda spec: spec.model.vectors),
    inside_volume_rule(
        "spec.model",
        "spec.model.from.path",
        "self.from",
        lambda spec: spec.model.source.path if spec.model.source else None,
    ),
    *unused_rules(FOLDER_FIELDS, "spec.model.from", "has(self.model.from)", lambda spec: spec.model.source is not None),
    *unused_rules(
        ("model.weights",),
        "a model that spec.model.name names",
        "!has(self.model.from)",
        lambda spec: spec.model.source is None,
    ),
    *unused_rules(
        ("model.vectors",),
        "models other than encoder, lstm and gru",
        f"!(self.model.name in {list(READERS)})",
        lambda spec: spec.model.name not in READERS,
    ),
    *unused_rules(
        ("model.vectors",),
        "kinds other than words, nltk and spacy",
        f"self.model.name in {list(READERS)} && !(self.data.tokenizer.kind in {list(WORD_KINDS)})",
        lambda spec: spec.model.name in READERS and spec.data.tokenizer.kind not in WORD_KINDS,
    ),
    inside_volume_rule(
        "spec.model",
        "spec.model.vectors.path",
        "self.vectors",
        lambda spec: spec.model.vectors.path if spec.model.vectors else None,
    ),
    *map(_heads_rule, ("encoder", "bert", "t5")),
    *unused_rules(
        ("model.kvHeads", "model.contextLength"),
        "models other than gpt",
        "self.model.name != 'gpt'",
        lambda spec: spec.model.name != "gpt",
    ),
    *unused_rules(
        ("model.heads",),
        "models lstm and gru",
        "self.model.name in ['lstm', 'gru']",
        lambda spec: spec.model.name in ("lstm", "gru"),
    ),
    *unused_rules(
        ("model.layers", "model.heads"),
        "model skipgram",
        "self.model.name == 'skipgram'",
        lambda spec: spec.model.name == "skipgram",
    ),
)
