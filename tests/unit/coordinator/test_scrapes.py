"""How long a trained job's coordinator waits for its last scrape."""

from llmtrain_coordinator.scrapes import MAX_WAIT_SECONDS, Scrapes
from llmtrain_operator.core.plan import LAST_SCRAPE_SECONDS


def scrapes(*times: float) -> Scrapes:
    found = Scrapes()
    for time in times:
        found = found.scraped(time)
    return found


def test_without_scrapes_there_is_no_wait() -> None:
    assert scrapes().wait_seconds(100) == 0


def test_after_one_scrape_no_other_is_expected() -> None:
    assert scrapes(100).wait_seconds(100) == 0


def test_the_next_scrape_may_be_a_whole_interval_late() -> None:
    assert scrapes(0, 15, 30).wait_seconds(35) == 25


def test_of_two_that_scrape_in_turns_the_longer_time_between_counts() -> None:
    assert scrapes(0, 11, 15, 26, 30).wait_seconds(30) == 22


def test_an_interval_of_long_ago_does_not_count() -> None:
    assert scrapes(0, 600, 615, 630).wait_seconds(630) == 30


def test_scrapes_that_have_ceased_are_not_expected() -> None:
    assert scrapes(0, 15).wait_seconds(1000) == 0


def test_the_wait_ends_before_the_grace_period() -> None:
    assert scrapes(0, 300).wait_seconds(300) == MAX_WAIT_SECONDS < LAST_SCRAPE_SECONDS
