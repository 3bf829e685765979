"""Alerts of GPUs, nodes and links, with their runbooks."""

from llmtrain_api.alerting.hardware import POD_GPU, xid_errors
from llmtrain_api.alerting.rule import AlertingRule

ON_GPU = "GPU {{ $labels.gpu }} of node {{ $labels.node }}"
OF_POD = "{{ $labels.namespace }}/{{ $labels.pod }}"

ALERTS = (
    AlertingRule(
        name="LlmtrainGpuLowUse",
        expr=(
            f"avg_over_time({POD_GPU.record}[30m]) < 0.2 and {POD_GPU.record} offset 30m >= 0 and {POD_GPU.record} >= 0"
        ),
        for_duration="0m",
        severity="warning",
        summary=f"{OF_POD} used its GPUs only {{{{ $value | humanizePercentage }}}} of the last 30 minutes.",
        meaning="The pod holds GPUs but hardly uses them: it waits for data or for other ranks, or is idle.",
        diagnosis="Compare the rows *Hardware* and *Time* of the dashboard *Job*.",
        mitigation="`stepping` with idle GPUs: CPUs or the volume are the bottleneck, or `training.microbatchSize` is too small. "
        "`waiting`: lower `workers.min` or delete the job. For a pod that belongs to no job, contact its owner.",
    ),
    AlertingRule(
        name="LlmtrainGpuLost",
        expr="max by (node, gpu) (llmtrain_gpu_lost) == 1",
        for_duration="1m",
        severity="critical",
        summary=f"{ON_GPU} no longer answers.",
        meaning="The driver lost the GPU, usually with XID 79. Processes on it have failed; the job continues without that "
        "rank.",
        diagnosis="Query `llmtrain_gpu_xid_errors_total` for the node, and run `dmesg` on it.",
        mitigation="Cordon the node, so that the replacement worker starts on another one. Drain and power-cycle it. If the error "
        "recurs, replace the GPU.",
    ),
    AlertingRule(
        name="LlmtrainGpuXid",
        expr=xid_errors(),
        for_duration="0m",
        severity="warning",
        summary=f"{ON_GPU} reported XID {{{{ $labels.xid }}}}.",
        meaning="The driver reported an error of this GPU. XID 13, 31, 43 and 45 are usually caused by the program; 48, 63, 64, "
        "94 and 95 are memory errors; 74 is an NVLink error; 79 is a lost GPU; 119 and 120 are firmware errors.",
        diagnosis="Look the XID up in NVIDIA's documentation, and run `dmesg` on the node for the driver's message.",
        mitigation="Caused by the program: read `firstFailure` of the job. Otherwise drain the node, reset the GPU and run the "
        "vendor's diagnostics. If the error recurs, replace the GPU.",
    ),
    AlertingRule(
        name="LlmtrainGpuMemoryErrors",
        expr='sum by (node, gpu) (increase(llmtrain_gpu_ecc_errors_total{severity="uncorrected"}[1h])) > 0',
        for_duration="0m",
        severity="critical",
        summary=f"{ON_GPU} has uncorrectable memory errors.",
        meaning="Data in that memory was corrupted. The driver kills the program that used it, so the weights are not affected. "
        "The error can recur until the rows are remapped.",
        diagnosis="Run `nvidia-smi -q -d ECC,ROW_REMAPPER` on the node.",
        mitigation="Drain the node and reset the GPU, which remaps the rows. If remapping fails, replace the GPU.",
    ),
    AlertingRule(
        name="LlmtrainGpuThrottled",
        expr='max by (node, gpu, reason) (llmtrain_gpu_throttled{reason!="power"}) == 1',
        for_duration="15m",
        severity="warning",
        summary=f"{ON_GPU} is throttled: {{{{ $labels.reason }}}}.",
        meaning="Its clocks are reduced because of heat or a hardware signal. All ranks of its job wait for it in each step.",
        diagnosis="Check temperature and clocks on the dashboard *Node*; LlmtrainStraggler names the rank.",
        mitigation="Check the node's cooling and power supply. Until that is done, cordon the node and delete the worker's pod.",
    ),
    AlertingRule(
        name="LlmtrainInfinibandErrors",
        expr="sum by (node, device, port) (increase(llmtrain_node_infiniband_errors_total[15m])) > 10",
        for_duration="0m",
        severity="warning",
        summary="Port {{ $labels.port }} of {{ $labels.device }} on node {{ $labels.node }} has errors.",
        meaning="A link goes down or receives corrupted packets. Retransmissions slow every collective down.",
        diagnosis="Check the InfiniBand panels of the dashboard *Node*, `ibstat` on the node, and the counters of the switch.",
        mitigation="Reseat or replace the cable or transceiver. Until that is done, cordon the node.",
    ),
    AlertingRule(
        name="LlmtrainMemoryNearLimit",
        expr=(
            "max by (node, namespace, pod, training_job)"
            ' (llmtrain_pod_memory_used_bytes{training_job!=""} / llmtrain_pod_memory_limit_bytes) > 0.95'
        ),
        for_duration="5m",
        severity="warning",
        summary=f"{OF_POD} uses {{{{ $value | humanizePercentage }}}} of its memory limit.",
        meaning="The kernel kills the container at its limit. The job recovers, but the failure recurs.",
        diagnosis="Check the panels of pod memory on the dashboard *Node*.",
        mitigation="Raise `workers.resources.memory` in the next job. If memory grows with every step, the user's program has a "
        "leak.",
    ),
    AlertingRule(
        name="LlmtrainAgentMissing",
        expr=(
            "max by (llmcluster, node) (llmtrain_pool_node_info) unless on (node) llmtrain_agent_gpu_library_info"
            " and on () count(last_over_time(llmtrain_agent_gpu_library_info[1d])) > 0"
        ),
        for_duration="15m",
        severity="warning",
        summary="Node {{ $labels.node }} exports no hardware metrics.",
        meaning="The node agent is not running there, or Prometheus cannot scrape it, so alerts about the node's GPUs cannot "
        "fire. If no agent has reported for a day, agents are assumed to be disabled and the alert stays silent.",
        diagnosis="Run `kubectl -n llmtrain-system get pods -o wide`, and check Prometheus' page of targets.",
        mitigation="If a taint excludes the agent, set `agent.tolerations`. If a NetworkPolicy blocks Prometheus, allow port 9475.",
    ),
)
