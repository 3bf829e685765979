"""Series for which each alert of GPUs, pods and nodes fires, and series for which it stays silent."""

from contract.promtool_series import (
    OF_CLUSTER,
    OF_POD,
    ON_GPU,
    ON_NODE,
    POOL_NODE,
    AlertCase,
    agent,
    gpu,
    gpus,
    handed_over,
    node,
    pod,
)

BUSY, LOST, XID = "llmtrain_gpu_utilization_ratio", "llmtrain_gpu_lost", "llmtrain_gpu_xid_errors_total"
ECC, THROTTLED = "llmtrain_gpu_ecc_errors_total", "llmtrain_gpu_throttled"
USED, LIMIT = "llmtrain_pod_memory_used_bytes", "llmtrain_pod_memory_limit_bytes"
PORT = ', device="mlx5_0", port="1"'


def infiniband(values: str) -> dict[str, str]:
    """Return the error counter of an InfiniBand port."""
    return node("llmtrain_node_infiniband_errors_total", values, PORT)


ALERTS = {
    "LlmtrainGpuLowUse": AlertCase(
        minute=60,
        labels=OF_POD,
        fires={"its GPU is hardly used": gpus(BUSY, "0.9+0x10 0.15+0x80")},
        silent={
            "its GPU is used a little more": gpus(BUSY, "0.25+0x80"),
            "its GPU is used now": gpus(BUSY, "0.05+0x10 0.9+0x80"),
            "its GPU has been idle for ten minutes": gpus(BUSY, "0.9+0x50 0+0x30"),
            "the pod is young": gpus(BUSY, "0.05+0x90", held="_x40 1+0x50"),
            "the pod is gone": gpus(BUSY, "0.05+0x90", held="1+0x55 stale"),
        },
    ),
    "LlmtrainGpuLost": AlertCase(
        minute=10,
        labels=ON_GPU,
        fires={
            "it does not answer": gpu(LOST, "0+0x5 1+0x30"),
            "a new agent started": handed_over(gpu(LOST, "1"), 10),
        },
        silent={"it answers": gpu(LOST, "0+0x30"), "it does not answer in one scrape": gpu(LOST, "0+0x9 1+0x30")},
    ),
    "LlmtrainGpuXid": AlertCase(
        minute=25,
        labels={**ON_GPU, "xid": "79"},
        fires={
            "the first of its kind": gpu(XID, "_x20 1+0x30", ', xid="79"'),
            "the second of its kind": gpu(XID, "1+0x20 2+0x30", ', xid="79"'),
        },
        silent={"it was long ago": gpu(XID, "1+0x60", ', xid="79"')},
    ),
    "LlmtrainGpuMemoryErrors": AlertCase(
        minute=30,
        labels=ON_GPU,
        fires={"one was not corrected": gpu(ECC, "0+0x10 1+0x60", ', severity="uncorrected"')},
        silent={
            "all were corrected": {
                **gpu(ECC, "0+1x90", ', severity="corrected"'),
                **gpu(ECC, "0+0x90", ', severity="uncorrected"'),
            },
            "it was before": gpu(ECC, "3+0x90", ', severity="uncorrected"'),
        },
    ),
    "LlmtrainGpuThrottled": AlertCase(
        minute=30,
        labels={**ON_GPU, "reason": "thermal"},
        fires={
            "it is too hot": gpu(THROTTLED, "1+0x60", ', reason="thermal"'),
            "a new agent started": handed_over(gpu(THROTTLED, "1", ', reason="thermal"'), 25),
        },
        silent={
            "it runs at its power limit": gpu(THROTTLED, "1+0x60", ', reason="power"'),
            "it is not too hot": gpu(THROTTLED, "0+0x60", ', reason="thermal"'),
            "it has been too hot for ten minutes": gpu(THROTTLED, "0+0x20 1+0x60", ', reason="thermal"'),
        },
    ),
    "LlmtrainInfinibandErrors": AlertCase(
        minute=30,
        labels={**ON_NODE, "device": "mlx5_0", "port": "1"},
        fires={"twelve": infiniband("0+0x20 12+0x40")},
        silent={"nine": infiniband("0+0x20 9+0x40"), "many, but long ago": infiniband("700+0x60")},
    ),
    "LlmtrainMemoryNearLimit": AlertCase(
        minute=15,
        labels={**ON_NODE, **OF_POD},
        fires={
            "98 of 100": {**pod(USED, "98+0x30"), **pod(LIMIT, "100+0x30")},
            "a new agent started": handed_over({**pod(USED, "98"), **pod(LIMIT, "100")}, 13),
        },
        silent={
            "90 of 100": {**pod(USED, "90+0x30"), **pod(LIMIT, "100+0x30")},
            "a pod of no job": {**pod(USED, "98+0x30", job=""), **pod(LIMIT, "100+0x30", job="")},
            "98 of 100 for two minutes": {**pod(USED, "90+0x12 98+0x30"), **pod(LIMIT, "100+0x30")},
        },
    ),
    "LlmtrainAgentMissing": AlertCase(
        minute=30,
        labels={**OF_CLUSTER, **ON_NODE},
        fires={
            "another node has one": {**POOL_NODE, **agent("1+0x60", on="n2")},
            "all are gone": {**POOL_NODE, **agent("1+0x5 stale")},
        },
        silent={
            "it exports metrics": {**POOL_NODE, **agent("1+0x60")},
            "there is no agent on any node": POOL_NODE,
            "it has been gone for ten minutes": {**POOL_NODE, **agent("1+0x20 stale")},
        },
    ),
}
