"""Files that several contract tests read."""

from pathlib import Path

import pytest
import yaml

from llmtrain_api.generate.rule_file import rule_groups


@pytest.fixture(scope="module")
def rule_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rules") / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": rule_groups("https://example.test/alerts.md")}))
    return path
