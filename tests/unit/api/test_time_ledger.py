from llmtrain_api.time_ledger import TimeLedger, new_ledger


def test_a_new_ledger_is_empty() -> None:
    ledger = new_ledger(1000)
    assert (ledger.until_ms, ledger.total_ms, ledger.goodput) == (1000, 0, 0.0)


def test_time_is_added_by_category_and_the_rest_to_the_remainder() -> None:
    ledger = new_ledger(0).advance(10_000, {"checkpoint": 2.0, "evaluating": 1.0}, "stepping")
    assert ledger == TimeLedger(until_ms=10_000, ms={"checkpoint": 2000, "evaluating": 1000, "stepping": 7000})


def test_more_seconds_than_have_passed_are_cut_in_their_order() -> None:
    ledger = new_ledger(0).advance(3000, {"checkpoint": 2.0, "evaluating": 2.0}, "stepping")
    assert ledger.ms == {"checkpoint": 2000, "evaluating": 1000}


def test_a_clock_that_went_backwards_adds_nothing() -> None:
    ledger = TimeLedger(until_ms=5000, ms={"stepping": 5000})
    assert ledger.advance(4000, {}, "waiting") == ledger


def test_goodput_is_the_fraction_of_steps() -> None:
    assert TimeLedger(until_ms=0, ms={"stepping": 3000, "replaying": 1000}).goodput == 0.75
