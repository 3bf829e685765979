"""The rule file for Prometheus, with all recording rules and alerts."""

from typing import Any

from llmtrain_api.alerting import dcgm
from llmtrain_api.alerting.alerts import ALERTS
from llmtrain_api.alerting.recording import RECORDINGS


def rule_groups(runbook_url: str) -> list[dict[str, Any]]:
    """Return the groups of a rule file. `runbook_url` is the page with the alerts' sections."""
    mapped = [{"record": rule.record, "expr": rule.expr} for rule in dcgm.RECORDINGS]
    recording = [{"record": rule.record, "expr": rule.expr} for rule in RECORDINGS]
    alerting = [
        {
            "alert": alert.name,
            "expr": alert.expr,
            "for": alert.for_duration,
            "labels": {"severity": alert.severity},
            "annotations": {
                "summary": alert.summary,
                "description": f"{alert.meaning} {alert.mitigation}",
                "runbook_url": f"{runbook_url}#{alert.name.lower()}",
            },
        }
        for alert in ALERTS
    ]
    groups = {"dcgm": mapped, "recording": recording, "alerts": alerting}
    return [{"name": f"llmtrain.{name}", "rules": rules} for name, rules in groups.items()]
