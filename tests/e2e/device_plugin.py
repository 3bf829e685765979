"""A device plugin for the GPUs of a fake driver: the kubelet counts them, allocates them and records the allocations.

It runs in pods, from the operator's image. The messages are those of the kubelet's
k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1.
"""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from llmtrain_agent.podresources import message_classes

FOLDER = Path("/var/lib/kubelet/device-plugins")
KUBELET, OWN = "kubelet.sock", "fake-gpus.sock"
RESOURCE, GPUS = "nvidia.com/gpu", 8
POLL_INTERVAL_SECONDS = 0.5
ONE, MANY = FieldDescriptorProto.LABEL_OPTIONAL, FieldDescriptorProto.LABEL_REPEATED
MESSAGES = message_classes(
    "v1beta1",
    {
        "Empty": (),
        "RegisterRequest": (("version", 1, ONE, ""), ("endpoint", 2, ONE, ""), ("resource_name", 3, ONE, "")),
        "DevicePluginOptions": (),
        "Device": (("ID", 1, ONE, ""), ("health", 2, ONE, "")),
        "ListAndWatchResponse": (("devices", 1, MANY, "Device"),),
        "ContainerAllocateRequest": (("devices_ids", 1, MANY, ""),),
        "AllocateRequest": (("container_requests", 1, MANY, "ContainerAllocateRequest"),),
        "Variable": (("key", 1, ONE, ""), ("value", 2, ONE, "")),
        "ContainerAllocateResponse": (("envs", 1, MANY, "Variable"),),
        "AllocateResponse": (("container_responses", 1, MANY, "ContainerAllocateResponse"),),
    },
)


def uuid(gpu: int) -> str:
    """Return a GPU's UUID, as the fake driver reports it."""
    return f"GPU-00000000-0000-4000-8000-{gpu:012d}"


def options(request: Any, context: Any) -> Any:
    """Return the options of the plugin: none."""
    return MESSAGES["DevicePluginOptions"]()


def list_and_watch(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
    """Send the list of GPUs and keep the stream open; the list never changes."""
    response = MESSAGES["ListAndWatchResponse"]()
    for gpu in range(GPUS):
        response.devices.add(ID=uuid(gpu), health="Healthy")
    yield response
    ended = threading.Event()
    context.add_callback(ended.set)
    ended.wait()


def allocate(request: Any, context: Any) -> Any:
    """Set the allocated GPU ids in each container's environment."""
    response = MESSAGES["AllocateResponse"]()
    for asked in request.container_requests:
        response.container_responses.add().envs.add(key="NVIDIA_VISIBLE_DEVICES", value=",".join(asked.devices_ids))
    return response


def serve() -> grpc.Server:
    """Serve on a socket in the kubelet's folder."""
    (FOLDER / OWN).unlink(missing_ok=True)
    methods = {
        "GetDevicePluginOptions": (grpc.unary_unary_rpc_method_handler, options, "Empty"),
        "ListAndWatch": (grpc.unary_stream_rpc_method_handler, list_and_watch, "Empty"),
        "Allocate": (grpc.unary_unary_rpc_method_handler, allocate, "AllocateRequest"),
    }
    handlers = {
        name: kind(
            function,
            request_deserializer=MESSAGES[request].FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )
        for name, (kind, function, request) in methods.items()
    }
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("v1beta1.DevicePlugin", handlers),))
    server.add_insecure_port(f"unix:{FOLDER / OWN}")
    server.start()
    return server


def register() -> None:
    """Register with the kubelet."""
    request = MESSAGES["RegisterRequest"](version="v1beta1", endpoint=OWN, resource_name=RESOURCE)
    with grpc.insecure_channel(f"unix:{FOLDER / KUBELET}") as channel:
        call = channel.unary_unary(
            "/v1beta1.Registration/Register",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=MESSAGES["Empty"].FromString,
        )
        call(request, timeout=10, wait_for_ready=True)
    print("registered", flush=True)


def main() -> None:
    """Register again whenever the kubelet has restarted, which removes the socket."""
    while True:
        server = serve()
        register()
        while (FOLDER / OWN).exists():
            time.sleep(POLL_INTERVAL_SECONDS)
        server.stop(0).wait()


if __name__ == "__main__":
    main()
