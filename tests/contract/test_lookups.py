"""A newcomer finds a behaviour by the word of the field: what is typed first is in the name of the place that answers."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OPERATOR, COORDINATOR, TRAINER = (
    "operator/src/llmtrain_operator",
    "operator/src/llmtrain_coordinator",
    "trainer/src/llmtrain_trainer",
)

PLACES = {
    # What happens, decided or made where: the word, the file, and the function or class if the file's name lacks it.
    "disk_full": (f"{TRAINER}/checkpoint/writer.py", "disk_full_message"),
    "lost_node": (f"{OPERATOR}/core/node_view.py", "lost_nodes"),
    "lr_schedule": (f"{TRAINER}/training/lr_schedule.py", ""),
    "help": ("crds/src/llmtrain_api/metrics/metric.py", "Metric.help"),
    "ttl": (f"{OPERATOR}/core/policies/ttl.py", ""),
    "is_ready": ("images/src/llmtrain_kind/cluster.py", "is_ready"),
    "attribution": ("operator/src/llmtrain_agent/attribution.py", ""),
    "failure_budget": ("crds/src/llmtrain_api/failure_budget.py", ""),
    "watchdog": (f"{TRAINER}/worker/watchdog.py", ""),
    "all_reduce": (f"{TRAINER}/distributed/process_group.py", "ProcessGroup.all_reduce"),
    "rendezvous": (f"{TRAINER}/distributed/rendezvous.py", ""),
    "sampler": (f"{TRAINER}/data/sampler.py", ""),
    "fence": (f"{TRAINER}/checkpoint/fence.py", ""),
    "restore": (f"{TRAINER}/checkpoint/restore.py", ""),
    "leader": (f"{OPERATOR}/shell/leader.py", ""),
    "persistent_volume_claim": (f"{OPERATOR}/core/objects/pvc.py", "persistent_volume_claim"),
    # Ten more.
    "heartbeat": (f"{TRAINER}/distributed/heartbeat.py", ""),
    "lease": (f"{COORDINATOR}/leases.py", ""),
    "deadline": (f"{OPERATOR}/core/policies/deadline.py", ""),
    "pod_group": (f"{OPERATOR}/core/objects/pod_group.py", ""),
    "checkpointer": (f"{TRAINER}/checkpoint/checkpointer.py", ""),
    "work_queue": (f"{OPERATOR}/shell/work_queue.py", ""),
    "informer": (f"{OPERATOR}/shell/informer.py", ""),
    "clip_grad_norm": (f"{TRAINER}/training/train_state.py", "TrainState.clip_grad_norm"),
    "atomic_directory": (f"{TRAINER}/atomic_directory.py", ""),
    "xid": ("operator/src/llmtrain_agent/gpu/xid.py", ""),
    "mfu": (f"{TRAINER}/models/flops.py", ""),
    "suspend": (f"{OPERATOR}/core/policies/suspend.py", ""),
}
"""The sixteen questions of `docs/glossary.md` and more: where the answer is."""
