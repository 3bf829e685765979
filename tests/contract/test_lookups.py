"""A contributor finds a behaviour by the field's word for it: the word is in the name of the file or function."""

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
    # The word, the file with the behaviour, and the function or class if the file's name lacks the word.
    "disk_full": (f"{TRAINER}/checkpoint/writer.py", "disk_full_message"),
    "lost_node": (f"{OPERATOR}/core/policies/node_loss.py", "lost_nodes"),
    "lr_schedule": (f"{TRAINER}/training/lr_schedule.py", ""),
    "help": ("crds/src/llmtrain_api/metrics/metric.py", "Metric.help"),
    "ttl": (f"{OPERATOR}/core/policies/ttl.py", ""),
    "is_healthy": ("images/src/llmtrain_kind/cluster.py", "is_healthy"),
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
    "heartbeat": (f"{TRAINER}/distributed/heartbeat.py", ""),
    "lease": (f"{COORDINATOR}/leases.py", ""),
    "deadline": (f"{OPERATOR}/core/policies/deadline.py", ""),
    "pod_group": (f"{OPERATOR}/core/objects/pod_group.py", ""),
    "checkpointer": (f"{TRAINER}/checkpoint/checkpointer.py", ""),
    "work_queue": (f"{OPERATOR}/shell/work_queue.py", ""),
    "informer": (f"{OPERATOR}/shell/informer.py", ""),
    "clip_grad_norm": (f"{TRAINER}/training/train_state.py", "clip_grad_norm"),
    "atomic_directory": (f"{TRAINER}/atomic_directory.py", ""),
    "xid": ("operator/src/llmtrain_agent/gpu/xid.py", ""),
    "mfu": (f"{TRAINER}/models/flops.py", "mfu"),
    "placement": (f"{OPERATOR}/core/policies/placement.py", ""),
    "taint": (f"{OPERATOR}/core/taints.py", ""),
    "claim_expansion": (f"{OPERATOR}/core/policies/claim_expansion.py", ""),
    "fabric": (f"{OPERATOR}/core/objects/fabric.py", ""),
    "suspend": (f"{OPERATOR}/core/policies/suspend.py", ""),
}
"""Where each behaviour is implemented."""


def definitions(path: Path) -> set[str]:
    """Return the names a module defines: functions, classes and fields, those of a class as `Class.name`."""
    found: set[str] = set()

    def visit(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.add(prefix + node.name)
                if isinstance(node, ast.ClassDef):
                    visit(node.body, f"{prefix}{node.name}.")
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found.add(prefix + node.target.id)

    visit(ast.parse(path.read_text()).body, "")
    return found


@pytest.mark.parametrize(("word", "path", "name"), [(word, *place) for word, place in PLACES.items()], ids=list(PLACES))
def test_a_word_of_the_field_names_the_place_that_answers(word: str, path: str, name: str) -> None:
    file = ROOT / path
    assert file.is_file(), f"{path} moved: enter the file with the behaviour {word!r}"
    assert not name or name in definitions(file), f"{path} no longer defines {name}"
    assert word in f"{file.stem} {name}".lower()
