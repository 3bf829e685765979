"""Personal data are found by form and check digits; what only looks similar stays."""

import time

import pytest

from llmtrain_trainer.data.personal_data import PersonalMasking, mask, mask_words, place_after


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("write to Jane.Doe+news@mail.example.co.uk.", "write to [EMAIL]."),
        ("<büro@bücher.example>", "<[EMAIL]>"),
        ("IBAN DE89 3704 0044 0532 0130 00 at the bank", "IBAN [IBAN] at the bank"),
        ("GB82WEST12345698765432, please", "[IBAN], please"),
        ("ES91 2100 0418 4502 0005 1332 BANK", "[IBAN] BANK"),
        ("card 4111 1111 1111 1111.", "card [CARD]."),
        ("card 4111-1111-1111-1111", "card [CARD]"),
        ("378282246310005", "[CARD]"),
        ("3782 822463 10005", "[CARD]"),
        ("from 192.168.0.17, port 80", "from [IP], port 80"),
        ("at 10.0.0.1.", "at [IP]."),
        ("[fe80::1ff:fe23:4567:890a]", "[[IP]]"),
        ("2001:0db8:85a3:0000:0000:8a2e:0370:7334", "[IP]"),
        ("call +49 (0) 30 901820 today", "call [PHONE] today"),
        ("+1-202-555-0143", "[PHONE]"),
        ("0044 20 7946 0958", "[PHONE]"),
        ("Tel. 030/1234567", "Tel. [PHONE]"),
        ("(202) 555-0143 or 202-555-0143", "[PHONE] or [PHONE]"),
        ("a@b.example and c@d.example", "[EMAIL] and [EMAIL]"),
    ],
)
def test_what_is_personal_becomes_a_placeholder(text: str, masked: str) -> None:
    assert mask(text).text == masked


@pytest.mark.parametrize(
    "text",
    [
        "an @ alone, a@b, @name and #1",
        "DE88370400440532013000",  # other check digits
        "4111 1111 1111 1112",  # another check digit
        "1234567890123456789012345",
        "version 1.2.3.4.5 or 256.1.1.1",
        "std::vector, 12:30:45, ::, a::b",
        "2026-11-30, 30.11.2026, 11/30/2026",
        "3.14159265358979, 1,234,567 and 0.5",
        "ISBN 978-3-16-148410-0",
        "pages 100-200, 2020-2026 and 1 000 000",
        "order 4711-0815-99",
    ],
)
def test_what_only_looks_similar_stays(text: str) -> None:
    assert mask(text) == (text, {})


def test_each_kind_is_counted() -> None:
    masked = mask("a@b.example 10.0.0.1 10.0.0.2 +49 30 901820 4111111111111111 GB82WEST12345698765432")
    assert masked.text == "[EMAIL] [IP] [IP] [PHONE] [CARD] [IBAN]"
    assert masked.counts == {"email": 1, "ip": 2, "phone": 1, "card": 1, "iban": 1}


def test_masked_text_has_nothing_more_to_mask() -> None:
    masked = mask("a@b.example, +49 30 901820, 4111 1111 1111 1111").text
    assert mask(masked) == (masked, {})


def test_no_word_is_lost() -> None:
    assert mask_words("call +49 30 901820 or a@b.example").text == "call [PHONE] [PHONE] [PHONE] or [EMAIL]"


def test_places_in_a_text_are_known_after_masking() -> None:
    text = "mail a@b.example or call +49 30 901820 today"
    after = mask(text).text
    for word in ("mail", "or call", "today"):
        start = text.index(word)
        left, right = place_after(text, start), place_after(text, start + len(word), stop=True)
        assert after[left:right] == word
    start = text.index("b.example")
    assert after[place_after(text, start) : place_after(text, start + 9, stop=True)] == "[EMAIL]"


@pytest.mark.parametrize("unit", ["a", "1", "1 ", "1.", "a.", "a@", "(1) ", "AB12 ", "a:", "+1-", "0 ", "::1", "12:"])
def test_long_text_of_any_kind_takes_little_time(unit: str) -> None:
    text, started_at = unit * (2**17 // len(unit)), time.process_time()
    mask(text)
    assert time.process_time() - started_at < 5


OWN = PersonalMasking(("CUSTOMER=KD-[0-9]{3,}", r"Room=\b[A-C][0-9]{3}\b"))


def test_patterns_of_ones_own_are_searched_first_and_counted_by_name() -> None:
    masked = mask("KD-030 and KD-123456 in B101,\nwrite to KD-77@mail.example or KD-1234567890123", OWN)
    assert masked.text == "[CUSTOMER] and [CUSTOMER] in [ROOM],\nwrite to [EMAIL] or [CUSTOMER]"
    assert masked.counts == {"customer": 3, "room": 1, "email": 1}
    assert mask("KD-030", PersonalMasking()) == ("KD-030", {})


def test_a_pattern_matches_within_a_line() -> None:
    masked = mask("<a\nb> <c d> Žluť <é>", PersonalMasking(("TAG=(?s)<.*?>", "END=[^a-z]+x$")))
    assert masked.text == "<a\nb> [TAG] Žluť [TAG]"
    assert masked.counts == {"tag": 2}


def test_a_text_with_invalid_characters_is_masked_by_a_pattern() -> None:
    masked = mask("\ud800 KD-123 \udcff\nKD-45\ud800 KD-678", OWN)
    assert masked.text == "\ud800 [CUSTOMER] \udcff\nKD-45\ud800 [CUSTOMER]"


def test_places_in_a_text_are_known_after_masking_by_a_pattern() -> None:
    text = "ask KD-1234 in A123 today"
    start = text.index("today")
    assert mask(text, OWN).text[place_after(text, start, OWN) :] == "today"
    assert mask_words("KD-1 in A123 and Sam Doe", PersonalMasking(("PERSON=Sam [A-Z][a-z]+",))).text == (
        "KD-1 in A123 and [PERSON] [PERSON]"
    )


@pytest.mark.parametrize("pattern", ["X=(a*)*b", "X=(a|aa)+c", "X=(.*a){12}d"])
def test_no_pattern_takes_more_than_a_little_time(pattern: str) -> None:
    text, started_at = "a" * 2**16, time.process_time()
    mask(text, PersonalMasking((pattern,)))
    assert time.process_time() - started_at < 5


def test_each_of_thousands_of_addresses_becomes_a_placeholder() -> None:
    one = "mail a{0}@b.example, call +49 30 90{0} from 10.0.{1}.{2}, or 4111 1111 1111 1111;"
    numbers = range(1000, 5000)
    masked = mask(" ".join(one.format(number, number // 100, number % 100) for number in numbers))
    assert masked.text == " ".join(["mail [EMAIL], call [PHONE] from [IP], or [CARD];"] * len(numbers))
    assert masked.counts == dict.fromkeys(("email", "phone", "ip", "card"), len(numbers))
