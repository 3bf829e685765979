from llmtrain_api.events import AgentEvent, CoordinatorEvent, OperatorEvent, TrainerEvent
from llmtrain_api.generate.runtime_pages import environment_page, log_events_page


def test_every_event_is_listed_with_its_docstring() -> None:
    page = log_events_page()
    for event in (*AgentEvent, *CoordinatorEvent, *OperatorEvent, *TrainerEvent):
        assert f"| `{event.value}` | " in page
    assert "| `gpuLost` | The GPU with index `gpu` does not answer any more. |" in page


def test_a_variable_is_listed_with_its_default() -> None:
    assert "| `LLMTRAIN_METRICS_PORT` | 8080 | Port of /metrics. |" in environment_page()
