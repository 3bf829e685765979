"""The PodResources client speaks gRPC on a socket like the kubelet's."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from llmtrain_agent.podresources import MESSAGES, PodResources

PODS = {"a": ["GPU-1", "GPU-2"], "b": ["GPU-3::0"], "c": ["GPU-3::1"], "d": [], "e": ["nvidia0/vgpu1"]}


def list_pod_resources(request: object, context: object) -> object:
    response = MESSAGES["ListPodResourcesResponse"]()
    for name, devices in PODS.items():
        pod = response.pod_resources.add(name=name, namespace="team")
        pod.containers.add(name="trainer").devices.add(resource_name="nvidia.com/gpu", device_ids=devices)
    return response


@pytest.fixture
def socket(tmp_path: Path) -> Iterator[str]:
    handler = grpc.unary_unary_rpc_method_handler(
        list_pod_resources,
        request_deserializer=MESSAGES["ListPodResourcesRequest"].FromString,
        response_serializer=lambda message: message.SerializeToString(),
    )
    server = grpc.server(ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("v1.PodResourcesLister", {"List": handler}),))
    server.add_insecure_port(f"unix:{tmp_path}/kubelet.sock")
    server.start()
    yield f"{tmp_path}/kubelet.sock"
    server.stop(0)


def test_every_device_has_its_owners(socket: str) -> None:
    owners = PodResources(socket).device_owners()
    assert owners == {
        "GPU-1": {("team", "a")},
        "GPU-2": {("team", "a")},
        "GPU-3": {("team", "b"), ("team", "c")},
        "nvidia0": {("team", "e")},
    }


def test_an_unreachable_kubelet_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="PodResources"):
        PodResources(f"{tmp_path}/none.sock").device_owners()


def test_the_field_numbers_are_the_kubelets() -> None:
    """A message encoded by hand, as in k8s.io/kubelet/pkg/apis/podresources/v1/api.proto."""
    device = b"\x0a\x0envidia.com/gpu" + b"\x12\x05GPU-1"
    container = b"\x0a\x01t" + b"\x12" + bytes([len(device)]) + device
    pod = b"\x0a\x01p" + b"\x12\x01n" + b"\x1a" + bytes([len(container)]) + container
    response = MESSAGES["ListPodResourcesResponse"].FromString(b"\x0a" + bytes([len(pod)]) + pod)
    (decoded,) = response.pod_resources
    assert (decoded.name, decoded.namespace, list(decoded.containers[0].devices[0].device_ids)) == ("p", "n", ["GPU-1"])
