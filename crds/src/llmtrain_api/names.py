"""Names shared by several programs: API group, labels, object names, ports and directories."""

import re

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

TERM_ANNOTATION = f"{GROUP}/term"
"""Annotation of a coordinator pod: its term."""

SETTINGS_ANNOTATION = f"{GROUP}/settings"
"""Annotation of a pod: a hash of each field of the spec that it was created with and that can change afterwards."""

GPU_RESOURCE = "nvidia.com/gpu"

AGENT_PORT = 9475
COORDINATOR_PORT = 8470
RUN_CONFIG_DIRECTORY = "/etc/llmtrain"
RUN_CONFIG_FILE = "run.json"
TOKEN_DIRECTORY = "/run/secrets/llmtrain.dev"
TOKEN_FILE = f"{TOKEN_DIRECTORY}/token"
"""File with the token of a job, in the pods that talk to its coordinator."""
VOLUMES_DIRECTORY = "/volumes"
TERMINATION_LOG = "/dev/termination-log"

MAX_JOB_NAME_LENGTH = 63 - len("-coordinator")
"""Longest job name for which the names of all objects of the job are DNS labels."""

MAX_WORKERS = 512
MAX_RANKS = 1024
"""Most ranks of a job: as many as one coordinator is measured to serve, see tests/perf/test_coordinator.py."""


def coordinator_name(job: str) -> str:
    """Return the name of a job's coordinator pod and Service."""
    return f"{job}-coordinator"


def worker_name(job: str, worker: int) -> str:
    """Return the name of a job's worker pod number `worker`, counted from 0."""
    return f"{job}-worker-{worker}"


def pod_role(name: str) -> tuple[str, int]:
    """Return the role of a job's pod and the number of the worker by the pod's name, which cannot be edited as labels can.

    The number is -1 for other roles; the role is empty for a name that none of the pods of a job has.
    """
    found = re.fullmatch(r".+-(?:(coordinator|prepare|publish)|(worker|helper)-(0|[1-9][0-9]{0,8}))", name)
    if found is None:
        return "", -1
    return found[1] or found[2], int(found[3]) if found[2] == "worker" else -1


def prepare_name(job: str) -> str:
    """Return the name of the pod that tokenizes the text."""
    return f"{job}-prepare"


def helper_name(job: str, helper: int) -> str:
    """Return the name of a pod that helps to tokenize the text, counted from 1."""
    return f"{job}-helper-{helper}"


def publish_name(job: str) -> str:
    """Return the name of the pod that evaluates, exports and samples the trained model."""
    return f"{job}-publish"


def run_config_name(job: str, uid: str) -> str:
    """Return the name of the ConfigMap with the run config."""
    return f"{job}-run-{uid[:8]}"


def token_secret_name(job: str, uid: str) -> str:
    """Return the name of the Secret with a job's token. It contains the UID: the Secret of an earlier job is another."""
    return f"{job}-token-{uid[:8]}"


def network_policy_name(job: str) -> str:
    """Return the name of the NetworkPolicy of a job's pods."""
    return f"{job}-network"


def pod_group_name(job: str) -> str:
    """Return the name of the PodGroup for gang scheduling."""
    return f"{job}-gang"


OUTPUT_FOLDER = "output"
"""Directory for the output of a user's program, below the job's directory."""


def job_directory(job: str, uid: str) -> str:
    """Return a job's directory on its checkpoint volume. It contains the UID, so that jobs of one name do not share it."""
    return f"{job}-{uid[:8]}"
