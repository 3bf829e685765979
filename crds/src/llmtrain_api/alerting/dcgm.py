"""Recording rules that map DCGM exporter's metrics to llmtrain's names and units.

They replace the node agent's GPU metrics where DCGM exporter runs (`agent.gpus: off`), so that alerts and dashboards
need to know only one set of names. Peculiarities of DCGM exporter:

- values from 9223372036854775792 mean "no value";
- XID_ERRORS is the last XID, not a number of errors, so each XID is counted once;
- PROF_PCIE and PROF_NVLINK are bytes per second; llmtrain's NVLink metric is a counter, so the latter is not mapped;
- without `honorLabels`, `exported_pod` is the pod that the GPU is assigned to and `pod` is the exporter;
- series of a MIG instance have the label GPU_I_ID and are not mapped;
- with time-slicing, each pod of a GPU has its own series; the GPU is then shared and attributed to none.
"""

from dataclasses import dataclass, field

from llmtrain_api.alerting.rule import RecordingRule
from llmtrain_api.metrics import node
from llmtrain_api.metrics.metric import Metric

NO_VALUE = "9.2e18"
MIB = 2**20


@dataclass(frozen=True, kw_only=True)
class Field:
    """A metric of DCGM exporter and the llmtrain metric it maps to."""

    name: str
    metric: Metric
    factor: float = 1
    labels: dict[str, str] = field(default_factory=dict)
    """Labels to add."""


FIELDS = (
    Field(name="DCGM_FI_DEV_GPU_UTIL", metric=node.GPU_UTILIZATION, factor=0.01),
    Field(name="DCGM_FI_PROF_SM_ACTIVE", metric=node.GPU_SM_ACTIVE),
    Field(name="DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", metric=node.GPU_TENSOR_ACTIVE),
    Field(name="DCGM_FI_DEV_MEM_COPY_UTIL", metric=node.GPU_MEMORY_ACTIVE, factor=0.01),
    Field(name="DCGM_FI_DEV_FB_USED", metric=node.GPU_MEMORY_USED, factor=MIB),
    Field(name="DCGM_FI_DEV_GPU_TEMP", metric=node.GPU_TEMPERATURE),
    Field(name="DCGM_FI_DEV_POWER_USAGE", metric=node.GPU_POWER),
    Field(name="DCGM_FI_DEV_ENFORCED_POWER_LIMIT", metric=node.GPU_POWER_LIMIT),
    Field(name="DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", metric=node.GPU_ENERGY, factor=0.001),
    Field(name="DCGM_FI_DEV_SM_CLOCK", metric=node.GPU_CLOCK, factor=10**6, labels={"clock": "sm"}),
    Field(name="DCGM_FI_DEV_MEM_CLOCK", metric=node.GPU_CLOCK, factor=10**6, labels={"clock": "memory"}),
    Field(name="DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", metric=node.GPU_ECC_ERRORS, labels={"severity": "corrected"}),
    Field(name="DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", metric=node.GPU_ECC_ERRORS, labels={"severity": "uncorrected"}),
    Field(name="DCGM_FI_PROF_PCIE_RX_BYTES", metric=node.GPU_PCIE, labels={"direction": "received"}),
    Field(name="DCGM_FI_PROF_PCIE_TX_BYTES", metric=node.GPU_PCIE, labels={"direction": "sent"}),
)


def _renamed(expr: str, **labels: str) -> str:
    """Return an expression with labels copied: keyword is the new name, value the existing one."""
    for target, source in labels.items():
        expr = f'label_replace({expr}, "{target}", "$1", "{source}", "(.+)")'
    return expr


def _known(name: str) -> str:
    return f'({name}{{GPU_I_ID=""}} < {NO_VALUE})'


def _rule(one: Field) -> RecordingRule:
    expr = f"max by (node, gpu) ({_renamed(_known(one.name), node='Hostname')})"
    if one.factor != 1:
        expr = f"{expr} * {one.factor}"
    for label, value in one.labels.items():
        expr = f'label_replace({expr}, "{label}", "{value}", "", "")'
    return RecordingRule(record=one.metric.name, expr=expr, help=f"From {one.name}.")


_USED, _FREE = (
    f"max by (node, gpu) ({_renamed(_known(f'DCGM_FI_DEV_FB_{what}'), node='Hostname')})" for what in ("USED", "FREE")
)
_HELD = (
    'DCGM_FI_DEV_FB_USED{GPU_I_ID="", exported_pod!=""}'
    ' or DCGM_FI_DEV_FB_USED{GPU_I_ID="", exported_pod="", pod!="", pod!~".*dcgm-exporter.*"}'
)
_NAMED = _renamed(f"({_HELD})", node="Hostname", namespace="exported_namespace", pod="exported_pod")
_HOLDERS = f"max by (node, gpu, namespace, pod) ({_NAMED} * 0 + 1)"

RECORDINGS = (
    *(_rule(one) for one in FIELDS),
    RecordingRule(
        record=node.GPU_MEMORY.name,
        expr=f"({_USED} + {_FREE}) * {MIB}",
        help="From DCGM_FI_DEV_FB_USED and _FREE, without memory reserved by the driver.",
    ),
    RecordingRule(
        record=node.GPU_INFO.name,
        expr="max by (node, gpu, uuid, model) ("
        + _renamed('DCGM_FI_DEV_FB_USED{GPU_I_ID=""}', node="Hostname", uuid="UUID", model="modelName")
        + " * 0 + 1)",
        help="From the labels of DCGM_FI_DEV_FB_USED.",
    ),
    RecordingRule(
        record=node.GPU_ASSIGNED.name,
        expr=f"({_HOLDERS} and on (node, gpu) count by (node, gpu) ({_HOLDERS}) == 1)"
        " * on (namespace, pod) group_left (training_job)"
        " max by (namespace, pod, training_job) (llmtrain_pod_memory_used_bytes * 0 + 1)",
        help="From the labels of DCGM_FI_DEV_FB_USED; the training job comes from the node agent.",
    ),
    RecordingRule(
        record=node.GPU_SHARED.name,
        expr=f"count by (node, gpu) ({_HOLDERS}) > bool 1",
        help="1 if DCGM_FI_DEV_FB_USED names several pods for a GPU; absent for a GPU without a pod.",
    ),
    RecordingRule(
        record=node.GPU_XID_ERRORS.name,
        expr=f'count_values by (node, gpu) ("xid", {_renamed("(DCGM_FI_DEV_XID_ERRORS > 0)", node="Hostname")})',
        help="From DCGM_FI_DEV_XID_ERRORS: 1 while an XID is the last one of a GPU.",
    ),
)
