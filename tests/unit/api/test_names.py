"""Names of objects, and what a pod is by its name."""

import pytest

from llmtrain_api.names import (
    coordinator_name,
    helper_name,
    pod_role,
    prepare_name,
    publish_name,
    run_config_name,
    worker_name,
)


@pytest.mark.parametrize("job", ["j", "a-worker-3", "x-prepare", "worker-1"])
def test_the_name_of_a_pod_determines_its_role(job: str) -> None:
    pods = (
        coordinator_name(job),
        prepare_name(job),
        publish_name(job),
        worker_name(job, 0),
        worker_name(job, 511),
        helper_name(job, 63),
    )
    assert [pod_role(pod) for pod in pods] == [
        ("coordinator", -1),
        ("prepare", -1),
        ("publish", -1),
        ("worker", 0),
        ("worker", 511),
        ("helper", -1),
    ]


@pytest.mark.parametrize(
    "name", ["", "j", "j-worker-", "j-worker-01", "j-worker--1", "j-worker-\u0663", "j-worker-" + "9" * 30]
)
def test_other_names_have_no_role(name: str) -> None:
    assert pod_role(name) == ("", -1)


def test_a_job_does_not_share_its_run_config_with_an_earlier_one_of_its_name() -> None:
    """A kubelet may still have the ConfigMap of the earlier one, which does not change because it is immutable."""
    assert run_config_name("j", "0123456789") != run_config_name("j", "9876543210")
