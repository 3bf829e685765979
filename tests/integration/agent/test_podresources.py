"""The PodResources API over real gRPC, on a socket as the kubelet's."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from llmtrain_agent.podresources import MESSAGES, PodResources

PODS = {"a": ["GPU-1", "GPU-2"], "b": ["GPU-3::0"], "c": ["GPU-3::1"], "d": [], "e": ["nvidia0/vgpu1"]}


def answer(request: object, context: object) -> object:
    response = MESSAGES["ListPodResourcesResponse"]()
    for name, devices in PODS.items():
        pod = response.pod_resources.add(name=name, namespace="team")
        pod.containers.add(name="trainer").devices.add(resource_name="nvidia.com/gpu", device_ids=devices)
    return response


@pytest.fixture
def socket(tmp_path: Path) -> Iterator[str]:
    handler = grpc.unary_unary_rpc_method_handler(
        answer,
        request_deserializer=MESSAGES["ListPodResourcesRequest"].FromString,
        response_serializer=lambda message: message.SerializeToString(),
    )
    server = grpc.server(ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("v1.PodResourcesLister", {"List": handler}),))
    server.add_insecure_port(f"unix:{tmp_path}/kubelet.sock")
    server.start()
    yield f"{tmp_path}/kubelet.sock"
    server.stop(0)


def test_who_holds_which_device(socket: str) -> None:
    held = PodResources(socket).device_owners()
    assert held == {
        "GPU-1": {("team", "a")},
        "GPU-2": {("team", "a")},
        "GPU-3": {("team", "b"), ("team", "c")},
        "nvidia0": {("team", "e")},
    }


def test_a_kubelet_that_does_not_answer(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="PodResources"):
        PodResources(f"{tmp_path}/none.sock").device_owners()


def test_the_messages_are_the_kubelets() -> None:
    """Field numbers as in k8s.io/kubelet/pkg/apis/podresources/v1/api.proto, written out as they go over the wire."""
    device = b"\x0a\x0envidia.com/gpu" + b"\x12\x05GPU-1"
    container = b"\x0a\x01t" + b"\x12" + bytes([len(device)]) + device
    pod = b"\x0a\x01p" + b"\x12\x01n" + b"\x1a" + bytes([len(container)]) + container
    read = MESSAGES["ListPodResourcesResponse"].FromString(b"\x0a" + bytes([len(pod)]) + pod)
    (found,) = read.pod_resources
    assert (found.name, found.namespace, list(found.containers[0].devices[0].device_ids)) == ("p", "n", ["GPU-1"])
