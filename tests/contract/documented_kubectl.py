"""The rules of documented kubectl commands: verbs, resources, fields of the CRDs, names that the chart gives."""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from contract.documented import (
    PLACEHOLDER,
    ROOT,
    StrictParser,
    Undocumented,
    known_file,
    known_job,
    known_namespace,
    known_pod,
)
from llmtrain_api.conditions import JobCondition
from llmtrain_api.names import COORDINATOR_PORT, FIELD_MANAGER, JOB_KIND
from support.markdown import Page

CRDS: list[dict[str, Any]] = [yaml.safe_load(path.read_text()) for path in sorted((ROOT / "crds").glob("*.yaml"))]
BUILT_IN = {"crd", "lease", "leases", "node", "nodes", "pod", "pods", "pvc"}
"""Other resources that commands name."""


def _names(crd: dict[str, Any]) -> set[str]:
    names = crd["spec"]["names"]
    return {names["plural"], names["singular"], *names.get("shortNames", ())}


def crd_of(resource: str) -> dict[str, Any] | None:
    """Return the CRD of a resource by any of its names; None for a built-in one."""
    found = next((crd for crd in CRDS if resource in _names(crd)), None)
    if found is None and resource not in BUILT_IN:
        raise Undocumented(f"kubectl: no resource {resource}")
    return found


def field_schema(resource: str, path: str) -> dict[str, Any]:
    """Return the schema of a field, such as `spec.workers`, of a resource of llmtrain."""
    crd = crd_of(resource)
    if crd is None:
        raise Undocumented(f"kubectl: {resource} is not a resource of llmtrain")
    (version,) = crd["spec"]["versions"]
    schema: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    for part in path.split("."):
        schema = schema.get("items", schema)
        if part not in schema.get("properties", {}):
            raise Undocumented(f"{resource} has no field {path}: {part!r} is not there")
        schema = schema["properties"][part]
    return schema


def check_kubectl(words: list[str], page: Page) -> None:
    """Check one kubectl command against the CRDs, the chart and the page."""
    if words:  # in prose, `kubectl` is the name of the program, and `kubectl apply` that of a verb
        options = _parser().parse_args(words)
        if options.namespace is not None:
            known_namespace(options.namespace)
        if len(words) > 1:
            options.check(options, page)


def _parser() -> StrictParser:
    root = StrictParser(prog="kubectl")
    root.add_argument("-n", dest="namespace")
    verbs = root.add_subparsers(required=True)

    def verb(
        name: str, check: Any, *arguments: str, flags: tuple[str, ...] = (), switches: tuple[str, ...] = ()
    ) -> None:
        one = verbs.add_parser(name)
        for argument in arguments:
            one.add_argument(argument, nargs="*" if argument == "names" else "?", default=None)
        for flag in flags:
            one.add_argument(flag)
        for switch in switches:
            one.add_argument(switch, action="store_true")
        one.set_defaults(check=check)

    verb("get", _get, "names", flags=("-o", "--raw"), switches=("--watch",))
    verb("apply", _apply, flags=("-f",))
    verb("describe", _get, "names", flags=("-o", "--raw"))
    verb("delete", _delete, "names", switches=("--now",))
    verb("explain", _explain, "path", switches=("--recursive",))
    verb("logs", _logs, "target")
    verb("wait", _wait, "target", flags=("--for", "--timeout"))
    verb("scale", _scale, "target", flags=("--replicas",))
    verb("patch", _patch, "resource", "name", flags=("--type", "-p"))
    verb("cp", _cp, "source", "destination")
    verb("exec", _exec, "names")
    verb("run", _run, "name", flags=("--image", "--overrides"))
    verb("port-forward", _port_forward, "target", "ports")
    verb("rollout", _rollout, "action", "target")
    return root


def _get(options: Any, page: Page) -> None:
    if options.raw:
        _raw(options.raw)
    else:
        _get_resources(options, page)


def _get_resources(options: Any, page: Page) -> None:
    resource, *names = options.names
    for one in resource.split(","):
        crd_of(one)
        for name in names:
            _known_object(one, name, page)
    if options.o and (path := re.fullmatch(r"jsonpath=\{\.(.+)\}", options.o)):
        field_schema(resource, path[1])
    elif options.o not in (None, "wide", "yaml", "json"):
        raise Undocumented(f"kubectl: -o {options.o}")


def _known_object(resource: str, name: str, page: Page) -> None:
    """Require an object that the docs, the chart or the reader's cluster has."""
    crd = crd_of(resource)
    kind = crd["spec"]["names"]["kind"] if crd else resource.removesuffix("s")
    if kind == JOB_KIND:
        known_job(name)
    elif kind == "pod":
        known_pod(name, page)
    elif PLACEHOLDER.fullmatch(name):
        return
    elif kind == "crd":
        if name not in {one["metadata"]["name"] for one in CRDS}:
            raise Undocumented(f"kubectl: no CRD {name}")
    elif kind == "lease":
        if name != FIELD_MANAGER:
            raise Undocumented(f"kubectl: no Lease {name}")
    elif not _chart_objects(kind, name):
        raise Undocumented(f"kubectl: the chart has no {kind} {name}")


def _target(target: str, page: Page) -> str:
    """Require an object named as KIND/NAME; return KIND."""
    resource, slash, name = target.partition("/")
    if not slash:
        raise Undocumented(f"kubectl: {target} is not KIND/NAME")
    _known_object(resource, name, page)
    return resource


def _raw(path: str) -> None:
    found = re.fullmatch(r"/api/v1/namespaces/([\w-]+)/services/([\w-]+):(\d+)/proxy/metrics", path)
    if found is None:
        raise Undocumented(f"kubectl: {path}")
    known_namespace(found[1])
    name, port = found[2], int(found[3])
    ports = {COORDINATOR_PORT} if name.endswith("-coordinator") else _service_ports(name)
    if port not in ports:
        raise Undocumented(f"Service {name} has no port {port}, but {ports}")


def _chart_objects(kind: str, name: str) -> list[dict[str, Any]]:
    text = (Path(__file__).parent / "golden" / "defaults.yaml").read_text()
    objects = [one for one in yaml.safe_load_all(text) if one]
    return [one for one in objects if one["kind"] == kind and one["metadata"]["name"] == name]


def _service_ports(name: str) -> set[int]:
    return {port["port"] for service in _chart_objects("Service", name) for port in service["spec"]["ports"]}


def _apply(options: Any, page: Page) -> None:
    known_file(options.f, page)


def _delete(options: Any, page: Page) -> None:
    resource, *names = options.names
    crd_of(resource)
    for name in names:
        _known_object(resource, name, page)


def _explain(options: Any, page: Page) -> None:
    resource, _, path = options.path.partition(".")
    field_schema(resource, path)


def _logs(options: Any, page: Page) -> None:
    kind, slash, name = options.target.partition("/")
    if not slash:
        known_pod(options.target, page)
    elif not _chart_objects(kind.capitalize(), name):
        raise Undocumented(f"kubectl: the chart has no {kind} {name}")


def _wait(options: Any, page: Page) -> None:
    ours = crd_of(_target(options.target, page)) is not None
    known = {str(condition) for condition in JobCondition} if ours else {"Ready"}
    if getattr(options, "for").removeprefix("condition=") not in known:
        raise Undocumented(f"kubectl: no condition {getattr(options, 'for')}")
    if not re.fullmatch(r"\d+[smh]", options.timeout):
        raise Undocumented(f"kubectl: {options.timeout} is not a duration")


def _scale(options: Any, page: Page) -> None:
    if options.target is not None:
        crd = crd_of(_target(options.target, page))
        if not re.fullmatch(r"\d+|N", options.replicas):
            raise Undocumented(f"kubectl: {options.replicas} is not a number of replicas")
        if crd is None or not all("scale" in version["subresources"] for version in crd["spec"]["versions"]):
            raise Undocumented(f"kubectl: {options.target} can't be scaled")


def _patch(options: Any, page: Page) -> None:
    _known_object(options.resource, options.name, page)
    for path in _paths(json.loads(options.p)):
        field_schema(options.resource, path)


def _paths(value: object) -> list[str]:
    """Return the paths of all leaves of a JSON value."""
    if not isinstance(value, dict):
        return [""]
    return [f"{key}.{rest}".rstrip(".") for key, inner in value.items() for rest in _paths(inner)]


def _cp(options: Any, page: Page) -> None:
    source, destination = options.source, options.destination
    known_file(source, page)
    pod, _, path = destination.partition(":")
    known_pod(pod, page)
    _mounted(path, page)


def _exec(options: Any, page: Page) -> None:
    pod, *command, path = options.names
    known_pod(pod, page)
    if command != ["mkdir", "-p"]:
        raise Undocumented(f"kubectl: exec {options.names}")
    _mounted(path, page)


def _mounted(path: str, page: Page) -> None:
    """Require a path below a mount of a pod that the page creates."""
    mounts = re.findall(r"\"?mountPath\"?: ?\"?(/[\w/]+)", page.text)
    if not any(path.startswith(f"{mount}/") for mount in mounts):
        raise Undocumented(f"kubectl: no pod of {page.path.name} mounts {path}")


def _rollout(options: Any, page: Page) -> None:
    kind, _, name = options.target.partition("/")
    if options.action not in ("status", "restart") or kind != "deployment" or not _chart_objects("Deployment", name):
        raise Undocumented(f"kubectl: rollout {options.action} {options.target}")


def _run(options: Any, page: Page) -> None:
    (container,) = json.loads(options.overrides)["spec"]["containers"]
    if (container["name"], container["image"]) != (options.name, options.image):
        raise Undocumented("kubectl: the overrides are of another container")


def _port_forward(options: Any, page: Page) -> None:
    if options.target != "svc/prometheus" or options.ports != "9090":
        raise Undocumented(f"kubectl: port-forward {options.target} {options.ports}")
