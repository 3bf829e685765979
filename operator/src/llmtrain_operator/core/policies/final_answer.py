"""Final answer: the coordinator is asked once more before the job ends, or before its coordinator is deleted.

While a job trains, seconds lie between two answers, and those that only hold new figures wait. The last steps and the time they took are in the status for good
only if an answer from after them is read, and the coordinator that has it is deleted at the end.
"""

from collections.abc import Iterable

from llmtrain_operator.core.plan import ObjectReference
from llmtrain_operator.core.pod_view import PodView


def awaits_final_answer(
    pods: Iterable[PodView], delete: Iterable[ObjectReference], *, is_end: bool, answers: bool, is_asked: bool
) -> bool:
    """Return whether the plan waits for the coordinator's next answer, which enqueues the job.

    `delete` is what the plan deletes and `is_end` whether it ends the job; `answers` is whether the coordinator does,
    and `is_asked` whether it was asked since the last plan. One that does not answer is not waited for.
    """
    if is_asked or not answers:
        return False
    deleted = {reference.uid for reference in delete}
    return is_end or any(pod.role == "coordinator" and pod.uid in deleted for pod in pods)
