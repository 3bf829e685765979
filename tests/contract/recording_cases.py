"""Series, and what each recording rule computes from them."""

from contract.promtool_series import (
    OF_CLUSTER,
    OF_JOB,
    OF_POD,
    POOL_NODE,
    RecordingCase,
    gpu,
    gpus,
    handed_over,
    job,
    lived,
    node,
    pod,
    pool,
    ranks,
    twice,
)

BUSY, TENSOR = "llmtrain_gpu_utilization_ratio", "llmtrain_gpu_tensor_active_ratio"
GPU_MEMORY, POWER = "llmtrain_gpu_memory_used_bytes", "llmtrain_gpu_power_watts"
CPU, MEMORY = "llmtrain_pod_cpu_seconds_total", "llmtrain_pod_memory_used_bytes"
NETWORK, SENT = "llmtrain_pod_network_bytes_total", ', direction="sent"'
SENT_BY, RECEIVED_BY = ', device="eth0", direction="sent"', ', device="eth0", direction="received"'
NODE_MEMORY = {
    **node("llmtrain_node_memory_used_bytes", "50+0x30"),
    **node("llmtrain_node_memory_size_bytes", "200+0x30"),
}
NODE_NETWORK = {
    **node("llmtrain_node_network_bytes_total", "0+6000x30", SENT_BY),
    **node("llmtrain_node_network_bytes_total", "0+9000x30", RECEIVED_BY),
}

JOBS = {
    "training_job:llmtrain_job_rank_compute_seconds:max": RecordingCase(
        computes={
            "the last is slowest": (ranks("1+0x9", "2+0x9", "4+0x9"), 4),
            "the first is slowest": (ranks("3+0x9", "2+0x9", "1+0x9"), 3),
        },
        minute=5,
        labels=OF_JOB,
    ),
    "training_job:llmtrain_job_rank_compute_seconds:median": RecordingCase(
        computes={
            "three ranks": (ranks("1+0x9", "2+0x9", "4+0x9"), 2),
            "one slow rank does not move the median": (ranks("1+0x9", "1+0x9", "1+0x9", "1+0x9", "9+0x9"), 1),
        },
        minute=5,
        labels=OF_JOB,
    ),
    "training_job:llmtrain_job_step:rate5m": RecordingCase(
        computes={
            "two steps per second": (job("llmtrain_job_step", "0+120x30"), 2),
            "going back to a checkpoint is not negative speed": (job("llmtrain_job_step", "9000-120x30"), 0),
            "a new coordinator started": (handed_over(job("llmtrain_job_step", "7"), 18), 0),
        },
        minute=20,
        labels=OF_JOB,
    ),
    "training_job:llmtrain_job_seconds:goodput1h": RecordingCase(
        computes={
            "three quarters": (lived(stepping="0+45x180", recovering="0+15x180"), 0.75),
            "half, across a restart of the coordinator": (
                lived(stepping="0+30x90 2670+30x90", recovering="0+29x180"),
                0.5,
            ),
            "nothing, if a restart lost more than was gained": (
                lived(stepping="90+0x90 60+0x90", recovering="0+30x180"),
                0,
            ),
        },
        silent={"the job ended hours ago": lived(stepping="0+60x30 stale", recovering="0+1x30 stale")},
        minute=120,
        labels=OF_JOB,
    ),
    "llmcluster:llmtrain_pool_gpus:allocated_ratio": RecordingCase(
        computes={
            "six of eight": (pool("llmtrain_pool_gpus", allocated="6+0x9", idle="1+0x9", unhealthy="1+0x9"), 0.75),
            "none of eight": (pool("llmtrain_pool_gpus", allocated="0+0x9", idle="8+0x9", unhealthy="0+0x9"), 0),
        },
        minute=5,
        labels=OF_CLUSTER,
    ),
}

GPUS = {
    "pod:llmtrain_gpu_utilization_ratio:avg": RecordingCase(
        computes={"of two": (gpus(BUSY, "0.5+0x30", "1+0x30"), 0.75)},
        silent={"no pod has it": gpu(BUSY, "0.5+0x30")},
        minute=5,
        labels=OF_POD,
    ),
    "training_job:llmtrain_gpu_utilization_ratio:avg": RecordingCase(
        computes={"of two": (gpus(BUSY, "0.5+0x30", "1+0x30"), 0.75)},
        silent={"a pod of no job has it": gpus(BUSY, "0.5+0x30", job="")},
        minute=5,
        labels=OF_JOB,
    ),
    "training_job:llmtrain_gpu_tensor_active_ratio:avg": RecordingCase(
        computes={"of two": (gpus(TENSOR, "0.25+0x30", "0.75+0x30"), 0.5)},
        silent={"no pod has it": gpu(TENSOR, "0.5+0x30")},
        minute=5,
        labels=OF_JOB,
    ),
    "training_job:llmtrain_gpu_memory_used_bytes:sum": RecordingCase(
        computes={"of two": (gpus(GPU_MEMORY, "100+0x30", "200+0x30"), 300)},
        silent={"no pod has it": gpu(GPU_MEMORY, "100+0x30")},
        minute=5,
        labels=OF_JOB,
    ),
    "training_job:llmtrain_gpu_power_watts:sum": RecordingCase(
        computes={"of two": (gpus(POWER, "400+0x30", "300+0x30"), 700)},
        silent={"no pod has it": gpu(POWER, "100+0x30")},
        minute=5,
        labels=OF_JOB,
    ),
    "llmcluster:llmtrain_gpu_utilization_ratio:avg": RecordingCase(
        computes={"of three": ({**POOL_NODE, **gpus(BUSY, "0+0x30", "0.5+0x30", "1+0x30")}, 0.5)},
        silent={"the node is in no pool": gpus(BUSY, "0.5+0x30")},
        minute=5,
        labels=OF_CLUSTER,
    ),
}

PODS_AND_NODES = {
    "training_job:llmtrain_pod_cpu_seconds:rate5m": RecordingCase(
        computes={
            "two CPUs": (pod(CPU, "0+120x30"), 2),
            "two CPUs, scraped twice": (twice(pod(CPU, "0+120x30")), 2),
        },
        silent={"a pod of no job": pod(CPU, "0+120x30", job="")},
        minute=20,
        labels=OF_JOB,
    ),
    "training_job:llmtrain_pod_memory_used_bytes:sum": RecordingCase(
        computes={
            "one pod": (pod(MEMORY, "100+0x30"), 100),
            "one pod, scraped twice": (twice(pod(MEMORY, "100+0x30")), 100),
        },
        silent={"a pod of no job": pod(MEMORY, "100+0x30", job="")},
        minute=5,
        labels=OF_JOB,
    ),
    "training_job:llmtrain_pod_network_bytes:rate5m": RecordingCase(
        computes={
            "one pod": (pod(NETWORK, "0+6000x30", more=SENT), 100),
            "one pod, scraped twice": (twice(pod(NETWORK, "0+6000x30", more=SENT)), 100),
        },
        silent={"a pod of no job": pod(NETWORK, "0+6000x30", job="", more=SENT)},
        minute=20,
        labels={**OF_JOB, "direction": "sent"},
    ),
    "llmcluster:llmtrain_node_memory_used_bytes:ratio": RecordingCase(
        computes={"a quarter": ({**POOL_NODE, **NODE_MEMORY}, 0.25)},
        silent={"the node is in no pool": NODE_MEMORY},
        minute=5,
        labels=OF_CLUSTER,
    ),
    "llmcluster:llmtrain_node_network_bytes:rate5m": RecordingCase(
        computes={
            "what is sent": ({**POOL_NODE, **NODE_NETWORK}, 100),
            "what is sent, scraped twice": ({**POOL_NODE, **twice(NODE_NETWORK)}, 100),
        },
        silent={"the node is in no pool": NODE_NETWORK},
        minute=20,
        labels=OF_CLUSTER,
    ),
}

RECORDINGS = {**JOBS, **GPUS, **PODS_AND_NODES}
