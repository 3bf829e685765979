"""Why pods do not run, in one message."""

from dataclasses import replace

from llmtrain_api.conditions import Reason
from llmtrain_operator.core.policies.scheduling import why_pending
from unit.operator.builders import job, pending_pod, pod

INSUFFICIENT = "0/3 nodes are available: 2 Insufficient cpu."
NO_IMAGE = replace(pod("j-worker-0", phase="Pending"), pull_failure="ErrImagePull: not found", image="a/b:c")


def test_the_schedulers_message_comes_with_what_the_job_requests() -> None:
    found = why_pending(job().spec, (pending_pod("j-worker-0", unschedulable=INSUFFICIENT), pod("j-worker-1")))
    assert found.reason == Reason.UNSCHEDULABLE
    for text in ("1 of 2 pods", "Insufficient cpu", "1 CPU, 2Gi memory", "spec.workers.replicas"):
        assert text in found.message


def test_the_labels_of_the_compute_pool_are_named_which_the_job_does_not_show() -> None:
    waiting = pending_pod("j-worker-0", unschedulable="0/3 nodes are available: 3 didn't match node selector.")
    placed = {**waiting.manifest, "spec": {"nodeSelector": {"gpu": "h200", "zone": "a"}}}
    found = why_pending(job().spec, (replace(waiting, manifest=placed),))
    assert found is not None
    assert "each worker requests 1 CPU, 2Gi memory, on nodes with gpu=h200, zone=a)" in found.message


def test_an_image_that_cannot_be_pulled_is_named_with_the_field_that_sets_it() -> None:
    found = why_pending(job(image="a/b:c").spec, (NO_IMAGE,))
    assert found.reason == Reason.IMAGE_PULL_FAILED
    assert found.message.startswith("spec.image:")
    assert "a/b:c" in found.message
    assert why_pending(job().spec, (NO_IMAGE,)).message.startswith("image of the operator's Helm chart:")


def test_an_injected_image_that_cannot_be_pulled_is_no_fault_of_the_spec() -> None:
    found = why_pending(job(image="a/b:c").spec, (replace(NO_IMAGE, waiting_container="istio-proxy"),))
    assert found.reason == Reason.IMAGE_PULL_FAILED
    assert "container istio-proxy, which was injected" in found.message
    assert "spec.image" not in found.message


def test_the_coordinators_image_is_never_that_of_the_spec() -> None:
    found = why_pending(job(image="a/b:c").spec, (replace(NO_IMAGE, role="coordinator"),))
    assert found.message.startswith("image of the operator's Helm chart:")


def test_pods_that_run_or_wait_without_a_message_are_not_blocked() -> None:
    assert why_pending(job().spec, (pod("j-worker-0"), pending_pod("j-worker-1"))) is None


def test_volumes_that_are_being_provisioned_have_their_own_reason() -> None:
    message = "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims."
    found = why_pending(job().spec, (pending_pod("j-prepare", "prepare", message),))
    assert found.reason == Reason.VOLUME_PENDING
    assert found.message.endswith("correct their StorageClass and access mode")
