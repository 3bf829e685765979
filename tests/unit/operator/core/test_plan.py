"""References to the objects that a plan deletes."""

from llmtrain_operator.core.plan import LAST_SCRAPE_SECONDS, object_references, pod_references
from unit.operator.builders import ago, pod


def test_a_reference_means_one_pod_and_not_its_successor() -> None:
    (reference,) = pod_references([pod("j-worker-0")], frozenset())
    assert (reference.namespace, reference.name, reference.uid) == ("ns", "j-worker-0", "uid-of-j-worker-0")
    assert not reference.force


def test_a_pod_on_a_lost_node_is_deleted_with_force() -> None:
    (reference,) = pod_references([pod("j-worker-0", node="node-2")], frozenset({"node-2"}))
    assert reference.force


def test_the_coordinator_of_a_trained_job_has_time_to_be_scraped() -> None:
    pods = [pod("j-coordinator", role="coordinator"), pod("j-worker-0")]
    found = pod_references(pods, frozenset(), after_training=True)
    assert [reference.grace_seconds for reference in found] == [LAST_SCRAPE_SECONDS, None]
    assert [reference.grace_seconds for reference in pod_references(pods, frozenset())] == [None, None]


def test_objects_are_referenced_by_kind_unless_they_are_being_deleted() -> None:
    metadata = {"name": "a", "namespace": "ns", "uid": "u"}
    objects = {
        ("Service", "a"): {"apiVersion": "v1", "kind": "Service", "metadata": metadata},
        ("ConfigMap", "a"): {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata},
        ("Service", "b"): {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {**metadata, "name": "b", "deletionTimestamp": ago(1)},
        },
    }
    found = object_references(objects, ("Service",))
    assert [(reference.kind, reference.name, reference.uid) for reference in found] == [("Service", "a", "u")]
