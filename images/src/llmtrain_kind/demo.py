"""`make demo`: trains the example on a local cluster and shows the progress.

Uses only Python's standard library, because nothing is installed when it starts.
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
"""Worker nodes of the cluster."""
JOB_FILE = REPOSITORY / "examples" / f"{JOB}.yaml"
_METRICS = f"/api/v1/namespaces/{NAMESPACE}/services/http:{JOB}-coordinator:8470/proxy/metrics"
_SHOWN_METRICS = ("llmtrain_job_step", "llmtrain_job_loss_nats", "llmtrain_job_tokens_per_second", "llmtrain_job_ranks")
_MAX_SECONDS = 45 * 60
_POLL_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Job:
    """The parts of a job's status that the demo shows."""

    stage: str
    step: int
    summary: str
    """Loss, perplexity and speed in one line; complete once the job has succeeded."""
    sample: str
    problems: str
    """Conditions and the first failure, one per line."""


def read_job(document: Mapping[str, Any]) -> Job:
    """Return the status of an LLMTrainingJob as returned by the API; parts of it can be missing."""
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
        problems="\n".join(_problems(status)),
    )


def run_demo(cluster: Cluster) -> None:
    """Train the example on a cluster that has the operator, and print the result as the last line.

    KindError with the job's conditions if it fails or takes longer than _MAX_SECONDS.
    """
    _delete_previous_job(cluster)
    log("▸ training the example (about 2 minutes on 2 cores)")
    log(f"  kubectl apply -n {NAMESPACE} -f examples/{JOB}.yaml; kubectl get ltj -n {NAMESPACE} --watch")
    started = time.monotonic()
    cluster.kubectl.run("-n", NAMESPACE, "apply", "-f", str(JOB_FILE))
    with _watching(cluster):
        job = _await_finished(cluster, started + _MAX_SECONDS)
    seconds = time.monotonic() - started
    if job.stage != "Succeeded":
        result = (
            "failed" if job.stage == "Failed" else f"not finished after {seconds:.0f} s ({job.stage or 'no status'})"
        )
        raise KindError(f"demo: {JOB} {result}\n{job.problems}\nFor details: kubectl describe ltj -n {NAMESPACE} {JOB}")
    print(f"\nThe model's completion of its prompt:\n\n{_indented(job.sample)}\n")
    print(f"demo: {JOB} Succeeded in {seconds:.0f} s, {job.summary}", flush=True)


def _delete_previous_job(cluster: Cluster) -> None:
    """Create the namespace, and delete the job of an earlier demo with its pods."""
    kubectl = cluster.kubectl
    kubectl.apply(json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}))
    if not kubectl.run("-n", NAMESPACE, "get", "ltj", JOB, "--ignore-not-found", "-o", "name"):
        return
    with step(f"deleting job {JOB} of an earlier demo"):
        kubectl.run(
            "-n", NAMESPACE, "delete", "ltj", JOB, "--cascade=foreground", "--timeout=120s", timeout_seconds=130
        )


@contextmanager
def _watching(cluster: Cluster) -> Iterator[None]:
    """Run `kubectl get --watch` in the background, which prints a line for each change of the job."""
    command: list[str | Path] = [cluster.kubectl.program, "--kubeconfig", cluster.kubectl.kubeconfig]
    command += ["-n", NAMESPACE, "get", "ltj", JOB, "--watch"]
    watch = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        yield
        time.sleep(_POLL_SECONDS)  # kubectl prints the last change a moment later
    finally:
        watch.terminate()
        watch.wait()


def _await_finished(cluster: Cluster, deadline: float) -> Job:
    """Return the job once it has finished, or its state at the deadline."""
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
    """Print some of the coordinator's metrics; False if it doesn't answer."""
    try:
        text = cluster.kubectl.run("get", "--raw", _METRICS, timeout_seconds=10)
    except CommandFailed:
        return False
    print("\nSome of the metrics that the coordinator exports to Prometheus:")
    print(_indented("\n".join(metric_lines(text))), end="\n\n", flush=True)
    return True


def metric_lines(text: str) -> list[str]:
    """Return the lines of the metrics in _SHOWN_METRICS."""
    return [line for line in text.splitlines() if line.split("{")[0].split(" ")[0] in _SHOWN_METRICS]


def _problems(status: Mapping[str, Any]) -> Iterator[str]:
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
    """Print how to resume an interrupted demo, and how to delete its cluster."""
    sys.stdout.flush()
    log("\nStopped. `make demo` resumes from here; it starts the training from the beginning.")
    log(f"`kubectl get ltj -n {NAMESPACE} --watch` shows a job that still runs; `make demo-down` deletes the cluster.")
