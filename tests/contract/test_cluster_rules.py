"""Every rule of an LLMCluster accepts and rejects the specs of its cases."""

import pytest

from contract.cluster_cases import CLUSTER_CASES, CLUSTER_EDITS, ClusterCase, ClusterEdit
from llmtrain_api.cluster import ClusterSpec
from llmtrain_api.cluster_rules import (
    CHANGE_RULES,
    POOL_RULES,
    STORAGE_RULES,
    ClusterRule,
    change_violations,
    pool_violations,
)
from llmtrain_api.generate.crd import definitions

RULES = (*POOL_RULES, *STORAGE_RULES, *CHANGE_RULES)
REMEDIES = {"choose", "raise", "remove", "use"}
"""The first words of the remedies, after the last semicolon of a message."""


def found(case: ClusterCase | ClusterEdit) -> list[str]:
    if isinstance(case, ClusterCase):
        return list(pool_violations(ClusterSpec.model_validate(case.spec)))
    return list(change_violations(ClusterSpec.model_validate(case.before), ClusterSpec.model_validate(case.after)))


@pytest.mark.parametrize("case", [*CLUSTER_CASES, *CLUSTER_EDITS], ids=lambda case: case.sentence)
def test_a_spec_is_accepted_or_rejected_by_one_rule(case: ClusterCase | ClusterEdit) -> None:
    messages = found(case)
    assert len(messages) == (0 if case.refusal is None else 1)
    assert all(case.refusal in message for message in messages)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.message[:50])
def test_every_rule_rejects_a_case_and_names_field_and_remedy(rule: ClusterRule) -> None:
    assert any(rule.message in found(case) for case in (*CLUSTER_CASES, *CLUSTER_EDITS))
    assert rule.message.startswith(f"{rule.path}[].")
    assert rule.message.rpartition("; ")[2].split()[0] in REMEDIES


def test_the_crd_has_all_rules() -> None:
    spec = definitions()["llmclusters.yaml"]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    for rule in RULES:
        items = spec["properties"][rule.path.removeprefix("spec.")]["items"]
        assert {"rule": rule.cel, "message": rule.message} in items["x-kubernetes-validations"]
