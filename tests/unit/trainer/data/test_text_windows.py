"""The windows of a text, and of several sources one after another."""

import numpy as np

from llmtrain_trainer.data.text_windows import TextWindows

TOKENS = np.arange(100, dtype=np.uint16)


def test_the_windows_of_one_source_are_consecutive_and_share_the_last_token() -> None:
    windows = TextWindows(tokens=TOKENS, length=30)
    assert len(windows) == 3
    assert [row.tolist() for row in windows.read([2, 0])] == [[*range(60, 91)], [*range(31)]]


def test_the_windows_of_each_source_have_its_tokens_alone() -> None:
    windows = TextWindows(tokens=TOKENS, length=10, source_tokens=[25, 11, 64])
    assert windows.sizes == (2, 1, 6)
    rows = windows.read(range(9))
    assert [int(row[0]) for row in rows] == [0, 10, 25, 36, 46, 56, 66, 76, 86]
    assert [int(row[-1]) for row in rows] == [10, 20, 35, 46, 56, 66, 76, 86, 96]


def test_a_source_without_a_window_is_passed_over() -> None:
    windows = TextWindows(tokens=TOKENS, length=10, source_tokens=[50, 10, 40])
    assert windows.sizes == (4, 0, 3)
    assert int(windows.read([4])[0, 0]) == 60
