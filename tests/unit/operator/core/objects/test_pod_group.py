"""The PodGroup for gang scheduling."""

from llmtrain_operator.core.objects.pod_group import pod_group
from unit.operator.builders import job


def test_all_workers_and_the_coordinator_are_placed_together() -> None:
    manifest = pod_group(job())
    assert (manifest["kind"], manifest["metadata"]["name"]) == ("PodGroup", "j-gang")
    assert manifest["spec"] == {"schedulingPolicy": {"gang": {"minCount": 3}}}


def test_the_group_has_the_jobs_priority() -> None:
    assert pod_group(job(scheduling={"priorityClassName": "high"}))["spec"]["priorityClassName"] == "high"
