"""Which pod owns which device, from the kubelet's PodResources API: gRPC on a socket of the node.

The messages are declared here as far as they are needed, from k8s.io/kubelet/pkg/apis/podresources/v1.
"""

from collections.abc import Mapping
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SOCKET = "/var/lib/kubelet/pod-resources/kubelet.sock"
METHOD = "/v1.PodResourcesLister/List"
TIMEOUT_SECONDS = 1.0
RECONNECT = (("grpc.initial_reconnect_backoff_ms", 1000), ("grpc.max_reconnect_backoff_ms", 5000))
"""gRPC would wait up to two minutes before it reconnects to a kubelet that has restarted."""
_STRING, _MESSAGE = descriptor_pb2.FieldDescriptorProto.TYPE_STRING, descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE
_ONE, _MANY = descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL, descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
Fields = tuple[tuple[str, int, Any, str], ...]
"""The fields of a message: name, number, label, and the message type; an empty type means a string."""
_MESSAGES: dict[str, Fields] = {
    "ListPodResourcesRequest": (),
    "ListPodResourcesResponse": (("pod_resources", 1, _MANY, "PodResources"),),
    "PodResources": (("name", 1, _ONE, ""), ("namespace", 2, _ONE, ""), ("containers", 3, _MANY, "ContainerResources")),
    "ContainerResources": (("name", 1, _ONE, ""), ("devices", 2, _MANY, "ContainerDevices")),
    "ContainerDevices": (("resource_name", 1, _ONE, ""), ("device_ids", 2, _MANY, "")),
}

PodName = tuple[str, str]
"""(namespace, name)."""


def message_classes(package: str, messages: Mapping[str, Fields]) -> Mapping[str, Any]:
    """Return protocol buffer classes by message name, made from their declarations."""
    file = descriptor_pb2.FileDescriptorProto(name=f"llmtrain/{package}.proto", package=package, syntax="proto3")
    for message, fields in messages.items():
        added = file.message_type.add(name=message)
        for name, number, label, message_type in fields:
            field = added.field.add(name=name, number=number, label=label, type=_STRING)
            if message_type:
                field.type, field.type_name = _MESSAGE, f".{package}.{message_type}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}")) for name in messages}


MESSAGES = message_classes("v1", _MESSAGES)


class PodResources:
    """A client of the PodResources API, which connects at the first call."""

    def __init__(self, socket: str = SOCKET) -> None:
        self._channel = grpc.insecure_channel(f"unix:{socket}", options=RECONNECT)
        self._list: Any = self._channel.unary_unary(
            METHOD,
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=MESSAGES["ListPodResourcesResponse"].FromString,
        )

    def device_owners(self) -> dict[str, set[PodName]]:
        """Return the pods that own each device, by device id. Raises OSError if the kubelet does not answer."""
        try:
            answer = self._list(MESSAGES["ListPodResourcesRequest"](), timeout=TIMEOUT_SECONDS)
        except grpc.RpcError as error:
            raise OSError(f"the kubelet's PodResources API does not answer: {error.details()}") from error
        owners: dict[str, set[PodName]] = {}
        for pod in answer.pod_resources:
            for device in (device for container in pod.containers for device in container.devices):
                for device_id in device.device_ids:
                    owners.setdefault(without_replica(device_id), set()).add((pod.namespace, pod.name))
        return owners


def without_replica(device_id: str) -> str:
    """Return an id without the suffix that plugins add to a shared device: `::N`, or `/vgpuN` on GKE."""
    return device_id.partition("::")[0].partition("/vgpu")[0]
