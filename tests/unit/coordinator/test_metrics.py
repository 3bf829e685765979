"""The metrics of a job are those of the catalogue, and unknown values have no sample."""

from prometheus_client.parser import text_string_to_metric_families

from llmtrain_api.metrics import job
from llmtrain_api.metrics.catalogue import CATALOGUE
from llmtrain_api.recovery_record import RECOVERY_PHASES
from llmtrain_api.time_ledger import CATEGORIES
from llmtrain_coordinator.metrics import JobCollector, exposition, samples
from llmtrain_coordinator.recovery_log import RecoveryLog
from llmtrain_coordinator.snapshot import CoordinatorSnapshot
from unit.coordinator.messages import group_after, join
from unit.coordinator.snapshots import SNAPSHOT

JOB = ("team", "gpt")


def test_every_job_metric_of_the_catalogue_is_exported_once() -> None:
    series = [(sample.metric, sample.labels) for sample in samples(SNAPSHOT, JOB)]
    assert {metric for metric, _ in series} == set(job.METRICS)
    assert len(series) == len(set(series))


def test_counters_start_at_zero() -> None:
    values = {(sample.metric, sample.labels[2:]): sample.value for sample in samples(SNAPSHOT, JOB)}
    recoveries = {labels: number for (metric, labels), number in values.items() if metric is job.JOB_RECOVERIES}
    assert recoveries == {("process",): 2, ("pod",): 0, ("checkpoint",): 0}
    assert values[job.JOB_RECOVERY_SECONDS, ("process", "rendezvous")] == 0.5
    assert values[job.JOB_RECOVERY_SECONDS, ("checkpoint", "replay")] == 0
    categories = {labels[0]: number for (metric, labels), number in values.items() if metric is job.JOB_SECONDS}
    assert categories == {**dict.fromkeys(CATEGORIES, 0), "stepping": 3.0}


def test_progress_has_no_samples_before_the_first_step() -> None:
    snapshot = CoordinatorSnapshot(group=group_after(2, join("a0")), recovery_log=RecoveryLog())
    assert {sample.metric.name for sample in samples(snapshot, JOB)} == {
        "llmtrain_job_generation",
        "llmtrain_job_ranks",
        "llmtrain_job_ranks_desired",
        "llmtrain_job_lost_members_total",
        "llmtrain_job_replayed_steps_total",
        "llmtrain_job_recoveries_total",
        "llmtrain_job_recovery_seconds_total",
    }


def test_prometheus_can_parse_the_exposition() -> None:
    text = exposition(JobCollector(SNAPSHOT, JOB)).decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    by_name = {sample.name: sample for sample in samples}
    assert by_name["llmtrain_job_step"].value == 4
    assert by_name["llmtrain_job_loss_nats"].value == 2.0
    bad = [by_name[f"llmtrain_job_bad_{name}"].value for name in ("steps_total", "step", "microbatch")]
    assert bad == [1, 3, 2]
    assert by_name["llmtrain_job_checkpoint_volume_free_bytes"].value == 400
    assert {(sample.labels["namespace"], sample.labels["training_job"]) for sample in by_name.values()} == {
        ("team", "gpt")
    }
    phases = [sample.labels["phase"] for sample in samples if sample.name == "llmtrain_job_recovery_seconds_total"]
    assert phases == [*RECOVERY_PHASES] * 3
    assert set(by_name) <= {metric.name for metric in CATALOGUE}
