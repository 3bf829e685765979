"""A small job that recommends items, and its training state before the first step."""

import random
from pathlib import Path

from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.training.recommendation import RecommendationTask, open_task
from llmtrain_trainer.training.train_state import TrainState
from unit.trainer.builders import MakeRun, make_task_state

ITEMS = 20
SIZES = {"layers": 1, "width": 16, "heads": 2, "contextLength": 8}


def history(user: int) -> list[int]:
    """Return the items of a user in order of time: most often the one after the last."""
    randomly = random.Random(user)
    items = [randomly.randrange(ITEMS)]
    for _ in range(user % 23):
        items.append((items[-1] + (1 if randomly.random() < 0.9 else randomly.randrange(ITEMS))) % ITEMS)
    return items


def write_events(volume: Path, users: int = 60) -> None:
    events = [(time * 60, user, item) for user in range(users) for time, item in enumerate(history(user))]
    random.Random(0).shuffle(events)
    lines = "".join(f"user{user},item{item},{time}\n" for time, user, item in events)
    (volume / "events.csv").write_text(f"who,what,when\n{lines}")


def make_recommendation_run(make_run: MakeRun, volume: Path, **sections: object) -> RunConfig:
    """Write the events of a job, and return its run config."""
    write_events(volume)
    return make_run(
        **{
            "task": {"name": "recommendation"},
            "model": SIZES,
            "data": {
                "source": {"volume": "datasets", "path": "events.csv"},
                "columns": {"user": "who", "item": "what", "time": "when"},
            },
        }
        | sections
    )


def make_recommendation_state(run: RunConfig, log: JsonLog) -> tuple[RecommendationTask, TrainState]:
    """Return task and state before the first step."""
    return make_task_state(open_task, run, log)
