"""Why pods don't run, in one sentence."""

from dataclasses import replace

from llmtrain_api.conditions import Reason
from llmtrain_operator.core.policies.scheduling import why_pending
from unit.operator.builders import job, observed, pod


def test_the_schedulers_words_come_with_what_the_job_asks_for() -> None:
    stuck = replace(
        pod("j-worker-0", phase="Pending"), node="", unschedulable="0/3 nodes are available: 2 Insufficient cpu."
    )
    found = why_pending(observed(), (stuck, pod("j-worker-1")))
    assert found.reason == Reason.UNSCHEDULABLE
    for words in ("1 of 2 pods", "Insufficient cpu", "1 CPU, 2Gi memory", "spec.workers.replicas"):
        assert words in found.message


def test_an_image_is_named_with_the_field_that_names_it() -> None:
    stuck = replace(pod("j-worker-0", phase="Pending"), pull_failure="ErrImagePull: not found", image="a/b:c")
    own = why_pending(observed(job(image="a/b:c")), (stuck,))
    assert own.reason == Reason.IMAGE_PULL_FAILED
    assert own.message.startswith("spec.image:")
    assert "a/b:c" in own.message
    assert why_pending(observed(), (stuck,)).message.startswith("the operator's image setting")


def test_pods_that_run_or_wait_without_a_word_are_no_trouble() -> None:
    assert why_pending(observed(), (pod("j-worker-0"), replace(pod("j-worker-1", phase="Pending"), node=""))) is None


def test_volumes_that_are_being_made_are_no_trouble_yet() -> None:
    words = "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims."
    found = why_pending(observed(), (replace(pod("j-prepare", "prepare", "Pending"), node="", unschedulable=words),))
    assert found.reason == Reason.VOLUME_PENDING
