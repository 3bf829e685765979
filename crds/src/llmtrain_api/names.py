"""Names that more than one part must agree on."""

GROUP = "llmtrain.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
JOB_KIND, JOB_PLURAL = "LLMTrainingJob", "llmtrainingjobs"
CLUSTER_KIND, CLUSTER_PLURAL = "LLMCluster", "llmclusters"

FIELD_MANAGER = "llmtrain-operator"

JOB_LABEL = f"{GROUP}/job"
ROLE_LABEL = f"{GROUP}/role"
WORKER_LABEL = f"{GROUP}/worker"
CLUSTER_LABEL = f"{GROUP}/cluster"
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGED_BY = "llmtrain"

SPEC_HASH_ANNOTATION = f"{GROUP}/spec-hash"
"""Hash of a child's manifest as the operator last applied it: equal hash, nothing to write."""

TERM_ANNOTATION = f"{GROUP}/term"
"""On a coordinator's pod: which of the job's coordinators it is."""

GPU_RESOURCE = "nvidia.com/gpu"

AGENT_PORT = 9475
COORDINATOR_PORT = 8470
RUN_CONFIG_DIRECTORY = "/etc/llmtrain"
RUN_CONFIG_FILE = "run.json"
VOLUMES_DIRECTORY = "/volumes"
TERMINATION_LOG = "/dev/termination-log"

MAX_JOB_NAME_LENGTH = 63 - len("-coordinator")
"""Longest job name whose every child name is still a DNS label."""

MAX_WORKERS = 512


def coordinator_name(job: str) -> str:
    """Name of a job's coordinator pod and of its Service."""
    return f"{job}-coordinator"


def worker_name(job: str, worker: int) -> str:
    """Name of a job's worker pod number `worker`, counted from 0."""
    return f"{job}-worker-{worker}"


def prepare_name(job: str) -> str:
    """Name of the pod that turns text into tokens."""
    return f"{job}-prepare"


def publish_name(job: str) -> str:
    """Name of the pod that evaluates, exports and samples the trained model."""
    return f"{job}-publish"


def run_config_name(job: str) -> str:
    """Name of the ConfigMap that holds a job's run config."""
    return f"{job}-run"


def pod_group_name(job: str) -> str:
    """Name of the PodGroup that schedules a job's pods all at once."""
    return f"{job}-gang"


OUTPUT_FOLDER = "output"
"""Folder below the job's own for what the user's program writes."""


def job_directory(job: str, uid: str) -> str:
    """Folder of one job on its checkpoint volume: a job made anew never meets its namesake's files."""
    return f"{job}-{uid[:8]}"
