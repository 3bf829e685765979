"""Which pod the kubelet gave which device: its PodResources API, gRPC on a socket of the node.

The messages are those parts of the kubelet's k8s.io/kubelet/pkg/apis/podresources/v1 that are needed here.
"""

from collections.abc import Mapping
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SOCKET = "/var/lib/kubelet/pod-resources/kubelet.sock"
METHOD = "/v1.PodResourcesLister/List"
ANSWER_SECONDS = 1.0
RECONNECT = (("grpc.initial_reconnect_backoff_ms", 1000), ("grpc.max_reconnect_backoff_ms", 5000))
"""A kubelet that was away is asked again at once, not two minutes later as gRPC would by itself."""
_STRING, _MESSAGE = descriptor_pb2.FieldDescriptorProto.TYPE_STRING, descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE
_ONE, _MANY = descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL, descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
Fields = tuple[tuple[str, int, Any, str], ...]
"""Of a message: name, number, one or many, and the message it holds, if it isn't a string."""
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
    """Return classes for messages of protocol buffers, by name."""
    file = descriptor_pb2.FileDescriptorProto(name=f"llmtrain/{package}.proto", package=package, syntax="proto3")
    for message, fields in messages.items():
        added = file.message_type.add(name=message)
        for name, number, label, of in fields:
            kind = {"type": _MESSAGE, "type_name": f".{package}.{of}"} if of else {"type": _STRING}
            added.field.add(name=name, number=number, label=label, **kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}")) for name in messages}


MESSAGES = message_classes("v1", _MESSAGES)


class PodResources:
    """The kubelet's answers; one connection, made when it is needed."""

    def __init__(self, socket: str = SOCKET) -> None:
        self._channel = grpc.insecure_channel(f"unix:{socket}", options=RECONNECT)
        self._list: Any = self._channel.unary_unary(
            METHOD,
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=MESSAGES["ListPodResourcesResponse"].FromString,
        )

    def device_owners(self) -> dict[str, set[PodName]]:
        """Return the pods that hold each device, by the device's id. Raises OSError if the kubelet doesn't answer."""
        try:
            answer = self._list(MESSAGES["ListPodResourcesRequest"](), timeout=ANSWER_SECONDS)
        except grpc.RpcError as error:
            raise OSError(f"the kubelet's PodResources API doesn't answer: {error.details()}") from error
        found: dict[str, set[PodName]] = {}
        for pod in answer.pod_resources:
            for device in (device for container in pod.containers for device in container.devices):
                for name in device.device_ids:
                    found.setdefault(device_of(name), set()).add((pod.namespace, pod.name))
        return found


def device_of(name: str) -> str:
    """Return the device that an id names: plugins add `::N`, GKE's `/vgpuN`, to a device that several pods may have."""
    return name.partition("::")[0].partition("/vgpu")[0]
