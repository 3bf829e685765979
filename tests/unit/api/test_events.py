import re

import pytest

from llmtrain_api.events import AgentEvent, CoordinatorEvent, OperatorEvent, TrainerEvent

PROGRAMS = [AgentEvent, CoordinatorEvent, OperatorEvent, TrainerEvent]


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_event_has_one_form(program: type[CoordinatorEvent]) -> None:
    assert [event for event in program if not re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", event)] == []


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_event_is_named_like_its_constant(program: type[CoordinatorEvent]) -> None:
    words = {event.name: "_".join(re.findall(r"[A-Z]?[a-z]+", event.value)).upper() for event in program}
    assert {name: word for name, word in words.items() if name != word} == {}
