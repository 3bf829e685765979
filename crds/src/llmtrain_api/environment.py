"""The environment variables that llmtrain's programs read or set. docs/reference/environment.md is generated from them.

A contract test compares them with the variables named in the source.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Variable:
    """One environment variable."""

    name: str
    description: str
    default: str = ""
    """Value that applies if the variable is not set; empty if there is none."""


USER_PROGRAM = (
    Variable(name="LLMTRAIN_JOB", description="Name of the job."),
    Variable(name="LLMTRAIN_DATA", description="Directory of the data volume, or `spec.data.source.path` in it."),
    Variable(
        name="LLMTRAIN_OUTPUT",
        description="Directory of the job on the checkpoint volume, for the program's own files.",
    ),
    Variable(name="LLMTRAIN_STEPS", description="`spec.training.steps`."),
    Variable(name="LLMTRAIN_SEED", description="`spec.training.seed`."),
    Variable(
        name="LLMTRAIN_GENERATION",
        description="Number of the generation (membership). Set only in mode Torchrun, in addition to torchrun's variables.",
    ),
)
COMMAND_LINE = (
    Variable(
        name="LLMTRAIN_PROMETHEUS",
        default="http://127.0.0.1:9090",
        description="URL of the Prometheus server for `llmtrain top`, `report` and `mlflow`.",
    ),
    Variable(name="LLMTRAIN_PROMETHEUS_TOKEN", description="Bearer token for that server."),
    Variable(
        name="CUDA_VISIBLE_DEVICES",
        default="all GPUs",
        description="GPUs that `llmtrain run` divides among the workers. Each worker gets the variable with its own.",
    ),
    Variable(name="MLFLOW_TRACKING_URI", description="Server or directory that `llmtrain mlflow` writes to."),
)
OPERATOR = (
    Variable(name="LLMTRAIN_NAMESPACE", description="Namespace of the operator and its lease. Required."),
    Variable(name="LLMTRAIN_POD_NAME", default="the host name", description="Identity of the replica in the lease."),
    Variable(name="LLMTRAIN_POD_IP", description="IP address of the pod; probes are answered in its family."),
    Variable(name="LLMTRAIN_COORDINATOR_IMAGE", description="Image of coordinators. Required."),
    Variable(name="LLMTRAIN_TRAINER_IMAGE", description="Image of trainers on GPUs. Required."),
    Variable(name="LLMTRAIN_TRAINER_CPU_IMAGE", description="Image of trainers on CPUs. Required."),
    Variable(name="LLMTRAIN_IMAGE_PULL_POLICY", default="IfNotPresent", description="Pull policy of these images."),
    Variable(name="LLMTRAIN_OTLP_ENDPOINT", description="OpenTelemetry collector that coordinators send metrics to."),
    Variable(
        name="LLMTRAIN_KEY_DIRECTORY",
        default="/run/secrets/llmtrain.dev",
        description="Directory of the files `key` and `previous-key`, from which the tokens of jobs are derived.",
    ),
    Variable(
        name="LLMTRAIN_COORDINATOR_FROM",
        default="no NetworkPolicy",
        description="NetworkPolicy peers that reach coordinators from outside of their jobs, as a JSON list.",
    ),
    Variable(name="LLMTRAIN_LOG_LEVEL", default="info", description="Lowest level that is logged."),
    Variable(name="LLMTRAIN_METRICS_PORT", default="8080", description="Port of /metrics."),
    Variable(name="LLMTRAIN_HEALTH_PORT", default="8081", description="Port of the kubelet's probes."),
)
WORKER = (
    Variable(name="LLMTRAIN_WORKER", default="0", description="Number of the worker, from 0."),
    Variable(
        name="LLMTRAIN_ADDRESS", default="127.0.0.1", description="IP address at which other workers reach this one."
    ),
    Variable(name="LLMTRAIN_NODE", description="Name of the node. The node agent reads it too."),
    Variable(
        name="HOME", default="/tmp", description="Where libraries keep caches; `spec.workers.env` can name another."
    ),
    Variable(
        name="USER", default="llmtrain", description="Name of the user, which libraries put into paths of caches."
    ),
    Variable(
        name="NVIDIA_VISIBLE_DEVICES",
        default="void",
        description="GPUs of the container, set by the device plugin; void in containers that request none.",
    ),
    Variable(name="LLMTRAIN_LOCAL_RANK", description="Index of a rank in its worker, set by the supervisor."),
    Variable(name="LLMTRAIN_INCARNATION", description="Random name of a rank's process, set by the supervisor."),
    Variable(name="LLMTRAIN_WATCHDOG_FD", description="File descriptor on which a rank reports progress."),
    Variable(
        name="LLMTRAIN_TERMINATION_LOG",
        default="/dev/termination-log",
        description="File that the termination message is written to.",
    ),
)
COORDINATOR = (
    Variable(name="OTEL_EXPORTER_OTLP_ENDPOINT", description="OpenTelemetry collector that metrics are sent to."),
    Variable(
        name="OTEL_METRIC_EXPORT_INTERVAL", default="60000", description="Time between two exports, in milliseconds."
    ),
)
DEVELOPMENT = (
    Variable(name="LLMTRAIN_CACHE", default="~/.cache/llmtrain", description="Directory of everything `make` keeps."),
    Variable(
        name="LLMTRAIN_KIND",
        default="chosen by the machine",
        description="Source of the node image of the local cluster: `stock` or `offline`.",
    ),
    Variable(name="LLMTRAIN_HELM", default="4", description="Major version of Helm that tests use: 3 or 4."),
)

SECTIONS: dict[str, tuple[str, tuple[Variable, ...]]] = {
    "User programs": ("Set for the program in `spec.entrypoint`.", USER_PROGRAM),
    "Command line": ("Read by the command `llmtrain`.", COMMAND_LINE),
    "Operator": ("Read by the operator; the Helm chart sets them.", OPERATOR),
    "Workers": ("Set in worker pods, for the supervisor and its ranks.", WORKER),
    "Coordinator": ("Set in coordinator pods, from the chart value `metrics.otlp.endpoint`.", COORDINATOR),
    "Development": ("Read by `make` and the package of the local cluster.", DEVELOPMENT),
}
"""All variables, by the program they are for: title, introduction and variables."""
