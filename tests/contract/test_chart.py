"""The chart as Helm renders it: golden manifests, and values that the schema rejects."""

import base64
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract.golden import CHART, GOLDEN, NAMES, helm, manifests, split, template
from llmtrain_api.alerting.alerts import ALERTS
from llmtrain_api.metrics.job import METRICS as JOB_METRICS
from llmtrain_api.names import MAX_WORKERS

pytestmark = pytest.mark.helm
CRDS = Path(__file__).parents[2] / "crds"


def test_helm_lint_passes() -> None:
    done = subprocess.run([helm(), "lint", "--strict", CHART], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_manifests_are_golden(name: str) -> None:
    rendered, golden = (
        sorted(text.strip() for text in split(manifest))
        for manifest in (manifests(name), (GOLDEN / f"{name}.yaml").read_text())
    )
    assert rendered == golden, "run `make render` and read the difference"


def test_crds_equal_the_generated_ones_and_survive_uninstallation() -> None:
    done = template("--show-only", "templates/crds.yaml")
    rendered = {crd["metadata"]["name"]: crd for crd in yaml.safe_load_all(done.stdout) if crd}
    originals = [yaml.safe_load(path.read_text()) for path in CRDS.glob("*.yaml")]
    assert set(rendered) == {crd["metadata"]["name"] for crd in originals}
    for crd in originals:
        templated = rendered[crd["metadata"]["name"]]
        assert templated["spec"] == crd["spec"]
        assert templated["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_config_maps_hold_the_generated_dashboards() -> None:
    done = template("--set", "dashboards.enabled=true", "--show-only", "templates/dashboards.yaml")
    data = {}
    for config_map in yaml.safe_load_all(done.stdout):
        assert config_map["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert config_map["metadata"]["annotations"] == {"grafana_folder": "llmtrain"}
        data.update(config_map["data"])
    files = {path.name: path.read_text().strip() for path in (CHART / "files" / "dashboards").iterdir()}
    assert data == files
    assert len(files) > 2


@pytest.mark.parametrize("url", ["", "https://docs.example/alerts"], ids=["no address", "an address"])
def test_alerts_link_to_the_runbook_only_if_its_address_is_set(url: str) -> None:
    enabled = ("--set", f"metrics.prometheusRule.enabled=true,metrics.prometheusRule.runbookUrl={url}")
    done = template(*enabled, "--show-only", "templates/prometheusrule.yaml")
    rules = [rule for group in yaml.safe_load(done.stdout)["spec"]["groups"] for rule in group["rules"]]
    alerts = [rule for rule in rules if "alert" in rule]
    assert len(alerts) == len(ALERTS)
    for alert in alerts:
        assert {"summary", "description"} <= set(alert["annotations"])
        link = f"{url}#{alert['alert'].lower()}" if url else None
        assert alert["annotations"].get("runbook_url") == link


def test_pods_of_tenants_cannot_name_other_jobs_in_their_metrics() -> None:
    """Anyone who can create pods can label one as a coordinator."""
    done = template("--set", "metrics.monitors.enabled=true", "--show-only", "templates/monitors.yaml")
    monitors = [monitor for monitor in yaml.safe_load_all(done.stdout) if monitor["kind"] == "PodMonitor"]
    (monitor,) = (each for each in monitors if each["spec"].get("namespaceSelector") == {"any": True})
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint["honorLabels"] is False
    targets = {rule.get("targetLabel"): rule["sourceLabels"] for rule in endpoint["relabelings"]}
    assert targets["namespace"] == ["__meta_kubernetes_namespace"]
    assert targets["training_job"] == ["__meta_kubernetes_pod_label_llmtrain_dev_job"]
    kept = next(rule["regex"] for rule in endpoint["metricRelabelings"] if rule["action"] == "keep")
    assert [metric.name for metric in JOB_METRICS if not re.fullmatch(kept, metric.name)] == []
    assert monitor["spec"]["sampleLimit"] > MAX_WORKERS * 16


@pytest.mark.parametrize(
    ("version", "expected"), [pytest.param("1.29.0", 0, id="before"), pytest.param("1.30.0", 4, id="from 1.30 on")]
)
def test_the_operator_is_held_by_policies_where_kubernetes_has_them(version: str, expected: int) -> None:
    done = template("--kube-version", version)
    documents = [document for document in yaml.safe_load_all(done.stdout) if document]
    assert sum(document["kind"] == "ValidatingAdmissionPolicy" for document in documents) == expected
    assert done.stdout.count("policyName:") == expected


def test_crds_can_be_left_out() -> None:
    done = template("--set", "crds.enabled=false")
    assert done.returncode == 0
    assert "CustomResourceDefinition" not in done.stdout


def test_the_key_of_the_tokens_is_drawn_unless_a_secret_is_named() -> None:
    drawn = [yaml.safe_load(template("--show-only", "templates/key.yaml").stdout) for _ in range(2)]
    keys = {base64.b64decode(secret["data"]["key"]) for secret in drawn}
    assert [len(key) for key in keys] == [64, 64]
    named = template("--set", "tokens.existingSecret=mine")
    assert "Secret" not in {each["kind"] for each in yaml.safe_load_all(named.stdout) if each}
    assert "secretName: mine" in named.stdout


def test_default_cluster_is_a_hook_only_where_the_api_is_missing() -> None:
    first = template("--show-only", "templates/defaultcluster.yaml")
    later = template(
        "--show-only", "templates/defaultcluster.yaml", "--api-versions", "llmtrain.dev/v1alpha1/LLMCluster"
    )
    assert yaml.safe_load(first.stdout)["metadata"]["annotations"]["helm.sh/hook"] == "post-install"
    assert "hook" not in later.stdout
    assert yaml.safe_load(first.stdout)["spec"] == yaml.safe_load(later.stdout)["spec"]


@pytest.mark.parametrize(
    ("setting", "rejected"),
    [
        ("replica=1", "replica"),
        ("replicas=0", "replicas"),
        ("replicas=two", "replicas"),
        ("image.operator.name=x", "name"),
        ("image.operator.repository=", "repository"),
        ("image.operator.digest=sha256:12", "digest"),
        ("imagePullPolicy=Sometimes", "imagePullPolicy"),
        ("logLevel=loud", "logLevel"),
        ("crds.enabled=perhaps", "crds"),
        ("resources.claims[0].name=x", "claims"),
        ("defaultCluster.name=Not_A_Name", "defaultCluster"),
        ("defaultCluster.spec.computePool=x", "computePool"),
        ("defaultCluster.spec.storagePools[0].name=a,defaultCluster.spec.storagePools[0].size=10GB", "size"),
        ("nodeSelector.disk=3", "nodeSelector"),
        ("admissionPolicy.serviceAccounts={trainer}", "serviceAccounts"),
        ("rbac.clusterReaders[0].kind=Team,rbac.clusterReaders[0].name=a", "clusterReaders"),
        ("metrics.prometheusRule.runbookUrl=docs/reference/alerts.md", "runbookUrl"),
    ],
)
def test_invalid_values_are_rejected(setting: str, rejected: str) -> None:
    done = template("--set", setting)
    assert done.returncode != 0
    assert "values don't meet the specifications" in done.stderr
    assert rejected in done.stderr


def agent(*options: str) -> dict[str, Any]:
    """Return the pod spec of the node agent."""
    done = template("--show-only", "templates/agent.yaml", *options)
    (daemon_set,) = (each for each in yaml.safe_load_all(done.stdout) if each["kind"] == "DaemonSet")
    pod: dict[str, Any] = daemon_set["spec"]["template"]["spec"]
    return pod


UNPRIVILEGED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


@pytest.mark.parametrize("off", ["off", False], ids=["as text", "as YAML reads off"])
def test_the_agent_gets_no_gpus_if_another_exporter_reads_them(off: str | bool) -> None:
    values = json.dumps({"gpus": off, "driverLibraries": "/x"})
    (container,) = agent("--set-json", f"agent={values}")["containers"]
    assert "--gpus=off" in container["args"]
    assert [entry["name"] for entry in container["env"]] == ["LLMTRAIN_NODE"]
    assert container["securityContext"] == UNPRIVILEGED


def test_the_agent_mounts_the_sys_of_the_node() -> None:
    """A pod's own /sys lacks the node's network devices and the counters of InfiniBand."""
    pod = agent()
    (container,) = pod["containers"]
    assert {"--sys=/host/sys", "--cgroup=/host/sys/fs/cgroup"} <= set(container["args"])
    assert {"name": "sys", "mountPath": "/host/sys", "readOnly": True} in container["volumeMounts"]
    assert {"name": "sys", "hostPath": {"path": "/sys", "type": "Directory"}} in pod["volumes"]
    assert container["securityContext"] == UNPRIVILEGED


def test_the_agent_is_privileged_only_with_driver_libraries() -> None:
    (container,) = agent("--set", "agent.driverLibraries=/lib64")["containers"]
    assert container["securityContext"] == {"privileged": True, "readOnlyRootFilesystem": True}


def test_an_unsupported_kubernetes_version_is_rejected() -> None:
    done = template("--kube-version", "1.28.0")
    assert done.returncode != 0
    assert "kubeVersion" in done.stderr
