"""Jobs that wait for each other's model never start: the cycle of `spec.model.from.job` is found, and named in words."""

from collections.abc import Callable

from llmtrain_api.conditions import Reason
from llmtrain_api.names import JOB_KIND
from llmtrain_operator.core.policies.admission import Blocker

MAX_FOLLOWED = 256
"""Jobs that are followed from one to the next: a longer cycle is not found."""
MAX_NAMED = 8
"""Jobs of a cycle that a message names."""


def model_cycle(name: str, awaited: Callable[[str], str | None]) -> tuple[str, ...]:
    """Return the jobs that wait for each other's model, in order, where the job `name` is one of them or waits for one.

    `awaited` returns the job whose model a job waits for, by their names; None if it waits for none, or does not exist.
    """
    followed = {name: 0}
    while (after := awaited(next(reversed(followed)))) is not None and len(followed) <= MAX_FOLLOWED:
        if after in followed:
            return tuple(followed)[followed[after] :]
        followed[after] = len(followed)
    return ()


def waiting_in_cycle(field: str, cycle: tuple[str, ...]) -> Blocker:
    """Return the blocker of a job whose `field` leads into a cycle of jobs."""
    if len(cycle) == 1:
        message = (
            f"{field}: {JOB_KIND} '{cycle[0]}' waits for its own model, and so never starts; delete it, and create it again "
            "with another model"
        )
    else:
        links = [f"'{each}' for that of '{after}'" for each, after in zip(cycle, (*cycle[1:], cycle[0]), strict=True)]
        named = links if len(links) <= MAX_NAMED else [*links[:MAX_NAMED], f"and {len(links) - MAX_NAMED} more"]
        message = (
            f"{field}: {len(cycle)} jobs wait for each other's model, and so never start: {', '.join(named)}; delete one of "
            "them, and create it again with another model"
        )
    return Blocker(reason=Reason.DEPENDENCY_CYCLE, message=message)
