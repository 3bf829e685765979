"""What all pods of a job have in common."""

from typing import Any

from llmtrain_operator.core.objects.pod import PodTemplate, pod
from unit.operator.builders import job


def spec_of(the_job: Any = None, **fields: Any) -> dict[str, Any]:
    default = {
        "role": "worker",
        "image": "i",
        "pull_policy": "Always",
        "arguments": ("a",),
        "resources": {},
        "grace_seconds": 5,
    }
    found: dict[str, Any] = pod(the_job or job(), "j-x", PodTemplate(**{**default, **fields}))["spec"]
    return found


def mounts(spec: dict[str, Any]) -> dict[str, str]:
    return {mount["name"]: mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"]}


def test_a_pod_is_restricted_and_has_no_service_account_token() -> None:
    spec = spec_of()
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    context = spec["containers"][0]["securityContext"]
    assert (context["allowPrivilegeEscalation"], context["readOnlyRootFilesystem"]) == (False, True)
    assert context["capabilities"] == {"drop": ["ALL"]}


def test_the_end_of_the_log_is_the_termination_message_of_a_pod_without_one() -> None:
    assert spec_of()["containers"][0]["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_claims_are_mounted_once_each_under_their_names() -> None:
    spec = spec_of(claims=("datasets", "checkpoints", "datasets"))
    found = mounts(spec)
    assert (found["volume-0"], found["volume-1"]) == ("/volumes/datasets", "/volumes/checkpoints")
    assert "volume-2" not in found
    assert [volume["name"] for volume in spec["volumes"]] == list(found)


def test_the_run_config_is_mounted_unless_it_is_not_needed() -> None:
    assert "run" in mounts(spec_of())
    assert "run" not in mounts(spec_of(run_config=False))


def test_pods_with_gpus_have_shared_memory() -> None:
    assert "shm" not in mounts(spec_of())
    assert mounts(spec_of(resources={"limits": {"nvidia.com/gpu": "1"}}))["shm"] == "/dev/shm"


def test_gang_and_priority_are_set_only_if_they_are_used() -> None:
    assert not {"schedulingGroup", "priorityClassName"} & spec_of().keys()
    spec = spec_of(job(scheduling={"priorityClassName": "high"}), gang="j-gang")
    assert (spec["schedulingGroup"], spec["priorityClassName"]) == ({"podGroupName": "j-gang"}, "high")
