import io
import json
import logging
import math
import re

import pytest

from llmtrain_api.jsonlog import JsonFormatter, JsonLog, format_line, to_camel


def test_a_line_is_one_json_object_with_time_level_and_event_first() -> None:
    line = format_line("gpuLost", {"gpu": "3"}, level="warning")
    entry = json.loads(line)
    assert "\n" not in line
    assert list(entry) == ["time", "level", "event", "gpu"]
    assert (entry["level"], entry["event"], entry["gpu"]) == ("warning", "gpuLost", "3")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry["time"])


def test_fields_are_written_in_camel_case_and_none_is_left_out() -> None:
    entry = json.loads(format_line("step", {"held_out_loss": 1.5, "localRank": 0, "node": None}))
    assert {name: entry[name] for name in entry if name not in ("time", "level", "event")} == {
        "heldOutLoss": 1.5,
        "localRank": 0,
    }


def test_values_unknown_to_json_are_written_as_strings() -> None:
    assert json.loads(format_line("failed", {"message": ValueError("no text")}))["message"] == "no text"


def test_numbers_that_json_does_not_have_are_written_as_strings() -> None:
    fields = {"loss": math.nan, "model": {"perplexity": math.inf}, "rates": [-math.inf, 1.5]}
    entry = json.loads(format_line("step", fields), parse_constant=pytest.fail)
    assert (entry["loss"], entry["model"], entry["rates"]) == ("NaN", {"perplexity": "Infinity"}, ["-Infinity", 1.5])


def test_names_without_an_underscore_stay_as_they_are() -> None:
    assert [to_camel(name) for name in ("step", "localRank", "exit_code")] == ["step", "localRank", "exitCode"]


def test_bound_fields_are_in_every_line() -> None:
    stream = io.StringIO()
    JsonLog(stream=stream).bind(worker=1).bind(generation=2).warning("rankHung", seconds=5)
    entry = json.loads(stream.getvalue())
    assert (entry["worker"], entry["generation"], entry["seconds"]) == (1, 2, 5)


def test_a_quiet_log_drops_only_information() -> None:
    stream = io.StringIO()
    log = JsonLog(stream=stream).quiet()
    log.info("step")
    log.warning("rankHung")
    log.error("failed")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["rankHung", "failed"]


def test_the_last_lines_are_kept_for_the_termination_message() -> None:
    log = JsonLog(stream=io.StringIO())
    for step in range(30):
        log.bind(split="training").info("step", step=step)
    assert [json.loads(line)["step"] for line in log.recent] == list(range(10, 30))


def test_a_raw_line_is_copied_and_ends_with_one_line_break() -> None:
    stream = io.StringIO()
    log = JsonLog(stream=stream)
    log.write_raw("with\n")
    log.write_raw("without")
    assert stream.getvalue() == "with\nwithout\n"


def record(message: str, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord("llmtrain_operator.shell.leader", logging.WARNING, __file__, 1, message, arguments, None)


def test_records_of_pythons_logging_have_the_same_form() -> None:
    entry = json.loads(JsonFormatter().format(record("watching %s", "pods")))
    assert list(entry) == ["time", "level", "event", "logger"]
    assert (entry["level"], entry["event"]) == ("warning", "watching pods")


def test_fields_of_a_record_are_written_beside_its_event() -> None:
    given = record("watchFailed")
    given.fields = {"api_call": "list", "resource": None}
    assert json.loads(JsonFormatter().format(given))["apiCall"] == "list"
