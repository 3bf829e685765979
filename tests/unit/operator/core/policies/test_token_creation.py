"""The Secret with the token is created once, and again if a pod misses it."""

from dataclasses import replace

import pytest

from llmtrain_operator.core.objects.token import token_secret
from llmtrain_operator.core.policies.token_creation import must_create_token
from unit.operator.builders import TOKEN, job, pod

SECRET = token_secret(job(), TOKEN)
NAME = SECRET["metadata"]["name"]
EXISTING = pod("j-worker-0")
STARTING = pod("j-worker-1", phase="Pending")
DESIRED = (SECRET, {"kind": "Service", "metadata": {"name": "s"}}, {"kind": "Pod", "metadata": {"name": "j-worker-0"}})
NOT_FOUND = f'FailedMount: MountVolume.SetUp failed for volume "token" : secret "{NAME}" not found'


@pytest.mark.parametrize("created", [True, False])
def test_the_secret_is_created_with_the_first_pods_and_not_with_later_ones(created: bool) -> None:
    assert must_create_token(SECRET, DESIRED, (), created=created) is not created, "refused pods are tried again"
    assert must_create_token(SECRET, DESIRED, (STARTING,), created=created) is not created
    assert not must_create_token(SECRET, DESIRED, (EXISTING,), created=created), "no pod needs it"


@pytest.mark.parametrize(
    ("warning", "expected"),
    [
        pytest.param(NOT_FOUND, True, id="the secret does not exist"),
        pytest.param('FailedMount: secret "another" not found', False, id="another secret does not exist"),
        pytest.param(f'FailedMount: secret "{NAME}" cannot be read', False, id="the node cannot read it"),
        pytest.param("", False, id="nothing is reported"),
    ],
)
def test_a_secret_that_a_pod_misses_is_created_again(warning: str, expected: bool) -> None:
    pods = (EXISTING, replace(STARTING, warning=warning))
    assert must_create_token(SECRET, DESIRED, pods, created=True) is expected
    assert not must_create_token(SECRET, DESIRED, (replace(EXISTING, warning=warning),), created=True), "it runs"
