"""Each field of the spec is known to have an effect in local mode, or is reported."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from contract.documented_names import leaves
from llmtrain_api.job import JobSpec
from llmtrain_cli.job_validation import parse_spec
from llmtrain_cli.local_fields import NO_EFFECT, ignored_fields
from unit.cli.job_documents import SMALL_JOB

EFFECTIVE = (
    "workers.replicas",
    "workers.gpus",
    "workers.resources.cpu",
    "workers.env",
    "entrypoint",
    "model",
    "task",
    "data.source",
    "data.mixture",
    "data.tokenizer",
    "data.columns",
    "data.format",
    "data.maxTokens",
    "data.heldOut",
    "data.heldOutPercent",
    "data.onBadText",
    "data.onBadRecord",
    "data.duplicates",
    "data.personalData",
    "data.personalPatterns",
    "training",
    "checkpoint",
    "evaluation",
    "recovery.maxFailures",
    "recovery.rules",
    "recovery.windowSeconds",
    "recovery.hangSeconds",
    "recovery.silentSeconds",
    "recovery.gracePeriodSeconds",
)
"""Fields, or parts of the spec, that have an effect."""
VALUES: Mapping[str, Any] = {
    "cluster": "other",
    "image": "example.org/trainer:2",
    "workers": {
        "min": 2,
        "replicas": 2,
        "max": 4,
        "resources": {"memory": "3Gi", "scratch": "1Gi", "extra": {"rdma/hca": "1"}},
        "pools": ["h200"],
        "nodeSelector": {"gpu": "h200"},
        "tolerations": [{"key": "gpu", "operator": "Exists"}],
        "envFrom": [{"secret": "s"}],
        "mounts": [{"path": "/a", "claim": "c"}],
        "sharedMemory": "1Gi",
        "annotations": {"note": "x"},
        "labels": {"team": "a"},
        "runtimeClass": "nvidia",
    },
    "data": {**SMALL_JOB["spec"]["data"], "prepareWorkers": 2},
    "recovery": {"nodeSeconds": 41},
    "scheduling": {"gang": "Off"},
    "pullSecrets": ["registry"],
    "serviceAccount": {"name": "trainer"},
    "securityContext": {"runAsUser": 1000},
    "podCleanup": "Never",
    "suspend": True,
    "activeDeadlineSeconds": 60,
    "ttlSecondsAfterFinished": 60,
}
"""Another value than the default for each field without effect."""
GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "local.md"


def test_each_field_has_one_class() -> None:
    classes = [*EFFECTIVE, *NO_EFFECT]
    for field in leaves(JobSpec):
        assert len([part for part in classes if f"{field}.".startswith(f"{part}.")]) == 1, field


def test_a_field_without_effect_is_reported_once() -> None:
    found = list(ignored_fields(parse_spec({**SMALL_JOB["spec"], **VALUES})))
    assert [line.removeprefix("warning: spec.").split()[0] for line in found] == [*NO_EFFECT]


def test_defaults_and_fields_with_an_effect_are_not_reported() -> None:
    assert list(ignored_fields(parse_spec(SMALL_JOB["spec"]))) == []


@pytest.mark.parametrize("field", NO_EFFECT)
def test_the_guide_lists_the_field(field: str) -> None:
    assert f"`{field}`" in GUIDE.read_text()
