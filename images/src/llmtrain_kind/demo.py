"""`make demo`: from nothing to a language model, on a local cluster, with progress to watch.

Needs nothing but Python, as nothing is installed yet when it starts.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmtrain_kind.cluster import Cluster
from llmtrain_kind.errors import CommandFailed, KindError
from llmtrain_kind.paths import REPOSITORY
from llmtrain_kind.progress import log, step

NAMESPACE = "demo"
JOB = "gpt-stdlib"
DEMO_WORKERS = 2
"""Worker nodes of the demo's cluster."""
JOB_FILE = REPOSITORY / "examples" / f"{JOB}.yaml"
_METRICS = f"/api/v1/namespaces/{NAMESPACE}/services/http:{JOB}-coordinator:8470/proxy/metrics"
_SHOWN_METRICS = ("llmtrain_job_step", "llmtrain_job_loss_nats", "llmtrain_job_tokens_per_second", "llmtrain_job_ranks")
_LONGEST_SECONDS = 45 * 60
_POLL_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Job:
    """What the demo reads of a job's status."""

    stage: str
    step: int
    summary: str
    """Loss, perplexity and speed in one line; complete once the job succeeded."""
    sample: str
    trouble: str
    """Conditions and the first failure, a line each."""


def read_job(document: Mapping[str, Any]) -> Job:
    """Return the job in an LLMTrainingJob as the API gives it; parts of its status may be missing."""
    status = document.get("status", {})
    progress, model = status.get("progress", {}), status.get("model", {})
    summary = (
        f"loss {progress.get('firstLoss')} -> {progress.get('loss')}, "
        f"held-out perplexity {model.get('perplexity')} (unigram {model.get('unigramPerplexity')}), "
        f"{progress.get('tokensPerSecond')} tokens/s"
    )
    return Job(
        stage=status.get("stage", ""),
        step=progress.get("step", 0),
        summary=summary,
        sample=model.get("sample", ""),
        trouble="\n".join(_trouble(status)),
    )


def run_demo(cluster: Cluster) -> None:
    """Train the example on a cluster that has the operator; the last line says how it went."""
    _delete_previous_job(cluster)
    log(f"▸ kubectl apply -n {NAMESPACE} -f examples/{JOB}.yaml; kubectl get ltj -n {NAMESPACE} --watch")
    began = time.monotonic()
    cluster.kubectl.run("-n", NAMESPACE, "apply", "-f", str(JOB_FILE))
    with _shown_changes(cluster):
        job = _await_end(cluster, began + _LONGEST_SECONDS)
    seconds = time.monotonic() - began
    if job.stage != "Succeeded":
        how = "failed" if job.stage == "Failed" else f"is not done after {seconds:.0f} s ({job.stage or 'no status'})"
        raise KindError(f"demo: {JOB} {how}\n{job.trouble}\nMore: kubectl describe ltj -n {NAMESPACE} {JOB}")
    print(f"\nThe model was asked to go on with its prompt and wrote:\n\n{_indented(job.sample)}\n")
    print(f"demo: {JOB} Succeeded in {seconds:.0f} s, {job.summary}", flush=True)


def _delete_previous_job(cluster: Cluster) -> None:
    """Make the namespace, and delete the job of an earlier demo with its pods."""
    kubectl = cluster.kubectl
    kubectl.apply(json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}))
    if not kubectl.run("-n", NAMESPACE, "get", "ltj", JOB, "--ignore-not-found", "-o", "name"):
        return
    with step(f"deleting the {JOB} of an earlier demo"):
        kubectl.run(
            "-n", NAMESPACE, "delete", "ltj", JOB, "--cascade=foreground", "--timeout=120s", timeout_seconds=130
        )


@contextmanager
def _shown_changes(cluster: Cluster) -> Iterator[None]:
    """Let kubectl print a line for each change of the job meanwhile."""
    command: list[str | Path] = [cluster.kubectl.program, "--kubeconfig", cluster.kubectl.kubeconfig]
    command += ["-n", NAMESPACE, "get", "ltj", JOB, "--watch"]
    watch = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        yield
        time.sleep(_POLL_SECONDS)  # the last change is on its way
    finally:
        watch.terminate()
        watch.wait()


def _await_end(cluster: Cluster, deadline: float) -> Job:
    """Return the job when it has ended, or as it is at the deadline."""
    metrics_shown = False
    while True:
        job = _get_job(cluster)
        if job.stage in ("Succeeded", "Failed") or time.monotonic() > deadline:
            return job
        if job.stage == "Training" and job.step > 0 and not metrics_shown:
            metrics_shown = _show_metrics(cluster)
        time.sleep(_POLL_SECONDS)


def _get_job(cluster: Cluster) -> Job:
    return read_job(json.loads(cluster.kubectl.run("-n", NAMESPACE, "get", "ltj", JOB, "-o", "json")))


def _show_metrics(cluster: Cluster) -> bool:
    """Print a few of the coordinator's metrics; False if it doesn't answer."""
    try:
        text = cluster.kubectl.run("get", "--raw", _METRICS, timeout_seconds=10)
    except CommandFailed:
        return False
    print("\nWhat Prometheus reads from the coordinator:")
    print(_indented("\n".join(metric_lines(text))), end="\n\n", flush=True)
    return True


def metric_lines(text: str) -> list[str]:
    """Return the lines of the metrics that the demo shows."""
    return [line for line in text.splitlines() if line.split("{")[0].split(" ")[0] in _SHOWN_METRICS]


def _trouble(status: Mapping[str, Any]) -> Iterator[str]:
    for condition in status.get("conditions", []):
        yield f"  {condition['type']}={condition['status']} {condition['reason']}: {condition['message']}"
    failure = status.get("firstFailure")
    if failure:
        yield (
            f"  first failure: {failure['pod']} on {failure.get('node') or 'no node'}, "
            f"exit code {failure.get('exitCode', 'unknown')}, {failure.get('reason')}: {failure.get('message')}"
        )
        yield from (f"    {line}" for line in failure.get("lastLines", []))


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def print_resume_hint() -> None:
    """Say what an interrupted demo left behind and what to do with it."""
    sys.stdout.flush()
    log("\nStopped. Nothing is lost: `make demo` goes on from here (it starts the training anew),")
    log(f"`kubectl get ltj -n {NAMESPACE} --watch` shows a job that still runs, `make demo-down` deletes the cluster.")
