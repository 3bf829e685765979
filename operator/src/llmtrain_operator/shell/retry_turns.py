"""Which of many refused jobs try again when a quota leaves more room: the oldest, and one after the other of the rest.

If all tried, all but a few would be refused again, each time a pod of their namespace ends.
"""

from collections import Counter
from collections.abc import Iterable

from llmtrain_operator.shell.work_queue import Key


class RetryTurns:
    """How often each job has had a turn."""

    def __init__(self) -> None:
        self.turns: Counter[Key] = Counter()

    def of(self, key: Key) -> int:
        """Return how many turns a job has had: its refused requests are made again soon when that has changed."""
        return self.turns[key]

    def grant(self, keys: Iterable[Key]) -> tuple[Key, ...]:
        """Give turns to some of the jobs, which are listed by age, and return them.

        The oldest one always has a turn. It may need more than there is, so another one has a turn too: the oldest of
        those that have had the fewest.
        """
        waiting = tuple(keys)
        others = sorted(waiting[1:], key=self.of)
        chosen = (*waiting[:1], *others[:1])
        self.turns.update(chosen)
        return chosen

    def discard(self, key: Key) -> None:
        """Forget a job that waits no more."""
        self.turns.pop(key, None)
