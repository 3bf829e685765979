"""The containers of a pod: its own one decides, and injected ones only matter while they keep it from running."""

from typing import Any

import pytest

from llmtrain_operator.core.pod_view import PodView


def test_the_jobs_own_container_is_found_by_its_name() -> None:
    own = {"name": "worker", "image": "trainer", "state": {"terminated": {"exitCode": 3, "reason": "Error"}}}
    proxy = {"name": "istio-proxy", "image": "proxy", "state": {"terminated": {"exitCode": 0}}}
    manifest = {
        "metadata": {"name": "j-worker-0"},
        "spec": {"containers": [proxy, own]},
        "status": {"containerStatuses": [proxy, own]},
    }
    found = PodView.of(manifest)
    assert (found.exit_code, found.end_reason, found.image) == (3, "Error", "trainer")


def with_sidecar(own: dict[str, Any], phase: str, *, restart_policy: str = "Never", **status: Any) -> PodView:
    """Return the view of a pod into which a container was injected; `own` is the state of its own one."""
    statuses = [{"name": "a-proxy", "ready": False}, {"name": "worker", "ready": "running" in own, "state": own}]
    return PodView.of(
        {
            "metadata": {"name": "j-worker-0"},
            "spec": {"containers": [{"name": "a-proxy"}, {"name": "worker"}], "restartPolicy": restart_policy},
            "status": {"phase": phase, "containerStatuses": statuses, **status},
        }
    )


@pytest.mark.parametrize(
    ("exit_code", "phase", "expected", "occupies_node"),
    [
        pytest.param(0, "Running", "Succeeded", True, id="a sidecar that does not end"),
        pytest.param(3, "Running", "Failed", True, id="a sidecar that does not end, after a failure"),
        pytest.param(0, "Failed", "Succeeded", False, id="a sidecar that failed"),
        pytest.param(3, "Failed", "Failed", False, id="both failed"),
    ],
)
def test_the_phase_is_that_of_its_own_container(exit_code: int, phase: str, expected: str, occupies_node: bool) -> None:
    found = with_sidecar({"terminated": {"exitCode": exit_code}}, phase)
    assert (found.phase, found.finished, found.occupies_node) == (expected, True, occupies_node)


@pytest.mark.parametrize(
    ("own", "proxy", "init", "expected"),
    [
        pytest.param({"terminated": {"exitCode": 0}}, {"terminated": {}}, {"terminated": {}}, False, id="all ended"),
        pytest.param({"terminated": {"exitCode": 0}}, {"running": {}}, {"terminated": {}}, True, id="a sidecar runs"),
        pytest.param(
            {"terminated": {"exitCode": 0}}, {"terminated": {}}, {"running": {}}, True, id="another kind of it runs"
        ),
        pytest.param({"running": {}}, {"terminated": {}}, {"terminated": {}}, True, id="its own runs"),
    ],
)
def test_a_node_is_free_of_a_pod_when_all_its_containers_have_ended(
    own: dict[str, Any], proxy: dict[str, Any], init: dict[str, Any], expected: bool
) -> None:
    assert starting(own, proxy=proxy, init=init, phase="Running").occupies_node is expected


def test_a_container_that_is_restarted_or_runs_leaves_the_phase_as_it_is() -> None:
    assert with_sidecar({"terminated": {"exitCode": 1}}, "Running", restart_policy="Always").phase == "Running"
    assert with_sidecar({"running": {}}, "Running").phase == "Running"
    assert with_sidecar({"terminated": {"exitCode": "0"}}, "Running").phase == "Running"


def test_an_eviction_is_the_end_of_the_pod_however_its_container_ended() -> None:
    assert with_sidecar({"terminated": {"exitCode": 0}}, "Failed", reason="Evicted").phase == "Failed"


def test_a_pod_is_ready_although_a_sidecar_is_not() -> None:
    not_ready = {"type": "Ready", "status": "False", "reason": "ContainersNotReady"}
    assert with_sidecar({"running": {}}, "Running", conditions=[not_ready]).ready
    assert not with_sidecar({"waiting": {}}, "Running", conditions=[not_ready]).ready
    assert not with_sidecar({"running": {}}, "Running", conditions=[{**not_ready, "reason": "NodeNotReady"}]).ready


def test_a_container_without_a_status_has_not_ended() -> None:
    own, proxy = {"name": "worker"}, {"name": "a-proxy", "state": {"terminated": {"exitCode": 1}}}
    manifest = {
        "metadata": {"name": "j-worker-0"},
        "spec": {"containers": [own]},
        "status": {"containerStatuses": [proxy]},
    }
    assert PodView.of(manifest).exit_code is None


def starting(
    own: dict[str, Any],
    *,
    init: dict[str, Any] | None = None,
    proxy: dict[str, Any] | None = None,
    phase: str = "Pending",
) -> PodView:
    """Return the view of a pod with two injected containers; the arguments are states of containers."""
    statuses = [{"name": "proxy", "state": proxy or {}}, {"name": "worker", "state": own}]
    return PodView.of(
        {
            "metadata": {"name": "j-worker-0"},
            "spec": {"containers": [{"name": "proxy"}, {"name": "worker"}], "restartPolicy": "Never"},
            "status": {
                "phase": phase,
                "initContainerStatuses": [{"name": "init", "state": init or {}}],
                "containerStatuses": statuses,
            },
        }
    )


def waiting(reason: str) -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": "why"}}


@pytest.mark.parametrize(
    ("own", "others", "expected"),
    [
        pytest.param(
            waiting("PodInitializing"), {"init": waiting("CrashLoopBackOff")}, ("init", "CrashLoopBackOff"), id="init"
        ),
        pytest.param(
            waiting("ContainerCreating"), {"proxy": waiting("ErrImagePull")}, ("proxy", "ErrImagePull"), id="sidecar"
        ),
        pytest.param({}, {"init": waiting("RunContainerError")}, ("init", "RunContainerError"), id="no state"),
        pytest.param(
            waiting("CreateContainerError"), {"init": waiting("ErrImagePull")}, ("", "CreateContainerError"), id="own"
        ),
        pytest.param({"running": {}}, {"proxy": waiting("CrashLoopBackOff")}, ("", ""), id="it runs"),
        pytest.param(
            waiting("PodInitializing"), {"init": waiting("PodInitializing")}, ("", "PodInitializing"), id="prepared"
        ),
    ],
)
def test_what_keeps_the_own_container_from_running(
    own: dict[str, Any], others: dict[str, dict[str, Any]], expected: tuple[str, str]
) -> None:
    found = starting(own, **others)
    assert (found.waiting_container, found.waiting_reason) == expected


def test_the_image_of_an_injected_container_that_cannot_be_pulled_is_reported() -> None:
    assert (
        starting(waiting("PodInitializing"), init=waiting("ImagePullBackOff")).pull_failure == "ImagePullBackOff: why"
    )


def test_an_init_container_that_fails_is_named_in_the_end_of_its_pod() -> None:
    failed = {"terminated": {"exitCode": 7, "reason": "Error", "message": "no certificate\n"}}
    found = starting(waiting("PodInitializing"), init=failed, phase="Failed")
    assert (found.exit_code, found.end_message) == (None, "init container init failed with exit code 7: no certificate")
    assert starting(waiting("PodInitializing"), init={"terminated": {"exitCode": 0}}, phase="Failed").end_message == ""
    assert starting(waiting("PodInitializing"), init=failed).end_message == ""
