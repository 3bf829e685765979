"""One rank process, seen from its supervisor. It starts as a spare and is assigned a rank later."""

import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence

from llmtrain_trainer.distributed.rank_identity import INCARNATION, LOCAL_RANK, new_incarnation
from llmtrain_trainer.output_lines import pass_on_lines
from llmtrain_trainer.worker.watchdog import DESCRIPTOR, new_watchdog


class RankProcess:
    """A process of the rank stage. Each line of its output is passed to `on_line`, in a thread."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], on_line: Callable[[str], None]) -> None:
        self.incarnation, self.local_rank = new_incarnation(), -1
        self.watchdog, descriptor = new_watchdog()
        self._process = subprocess.Popen(
            [*command, "--spare"],
            env={**os.environ, **environment, DESCRIPTOR: str(descriptor)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[descriptor],
        )
        os.close(descriptor)
        self._reader = threading.Thread(target=self._read, args=(on_line,), daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def assign_rank(self, local_rank: int) -> None:
        """Make it train as rank `local_rank` of this worker."""
        self.local_rank = local_rank
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it has exited, and will be reaped
            assignment = json.dumps({INCARNATION: self.incarnation, LOCAL_RANK: str(local_rank)})
            self._process.stdin.write(f"{assignment}\n".encode())
            self._process.stdin.close()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; does nothing if the process has exited."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def reaped(self, status: int) -> int:
        """Record the wait status of the exited process, read the rest of its output, and return its exit code."""
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        return self._process.returncode

    @property
    def frozen(self) -> bool:
        """Return whether the process is stopped by a signal such as SIGSTOP: it exists but does nothing."""
        with contextlib.suppress(OSError), open(f"/proc/{self.pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] in ("T", "t")
        return False

    def _read(self, on_line: Callable[[str], None]) -> None:
        assert self._process.stdout is not None
        pass_on_lines(self._process.stdout, on_line)
