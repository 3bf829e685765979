"""A rank process gets its rank over standard input, and its output arrives in lines."""

import os
import sys

from llmtrain_trainer.distributed.rank_identity import LOCAL_RANK
from llmtrain_trainer.worker.rank_process import RankProcess
from support.polling import eventually

ECHO = "import sys\nprint(sys.stdin.readline(), end='', flush=True)\nprint('\\r1/2\\r2/2\\nübrig', end='')"


def test_a_rank_reads_its_assignment_and_its_output_is_passed_on() -> None:
    lines: list[str] = []
    process = RankProcess([sys.executable, "-c", ECHO], {"PYTHONUTF8": "1"}, lines.append)
    process.assign_rank(3)
    eventually(lambda: len(lines) == 4, "its output is passed on")
    assert process.reaped(os.waitpid(process.pid, 0)[1]) == 0
    assert f'"{LOCAL_RANK}": "3"' in lines[0]
    assert lines[1:] == ["1/2\n", "2/2\n", "übrig\n"]
