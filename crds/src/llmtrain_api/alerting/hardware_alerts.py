"""What somebody should hear of about GPUs, nodes and their links, and what they do then."""

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
        summary=f"{OF_POD} used its GPUs for only {{{{ $value | humanizePercentage }}}} of the last half hour.",
        meaning="The pod holds GPUs that somebody else could use, and hardly runs anything on them. It waits for data, for "
        "other ranks, or for nothing.",
        diagnosis='The row "Hardware" of the dashboard *Job* beside its row "Where the time goes".',
        mitigation="stepping, yet idle: the CPUs or the volume hold it up, or `training.microbatchSize` is too small. waiting: "
        "lower `workers.min`, or end the job. A pod of no training job: ask its owner.",
    ),
    AlertingRule(
        name="LlmtrainGpuLost",
        expr="max by (node, gpu) (llmtrain_gpu_lost) == 1",
        for_duration="1m",
        severity="critical",
        summary=f"{ON_GPU} does not answer any more.",
        meaning="The driver lost the GPU, mostly with XID 79. What ran on it is dead; the job goes on without that rank.",
        diagnosis="`llmtrain_gpu_xid_errors_total` of the node, and `dmesg` there.",
        mitigation="Cordon the node, so that the replaced worker starts elsewhere; drain and power-cycle it; if it comes again, "
        "replace the GPU.",
    ),
    AlertingRule(
        name="LlmtrainGpuXid",
        expr=xid_errors(),
        for_duration="0m",
        severity="warning",
        summary=f"{ON_GPU} reported XID {{{{ $labels.xid }}}}.",
        meaning="The driver reported an error of this GPU. 13, 31, 43 and 45 are mostly the program's fault; 48, 63, 64, 94 and "
        "95 are of its memory; 74 of NVLink; 79 is a lost GPU; 119 and 120 are of its firmware.",
        diagnosis="NVIDIA's list of XID errors; `dmesg` of the node has the driver's words.",
        mitigation="The program's fault: look at the job's first failure. Otherwise drain the node, reset the GPU and run the "
        "maker's diagnostics; replace it if the error comes again.",
    ),
    AlertingRule(
        name="LlmtrainGpuMemoryErrors",
        expr='sum by (node, gpu) (increase(llmtrain_gpu_ecc_errors_total{severity="uncorrected"}[1h])) > 0',
        for_duration="0m",
        severity="critical",
        summary=f"{ON_GPU} had memory errors that could not be corrected.",
        meaning="What was in that memory is wrong. The driver ends the program that used it, so no wrong number gets into "
        "the weights; but it happens again until the rows are remapped.",
        diagnosis="`nvidia-smi -q -d ECC,ROW_REMAPPER` on the node.",
        mitigation="Drain the node and reset the GPU, which remaps the rows. If remapping failed, replace it.",
    ),
    AlertingRule(
        name="LlmtrainGpuThrottled",
        expr='max by (node, gpu, reason) (llmtrain_gpu_throttled{reason!="power"}) == 1',
        for_duration="15m",
        severity="warning",
        summary=f"{ON_GPU} is held down: {{{{ $labels.reason }}}}.",
        meaning="Its clocks are low for heat, or because the board says so. All ranks of its job wait for it at each step.",
        diagnosis="Temperature and clocks in the dashboard *Node*; LlmtrainStraggler names the rank.",
        mitigation="Look at the node's cooling and power. Until then cordon the node and delete the worker's pod.",
    ),
    AlertingRule(
        name="LlmtrainInfinibandErrors",
        expr="sum by (node, device, port) (increase(llmtrain_node_infiniband_errors_total[15m])) > 10",
        for_duration="0m",
        severity="warning",
        summary="Port {{ $labels.port }} of {{ $labels.device }} on node {{ $labels.node }} has errors.",
        meaning="A link goes down or receives broken packets; what is sent again holds up every collective.",
        diagnosis="The panels of InfiniBand in the dashboard *Node*; `ibstat` and the switch's counters.",
        mitigation="Reseat or replace the cable or transceiver. Until then cordon the node.",
    ),
    AlertingRule(
        name="LlmtrainMemoryNearLimit",
        expr=(
            "max by (node, namespace, pod, training_job)"
            ' (llmtrain_pod_memory_used_bytes{training_job!=""} / llmtrain_pod_memory_limit_bytes) > 0.95'
        ),
        for_duration="5m",
        severity="warning",
        summary=f"{OF_POD} uses {{{{ $value | humanizePercentage }}}} of the memory it may.",
        meaning="The kernel kills it at its limit. The job recovers, but the same happens again.",
        diagnosis='The panel "Memory to the limit" of the dashboard *Node*.',
        mitigation="Raise `workers.resources.memory` in the next job. Memory that grows with every step is a leak in the job's "
        "own program.",
    ),
    AlertingRule(
        name="LlmtrainAgentMissing",
        expr=(
            "max by (llmcluster, node) (llmtrain_pool_node_info) unless on (node) llmtrain_agent_gpu_library_info"
            " and on () count(last_over_time(llmtrain_agent_gpu_library_info[1d])) > 0"
        ),
        for_duration="15m",
        severity="warning",
        summary="Nothing is told of the hardware of node {{ $labels.node }}.",
        meaning="The node agent doesn't run there, or Prometheus can't scrape it: no alert about that node's GPUs can fire. "
        "Where no agent was heard of for a day, none is missed.",
        diagnosis="`kubectl -n llmtrain-system get pods -o wide`, and Prometheus' page of targets.",
        mitigation="A taint keeps it away: set `agent.tolerations`. A NetworkPolicy keeps Prometheus away: allow port 9475.",
    ),
)
