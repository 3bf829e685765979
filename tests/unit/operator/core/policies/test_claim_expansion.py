"""Claims grow with their storage pool."""

from typing import Any

import pytest

from llmtrain_api.cluster import StoragePool
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.policies.claim_expansion import (
    expansion,
    must_grow,
    resize_error,
    resize_state,
    smaller_claims,
)

POOL = StoragePool(name="datasets", size="2Ti")


def claim(requested: object = "1Ti", *, phase: object = "Bound", cluster: str = "c", **metadata: Any) -> Manifest:
    return {
        "metadata": {"name": "datasets", "uid": "u", "labels": {"llmtrain.dev/cluster": cluster}, **metadata},
        "spec": {"resources": {"requests": {"storage": requested}}},
        "status": {"phase": phase},
    }


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(claim(), True, id="a claim that requests less"),
        pytest.param(claim("2048Gi"), False, id="the same size in another notation"),
        pytest.param(claim("3Ti"), False, id="a claim that requests more"),
        pytest.param(claim(phase="Pending"), False, id="a claim that is not bound yet"),
        pytest.param(claim(deletionTimestamp="2026-11-23T12:00:00Z"), False, id="a claim that is being deleted"),
        pytest.param(claim("much"), False, id="a size that cannot be read"),
        pytest.param(claim(None, phase=7), False, id="fields of other types"),
        pytest.param({}, False, id="an empty object"),
    ],
)
def test_a_bound_claim_that_is_smaller_than_its_pool_must_grow(found: Manifest, expected: bool) -> None:
    assert must_grow(found, POOL) is expected


def test_only_claims_that_were_made_for_the_llmcluster_grow() -> None:
    claims = {
        ("a", "datasets"): claim(),
        ("b", "datasets"): claim(cluster="other"),
        ("c", "datasets"): {**claim(), "metadata": {"name": "datasets"}},
        ("d", "models"): claim(),
    }
    assert smaller_claims([POOL], claims, "c") == {("a", "datasets"): POOL}


def test_only_the_size_of_exactly_this_claim_is_changed() -> None:
    assert expansion(("a", "datasets"), claim(), POOL) == {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "datasets", "namespace": "a", "uid": "u"},
        "spec": {"resources": {"requests": {"storage": "2Ti"}}},
    }


@pytest.mark.parametrize(
    ("conditions", "state", "error"),
    [
        pytest.param([], "", "", id="a claim that does not grow"),
        pytest.param([{"type": "Resizing", "status": "True"}], "Resizing", "", id="a claim that grows"),
        pytest.param([{"type": "Resizing", "status": "False", "message": "x"}], "", "", id="a claim that has grown"),
        pytest.param(
            [
                {"type": "Resizing", "status": "True"},
                {"type": "FileSystemResizePending", "status": "True", "message": "Waiting for a pod"},
            ],
            "FileSystemResizePending: Waiting for a pod",
            "",
            id="a file system that grows when a pod mounts it",
        ),
        pytest.param(
            [
                {"type": "Resizing", "status": "True"},
                {"type": "ControllerResizeError", "status": "True", "message": "no space"},
            ],
            "ControllerResizeError: no space",
            "ControllerResizeError: no space",
            id="a driver that fails",
        ),
        pytest.param([{"type": 3}, None], "", "", id="conditions of other types"),
    ],
)
def test_how_far_a_claim_has_grown(conditions: list[Any], state: str, error: str) -> None:
    found = {"status": {"conditions": conditions}}
    assert (resize_state(found), resize_error(found)) == (state, error)
