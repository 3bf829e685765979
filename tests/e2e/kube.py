"""A real cluster as these tests use it: through kubectl, as users do."""

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.polling import eventually

Manifest = dict[str, Any]

ROOT = Path(__file__).parents[2]
POLL_SECONDS = 0.25
NO_ANSWER = (
    "Unable to connect",
    "handshake timeout",
    "connection refused",
    "i/o timeout",
    "etcdserver:",
    "EOF",
    "connection lost",
)
"""Parts of the errors of kubectl when the API server did not answer."""


@dataclass(frozen=True, kw_only=True)
class Kube:
    """kubectl bound to one namespace. Every wait has a deadline, and its error shows the state of the namespace."""

    environment: dict[str, str]
    namespace: str

    def run(self, *arguments: str, text: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Return a finished kubectl call. If `check` is set, AssertionError with its output if it fails."""
        done = subprocess.run(
            ["kubectl", "-n", self.namespace, *arguments],
            input=text,
            capture_output=True,
            text=True,
            env=self.environment,
            timeout=120,
            check=False,
        )
        assert not check or done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done

    def read(self, *arguments: str) -> str:
        """Return the output of a call that changes nothing, which is repeated while the API server does not answer."""
        for _ in range(5):
            done = self.run(*arguments, check=False)
            if done.returncode == 0 or not any(words in done.stderr for words in NO_ANSWER):
                break
            time.sleep(1)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def apply(
        self, *manifests: Manifest, check: bool = True, dry_run: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Apply manifests; JSON is YAML. With `dry_run`, the output is what would be stored."""
        text = "\n---\n".join(json.dumps(manifest) for manifest in manifests)
        options = ["--dry-run=server", "-o", "json"] if dry_run else []
        return self.run("apply", *options, "-f", "-", text=text, check=check)

    def get(self, kind: str, name: str) -> Manifest | None:
        """Return one object, or None if it isn't there."""
        text = self.read("get", kind, name, "-o", "json", "--ignore-not-found")
        found: Manifest | None = json.loads(text) if text.strip() else None
        return found

    def objects(self, kind: str, selector: str = "") -> list[Manifest]:
        """Return the objects of a kind."""
        text = self.read("get", kind, "-o", "json", *(["-l", selector] if selector else []))
        items: list[Manifest] = json.loads(text)["items"]
        return items

    def pods(self, job: str, role: str = "") -> list[Manifest]:
        """Return the pods of a job."""
        return self.objects("pods", f"llmtrain.dev/job={job}" + (f",llmtrain.dev/role={role}" if role else ""))

    def status(self, job: str) -> Manifest:
        """Return the status of a job, empty if it has none."""
        found = self.get("ltj", job)
        status: Manifest = (found or {}).get("status") or {}
        return status

    def events(self, name: str) -> list[Manifest]:
        """Return the events about an object."""
        text = self.read("get", "events", "--field-selector", f"involvedObject.name={name}", "-o", "json")
        items: list[Manifest] = json.loads(text)["items"]
        return items

    def wait(self, what: str, probe: Callable[[], Any], seconds: float = 120) -> Any:
        """Return the first true value of `probe`; AssertionError, with the state of the namespace, after `seconds`."""
        return eventually(probe, what, seconds=seconds, interval=POLL_SECONDS, details=self.picture)

    def picture(self) -> str:
        """Return the objects, events and logs that explain a failed wait."""
        pods = self.run("get", "pods", "-o", "name", check=False).stdout.split()
        parts = [
            self.run("get", "ltj,pods", "-o", "wide", check=False).stdout,
            *(f"{pod}\n{self.run('logs', pod, '--tail=12', check=False).stdout[-3000:]}" for pod in pods),
            self.run("get", "events", "--sort-by=.lastTimestamp", check=False).stdout[-4000:],
            self.run(
                "-n",
                "llmtrain-system",
                "logs",
                "-l",
                "app.kubernetes.io/name=llmtrain-operator",
                "--tail=40",
                check=False,
            ).stdout[-6000:],
        ]
        return "\n".join(parts)

    def wait_for_stage(self, job: str, stage: str, seconds: float = 180) -> Manifest:
        """Wait until a job is in a stage; fail at once if it fails instead. Return its status."""

        def in_stage() -> Manifest | None:
            status = self.status(job)
            assert stage == "Failed" or status.get("stage") != "Failed", f"{job} failed: {json.dumps(status, indent=1)}"
            return status if status.get("stage") == stage else None

        found: Manifest = self.wait(f"{job} is {stage}", in_stage, seconds)
        return found

    def job_metrics(self, job: str) -> dict[str, float]:
        """Return the metrics of a job's coordinator, without labels; empty while it does not answer."""
        service = f"/api/v1/namespaces/{self.namespace}/services/http:{job}-coordinator:8470"
        text = self.run("get", "--raw", f"{service}/proxy/metrics", check=False).stdout
        lines = (line for line in text.splitlines() if line and line[0] != "#")
        return {line.split("{")[0]: float(line.split()[-1]) for line in lines}

    def wait_for_step(self, job: str, step: int, seconds: float = 180) -> int:
        """Wait until a job has done some steps; return how many. The status shows it up to 30 seconds later."""
        found: int = self.wait(
            f"{job} has done {step} steps",
            lambda: (done := int(self.job_metrics(job).get("llmtrain_job_step", 0))) >= step and done,
            seconds,
        )
        return found

    def delete_job(self, job: str) -> None:
        """Delete a job and wait until its pods are gone, so that the next test has the nodes."""
        self.run("delete", "ltj", job, "--ignore-not-found", "--wait=false")
        self.wait(f"the pods of {job} are gone", lambda: not self.pods(job))


def condition(status: Manifest, type: str) -> Manifest:
    """Return one condition; empty if it isn't set."""
    found: Manifest = next((c for c in status.get("conditions", ()) if c["type"] == type), {})
    return found


def installed_image(kube: Kube, part: str = "operator") -> str:
    """Return the image that the chart was installed with for a part: `operator` or `trainer-cpu`."""
    operator = Kube(environment=kube.environment, namespace="llmtrain-system").get("deployment", "llmtrain-operator")
    assert operator is not None
    (container,) = operator["spec"]["template"]["spec"]["containers"]
    variables = {variable["name"]: variable.get("value", "") for variable in container["env"]}
    image: str = container["image"] if part == "operator" else variables["LLMTRAIN_TRAINER_CPU_IMAGE"]
    return image
