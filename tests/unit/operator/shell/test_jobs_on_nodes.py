"""Jobs are found by the nodes of their pods."""

from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.shell.jobs_on_nodes import JobsOnNodes

JOB, OTHER = ("ns", "j"), ("ns", "other")


def pod(node: str) -> Manifest:
    return {"spec": {"nodeName": node} if node else {}}


def test_a_job_is_found_by_the_node_of_each_pod_until_the_last_one_has_left() -> None:
    index = JobsOnNodes()
    index.move("a", None, (JOB, pod("")))
    assert index.of("n") == frozenset()
    index.move("a", (JOB, pod("")), (JOB, pod("n")))
    index.move("b", None, (JOB, pod("n")))
    index.move("c", None, (OTHER, pod("n")))
    assert index.of("n") == {JOB, OTHER}
    index.move("a", (JOB, pod("n")), (JOB, pod("m")))
    assert (index.of("n"), index.of("m")) == ({JOB, OTHER}, {JOB})
    index.move("a", (JOB, pod("m")), None)
    index.move("b", (JOB, pod("n")), None)
    index.move("c", (OTHER, pod("n")), None)
    assert index.jobs == {}
