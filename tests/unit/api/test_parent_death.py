"""A process ends with its parent."""

import os
import subprocess
import sys

DEADLINE_SECONDS = 60
PARENT = f"""
import subprocess, sys
from llmtrain_api.parent_death import die_with_parent
sleep = "import time; time.sleep({10 * DEADLINE_SECONDS})"
subprocess.Popen([sys.executable, "-c", sleep], preexec_fn=die_with_parent)
print("started")
"""


def test_a_child_is_killed_when_its_parent_exits() -> None:
    """The output ends when the child, which inherits it, is gone."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", PARENT]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=True
    )
    assert done.stdout == "started\n"
