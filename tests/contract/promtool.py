"""Runs promtool, and builds its unit tests of rules."""

import subprocess
from pathlib import Path
from typing import Any

import yaml

from contract.promtool_series import History
from llmtrain_kind.prometheus import make_prometheus

Test = dict[str, Any]
"""One test in promtool's format."""


def promtool(*arguments: str) -> None:
    """Run promtool. AssertionError with its output if it fails."""
    done = subprocess.run([make_prometheus() / "promtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def promql_test(sentence: str, series: History, minute: int, expression: str, expected: list[dict[str, Any]]) -> Test:
    """Return a test that evaluates one expression at one time."""
    question = {"expr": expression, "eval_time": f"{minute}m", "exp_samples": expected}
    inputs = [{"series": name, "values": values} for name, values in series.items()]
    return {"name": sentence, "interval": "1m", "input_series": inputs, "promql_expr_test": [question]}


def series_name(labels: dict[str, str], name: str) -> str:
    """Return a series in PromQL's notation."""
    return name + "{" + ", ".join(f'{key}="{value}"' for key, value in labels.items()) + "}"


def check(rule_file: Path, *tests: Test) -> None:
    """Run tests of a rule file. AssertionError with promtool's output if one fails."""
    path = rule_file.parent / "test.yaml"
    path.write_text(yaml.safe_dump({"rule_files": [str(rule_file)], "evaluation_interval": "1m", "tests": [*tests]}))
    promtool("test", "rules", str(path))
