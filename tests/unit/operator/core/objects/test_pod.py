"""What all pods of a job have in common."""

from typing import Any

from llmtrain_api.names import JOB_LABEL, MANAGED_BY, MANAGED_BY_LABEL, ROLE_LABEL, SETTINGS_ANNOTATION
from llmtrain_operator.core.objects.pod import PodTemplate, pod
from llmtrain_operator.core.objects.volumes import claim_volumes, tmp_volume
from unit.operator.builders import job


def manifest_of(the_job: Any = None, **fields: Any) -> dict[str, Any]:
    default = {
        "role": "worker",
        "image": "i",
        "pull_policy": "Always",
        "arguments": ("a",),
        "resources": {},
        "grace_seconds": 5,
    }
    return pod(the_job or job(), "j-x", PodTemplate(**{**default, **fields}))


def spec_of(the_job: Any = None, **fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = manifest_of(the_job, **fields)["spec"]
    return found


def test_a_pod_has_no_service_account_token_unless_the_template_asks_for_it() -> None:
    assert spec_of()["automountServiceAccountToken"] is False
    assert spec_of(mount_token=True)["automountServiceAccountToken"] is True


def test_a_lost_dns_packet_is_repeated_after_a_second() -> None:
    options = {option["name"]: int(option["value"]) for option in spec_of()["dnsConfig"]["options"]}
    assert options == {"timeout": 1, "attempts": 3}


def test_labels_and_annotations_of_the_job_give_way_to_the_operators() -> None:
    the_job = job(workers={"labels": {"team": "a", JOB_LABEL: "other"}, "annotations": {"note": "x", "term": "0"}})
    metadata = manifest_of(the_job, annotations={"term": "1"})["metadata"]
    assert metadata["labels"] == {"team": "a", JOB_LABEL: "j", ROLE_LABEL: "worker", MANAGED_BY_LABEL: MANAGED_BY}
    assert metadata["annotations"].items() >= {"note": "x", "term": "1"}.items()
    assert SETTINGS_ANNOTATION in metadata["annotations"]


def test_the_end_of_the_log_is_the_termination_message_of_a_pod_without_one() -> None:
    assert spec_of()["containers"][0]["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_volumes_are_mounted_under_their_names() -> None:
    spec = spec_of(volumes=(tmp_volume("1Gi"), *claim_volumes(("data",))))
    mounts = {mount["name"]: mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"]}
    assert mounts == {"tmp": "/tmp", "volume-0": "/volumes/data"}
    assert [volume["name"] for volume in spec["volumes"]] == list(mounts)


def test_gang_and_priority_are_set_only_if_they_are_used() -> None:
    assert not {"schedulingGroup", "priorityClassName"} & spec_of().keys()
    spec = spec_of(job(scheduling={"priorityClassName": "high"}), gang="j-gang")
    assert (spec["schedulingGroup"], spec["priorityClassName"]) == ({"podGroupName": "j-gang"}, "high")
