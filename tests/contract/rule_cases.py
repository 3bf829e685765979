"""Jobs that the cross-field rules accept or reject, with the error message.

The contract tests run the rules' Python on them; the e2e tests submit them to an API server.
"""

from contract.data_cases import DATA_CASES
from contract.evaluation_cases import EVALUATION_CASES
from contract.example_job import OWN, PATH_SOURCE, SOURCE, UNDER_TORCHRUN, UNSET, Case, Change
from contract.masked_cases import MASKED_CASES
from contract.mixture_cases import MIXTURE_CASES
from contract.model_cases import MODEL_CASES
from contract.pair_cases import PAIR_CASES
from contract.pod_rule_cases import POD_RULE_CASES
from contract.task_cases import TASK_CASES
from contract.training_cases import TRAINING_CASES
from llmtrain_api.names import MAX_JOB_NAME_LENGTH

IDLE: Change = {
    "model": {"layers": 3},
    "task": {"name": "classification"},
    "data.source.bundled": "python-stdlib",
    "data.mixture": {"books": 1},
    "data.tokenizer": {"vocabSize": 512},
    "data.columns": {"text": "body"},
    "data.format": "Csv",
    "data.maxTokens": 64,
    "data.heldOut": {"path": "test"},
    "data.heldOutPercent": 10,
    "data.onBadText": "Fail",
    "data.prepareWorkers": 2,
    "data.onBadRecord": "Skip",
    "data.duplicates": "Keep",
    "data.personalData": "Mask",
    "data.personalPatterns": ["CUSTOMER=KD-[0-9]{6}"],
    "training.dropout": "0.1",
    "training.labelSmoothing": "0.1",
    "training.classWeights": "Balanced",
    "training.augment": {"share": "0.2"},
    "training.average": "0.9",
    "checkpoint.keepBest": 2,
    "evaluation": {"sample": {"prompt": "class "}},
}
"""Fields without effect when a user's program runs."""
UNUSED_WITH_TORCHRUN: Change = {
    "training.microbatches": 16,
    "training.microbatchSize": 2,
    "training.optimizer": {"learningRate": "1e-3"},
    "training.warmupSteps": 5,
    "training.schedule": "linear",
    "training.clipNorm": "2.0",
    "training.onBadStep": "Stop",
    "training.badSteps": 5,
    "training.reduction": "Fast",
    "training.precision": "bfloat16",
    "checkpoint.everySteps": 50,
    "checkpoint.keepLast": 5,
    "recovery.hangSeconds": 60,
}
"""Further fields without effect in mode Torchrun."""

RULE_CASES: tuple[Case, ...] = (
    Case(sentence="the unchanged example", change={}),
    Case(
        sentence="the longest name",
        change={"metadata.name": "a" * MAX_JOB_NAME_LENGTH},
    ),
    Case(
        sentence="a name one character too long",
        change={"metadata.name": "a" * (MAX_JOB_NAME_LENGTH + 1)},
        refusal=f"metadata.name must have at most {MAX_JOB_NAME_LENGTH} characters",
    ),
    Case(
        sentence="a name with digits and '-' in it",
        change={"metadata.name": "gpt-2-test"},
    ),
    Case(
        sentence="a name that begins with a digit",
        change={"metadata.name": "2gpt"},
        refusal="metadata.name must begin with a letter",
    ),
    Case(
        sentence="a name with a dot",
        change={"metadata.name": "gpt.two"},
        refusal="metadata.name must begin with a letter",
    ),
    Case(
        sentence="min equal to replicas",
        change={"spec.workers.min": 2, "spec.workers.replicas": 2},
    ),
    Case(
        sentence="min greater than replicas",
        change={"spec.workers.min": 3, "spec.workers.replicas": 2},
        refusal="spec.workers.min must not be greater than spec.workers.replicas",
    ),
    Case(
        sentence="replicas equal to max",
        change={"spec.workers.replicas": 4, "spec.workers.max": 4},
    ),
    Case(
        sentence="replicas greater than max",
        change={"spec.workers.replicas": 5, "spec.workers.max": 4},
        refusal="spec.workers.replicas must not be greater than spec.workers.max",
    ),
    Case(
        sentence="as many ranks as a coordinator serves",
        change={
            "spec.workers.replicas": 64,
            "spec.workers.max": 64,
            "spec.workers.gpus": 16,
            "spec.training.microbatches": 1024,
        },
    ),
    Case(
        sentence="more ranks than a coordinator serves",
        change={
            "spec.workers.replicas": 65,
            "spec.workers.max": 65,
            "spec.workers.gpus": 16,
            "spec.training.microbatches": 2048,
        },
        refusal="must not be greater than 1024, which one coordinator serves",
    ),
    *POD_RULE_CASES,
    Case(
        sentence="as many ranks as microbatches, on CPUs",
        change={"spec.workers.replicas": 8, "spec.workers.max": 8, "spec.training.microbatches": 8},
    ),
    Case(
        sentence="as many ranks as microbatches, on GPUs",
        change={"spec.workers.replicas": 2, "spec.workers.gpus": 4, "spec.training.microbatches": 8},
    ),
    Case(
        sentence="more ranks than microbatches, on GPUs",
        change={"spec.workers.replicas": 2, "spec.workers.gpus": 8, "spec.training.microbatches": 8},
        refusal="must not be greater than spec.training.microbatches",
    ),
    Case(
        sentence="more workers than microbatches, on CPUs",
        change={"spec.workers.replicas": 4, "spec.training.microbatches": 3},
        refusal="must not be greater than spec.training.microbatches",
    ),
    Case(sentence="text from a path", change=PATH_SOURCE),
    Case(
        sentence="text from a path and from the image",
        change={f"{SOURCE}.path": "books"},
        refusal="spec.data.source must have exactly one of path and bundled",
    ),
    Case(
        sentence="no text",
        change={f"{SOURCE}.bundled": UNSET},
        refusal="spec.data.source must have exactly one of path and bundled",
    ),
    Case(
        sentence="a path whose names begin with dots",
        change={**PATH_SOURCE, f"{SOURCE}.path": ".hidden/..name/file..txt"},
    ),
    Case(
        sentence="an absolute path",
        change={**PATH_SOURCE, f"{SOURCE}.path": "/etc"},
        refusal="spec.data.source.path must be relative to the root of the volume",
    ),
    Case(
        sentence="a path that leaves the volume",
        change={**PATH_SOURCE, f"{SOURCE}.path": "books/../../etc"},
        refusal="spec.data.source.path must be relative to the root of the volume",
    ),
    *TRAINING_CASES,
    *TASK_CASES,
    *DATA_CASES,
    *MIXTURE_CASES,
    *MODEL_CASES,
    *PAIR_CASES,
    *EVALUATION_CASES,
    *MASKED_CASES,
    Case(sentence="a user's program", change=OWN),
    Case(sentence="a program in the image", change={**OWN, "spec.entrypoint": {"script": "/opt/train.py"}}),
    Case(sentence="a program with data on a path", change={**OWN, "spec.data.source.path": "pictures"}),
    Case(
        sentence="both a module and a script",
        change={**OWN, "spec.entrypoint": {"script": "train.py", "module": "train"}},
        refusal="spec.entrypoint must have exactly one of module and script",
    ),
    Case(
        sentence="neither a module nor a script",
        change={**UNDER_TORCHRUN, "spec.entrypoint": {"mode": "Torchrun"}},
        refusal="spec.entrypoint must have exactly one of module and script",
    ),
    Case(
        sentence="a script that leaves the volume",
        change={**OWN, "spec.entrypoint": {"script": "../train.py"}},
        refusal="spec.entrypoint.script must not contain '..'",
    ),
    Case(sentence="a program for torchrun", change=UNDER_TORCHRUN),
    Case(
        sentence="a program for torchrun, and more workers than microbatches",
        change={**UNDER_TORCHRUN, "spec.workers": {"replicas": 12}},
    ),
    Case(
        sentence="a program with more workers than microbatches",
        change={**OWN, "spec.workers": {"replicas": 12}},
        refusal="must not be greater than spec.training.microbatches",
    ),
    Case(
        sentence="a program for torchrun that hangs when it is silent",
        change={**UNDER_TORCHRUN, "spec.recovery": {"silentSeconds": 600, "gracePeriodSeconds": 300}},
    ),
    Case(
        sentence="silence of a program that reports progress",
        change={**OWN, "spec.recovery": {"silentSeconds": 600}},
        refusal="spec.recovery.silentSeconds has an effect only with spec.entrypoint in mode Torchrun",
    ),
    Case(
        sentence="rules for failures",
        change={
            "spec.recovery.rules": [
                {"exitCodes": [42], "action": "Fail"},
                {"exitCodes": [137], "reasons": ["NodeLost"], "action": "Ignore"},
            ]
        },
    ),
    Case(
        sentence="a rule that matches nothing",
        change={"spec.recovery.rules": [{"exitCodes": [42], "action": "Fail"}, {"exitCodes": [], "action": "Count"}]},
        refusal="spec.recovery.rules must have exitCodes or reasons in each rule",
    ),
    Case(
        sentence="a program with epochs",
        change={**OWN, "spec.training": {"epochs": 2}},
        refusal="spec.training.epochs can't be counted with spec.entrypoint",
    ),
    Case(sentence="a program that uses the optimizer", change={**OWN, "spec.training.warmupSteps": 5}),
    *(
        Case(
            sentence=f"a program with {field}",
            change={**OWN, f"spec.{field}": value},
            refusal=f"spec.{field} has no effect with spec.entrypoint; remove it",
        )
        for field, value in IDLE.items()
    ),
    *(
        Case(
            sentence=f"a program for torchrun with {field}",
            change={**UNDER_TORCHRUN, f"spec.{field}": value},
            refusal=f"spec.{field} has no effect with spec.entrypoint in mode Torchrun; remove it",
        )
        for field, value in UNUSED_WITH_TORCHRUN.items()
    ),
)
"""Accepted and rejected jobs for every cross-field rule."""
