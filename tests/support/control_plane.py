"""A real API server without a cluster: etcd, kube-apiserver and the garbage collector as processes of this machine.

There are no nodes, no scheduler and no kubelets; a test plays them, see `support.played_cluster`.
"""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from llmtrain_api.parent_death import die_with_parent
from llmtrain_kind.go_tools import make_control_plane
from support.ports import free_port

ROOT = Path(__file__).parents[2]
TOKEN = "administrator"
READY_SECONDS = 60.0
POLL_SECONDS = 0.1
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
GATES = "--feature-gates=GenericWorkload=true"
FLAGS = (
    "--bind-address=127.0.0.1",
    "--authorization-mode=AlwaysAllow",
    "--disable-admission-plugins=ServiceAccount",
    "--service-account-issuer=https://issuer.example",
    "--service-cluster-ip-range=10.0.0.0/16",
    GATES,
    "--runtime-config=scheduling.k8s.io/v1beta1=true",
    "--watch-cache=true",
)
"""No controller creates service accounts, and PodGroups are served as in the cluster of the e2e tests."""


class RequestFailed(Exception):
    """The API server refused a request of the test."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Server:
    """Where an API server listens."""

    url: str

    def connect(self) -> aiohttp.ClientSession:
        """Return a session of an administrator."""
        connector = aiohttp.TCPConnector(ssl=False, limit=0)
        return aiohttp.ClientSession(
            self.url,
            connector=connector,
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=aiohttp.ClientTimeout(total=None),
            read_bufsize=2**24,
        )


class Administrator:
    """Requests of an administrator, and of the components that the test plays."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    async def send(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Any:
        """Return the answer to a request; raise RequestFailed if it fails."""
        data = None if body is None else json.dumps(body)
        async with self.session.request(method, path, data=data, headers={"Content-Type": content_type}) as response:
            answer = await response.json()
        if response.status >= 400:
            raise RequestFailed(response.status, str(answer.get("message")))
        return answer

    async def apply(self, path: str, body: Any) -> Any:
        """Apply an object server-side."""
        return await self.send("PATCH", f"{path}?fieldManager=test&force=true", body, APPLY)

    async def merge(self, path: str, body: Any) -> Any:
        """Change some fields of an object."""
        return await self.send("PATCH", path, body, MERGE)

    async def items(self, path: str) -> list[Any]:
        """Return a list of objects."""
        found: list[Any] = (await self.send("GET", path))["items"]
        return found


@contextmanager
def running_control_plane(folder: Path) -> Iterator[Server]:
    """Run a control plane with llmtrain's CRDs inside the context."""
    tools = make_control_plane()
    for component in ("kube-apiserver", "kube-controller-manager"):
        (folder / component).symlink_to(tools / "localkube")
    key, tokens = folder / "service-account.key", folder / "tokens.csv"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    tokens.write_text(f"{TOKEN},administrator,administrator,system:masters\n")
    etcd, peer, port = (free_port() for _ in range(3))
    server = Server(url=f"https://127.0.0.1:{port}")
    processes: list[subprocess.Popen[bytes]] = []

    def start(name: str, *arguments: object) -> None:
        with (folder / f"{Path(name).name}.log").open("wb") as log:
            command = [name, *map(str, arguments)]
            processes.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, preexec_fn=die_with_parent))

    try:
        start(
            str(tools / "etcd"),
            "--data-dir=etcd",
            "--unsafe-no-fsync",
            f"--listen-client-urls=http://127.0.0.1:{etcd}",
            f"--advertise-client-urls=http://127.0.0.1:{etcd}",
            f"--listen-peer-urls=http://127.0.0.1:{peer}",
        )
        start(
            str(folder / "kube-apiserver"),
            *FLAGS,
            f"--etcd-servers=http://127.0.0.1:{etcd}",
            f"--secure-port={port}",
            "--cert-dir=certificates",
            f"--service-account-signing-key-file={key}",
            f"--service-account-key-file={key}",
            f"--token-auth-file={tokens}",
        )
        kubeconfig = write_kubeconfig(folder / "kubeconfig", server.url)
        kubectl = [str(tools / "kubectl"), f"--kubeconfig={kubeconfig}"]
        wait_until_served([*kubectl, "get", "--raw=/readyz"], folder)
        crds = sorted((ROOT / "crds").glob("*.yaml"))
        subprocess.run(
            [*kubectl, "apply", "--server-side", *(f"--filename={crd}" for crd in crds)],
            check=True,
            capture_output=True,
        )
        for crd in crds:
            wait_until_served([*kubectl, "get", yaml.safe_load(crd.read_text())["metadata"]["name"]], folder)
        start(
            str(folder / "kube-controller-manager"),
            f"--kubeconfig={kubeconfig}",
            "--controllers=garbage-collector-controller,podgroup-protection-controller",
            GATES,
            "--leader-elect=false",
            "--secure-port=0",
        )
        yield server
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait()


def wait_until_served(command: list[str], folder: Path) -> None:
    """Wait until a command of kubectl succeeds; AssertionError with the API server's log if that takes too long."""
    deadline = time.monotonic() + READY_SECONDS
    while subprocess.run(command, capture_output=True).returncode:
        log = folder / "kube-apiserver.log"
        assert time.monotonic() < deadline, f"{command} fails:\n{log.read_text()[-4000:]}"
        time.sleep(POLL_SECONDS)


def write_kubeconfig(path: Path, url: str) -> Path:
    """Write a kubeconfig of the administrator, and return its path."""
    cluster = {"server": url, "insecure-skip-tls-verify": url.startswith("https")}
    config = {
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "administrator", "user": {"token": TOKEN}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "administrator"}}],
        "current-context": "test",
    }
    path.write_text(json.dumps(config))
    return path


async def absent_is_fine(request: Any) -> None:
    """Await a request about an object that may have changed or disappeared in between."""
    with suppress(RequestFailed):
        await request
