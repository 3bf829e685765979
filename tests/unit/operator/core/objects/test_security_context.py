"""Security contexts of pods and containers."""

import pytest

from llmtrain_api.pods import SecurityContext
from llmtrain_operator.core.objects.security_context import (
    container_security_context,
    is_rdma,
    pod_security_context,
)


def test_a_pod_runs_as_the_user_of_the_images() -> None:
    found = pod_security_context(SecurityContext())
    assert found["runAsNonRoot"] is True
    assert found["seccompProfile"] == {"type": "RuntimeDefault"}
    assert {found["runAsUser"], found["runAsGroup"], found["fsGroup"]} == {65532}
    assert "supplementalGroups" not in found


def test_a_pod_runs_as_the_owner_of_files_on_an_nfs_server() -> None:
    context = SecurityContext(run_as_user=1000, run_as_group=100, fs_group=100, supplemental_groups=[2000])
    found = pod_security_context(context)
    assert (found["runAsUser"], found["runAsGroup"], found["fsGroup"]) == (1000, 100, 100)
    assert found["supplementalGroups"] == [2000]


def test_a_cluster_that_assigns_users_is_left_the_choice() -> None:
    found = pod_security_context(SecurityContext(assigned_by="Cluster"))
    assert found == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def test_a_container_has_no_capabilities_and_a_read_only_root() -> None:
    assert container_security_context(("cpu", "memory", "nvidia.com/gpu")) == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_a_container_with_rdma_can_lock_memory_and_nothing_else() -> None:
    found = container_security_context(("cpu", "rdma/hca"))
    assert found["capabilities"] == {"drop": ["ALL"], "add": ["IPC_LOCK"]}
    assert found["allowPrivilegeEscalation"] is False


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("rdma/hca_shared_devices_a", True),
        ("rdma/ib", True),
        ("vpc.amazonaws.com/efa", True),
        ("nvidia.com/rdma_shared_device_a", True),
        ("nvidia.com/hostdev", True),
        ("networking.gke.io.networks/rdma-0", True),
        ("nvidia.com/mlnxnics", True),
        ("nvidia.com/ibp24s0", True),
        ("example.com/rocev2", True),
        ("example.com/processor", False),
        ("ibm.com/aiu_pf", False),
        ("example.com/ibex", False),
        ("nvidia.com/gpu", False),
        ("nvidia.com/mig-1g.10gb", False),
        ("amd.com/gpu", False),
        ("hugepages-2Mi", False),
        ("ephemeral-storage", False),
    ],
)
def test_network_adapters_are_known_by_their_names(resource: str, expected: bool) -> None:
    assert is_rdma(resource) is expected
