"""Taints of nodes, and the tolerations that match them."""

from typing import Any

import pytest

from llmtrain_api.workers import Toleration
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.taints import Taint, taints_of, tolerates, untolerated
from unit.operator.builders import node

CORDONED = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
RESERVED = {"key": "team", "value": "a", "effect": "NoSchedule"}
PREFERRED = {"key": "team", "effect": "PreferNoSchedule"}
TEAM = Taint("team", "a", "NoSchedule")
CONTROL_PLANE = Taint("node-role.kubernetes.io/control-plane", "", "NoSchedule")


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        pytest.param(node(), (), id="a plain node"),
        pytest.param(node(taints=[RESERVED]), (TEAM,), id="a node with a taint"),
        pytest.param(node(taints=[PREFERRED]), (), id="a taint that only prefers other nodes"),
        pytest.param(node(taints=[CORDONED], unschedulable=True), (), id="a cordoned node keeps its pool"),
        pytest.param(node("Unknown", taints=[CORDONED, RESERVED]), (TEAM,), id="a cordoned node with a taint"),
        pytest.param(node(labels={CONTROL_PLANE.key: ""}), (CONTROL_PLANE,), id="the control plane without a taint"),
        pytest.param(node(taints=[{"key": 3}, "team", None]), (), id="what is no taint"),
    ],
)
def test_the_permanent_taints_of_a_node(manifest: Manifest, expected: tuple[Taint, ...]) -> None:
    assert taints_of(manifest) == expected


@pytest.mark.parametrize(
    ("toleration", "expected"),
    [
        pytest.param({"key": "team", "value": "a"}, True, id="the same value"),
        pytest.param({"key": "team", "value": "b"}, False, id="another value"),
        pytest.param({"key": "team", "operator": "Exists"}, True, id="any value"),
        pytest.param({"key": "other", "operator": "Exists"}, False, id="another key"),
        pytest.param({"key": "team", "operator": "Exists", "effect": "NoSchedule"}, True, id="the same effect"),
        pytest.param({"key": "team", "operator": "Exists", "effect": "NoExecute"}, False, id="another effect"),
    ],
)
def test_a_toleration_matches_a_taint(toleration: dict[str, Any], expected: bool) -> None:
    found = Toleration.model_validate(toleration)
    assert tolerates([found], TEAM) is expected
    assert untolerated([found], (TEAM, CONTROL_PLANE)) == ((CONTROL_PLANE,) if expected else (TEAM, CONTROL_PLANE))


def test_a_taint_is_written_as_kubectl_does() -> None:
    assert (str(TEAM), str(CONTROL_PLANE)) == ("team=a:NoSchedule", f"{CONTROL_PLANE.key}:NoSchedule")
