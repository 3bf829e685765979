"""The Debian mirror is read from apt's sources."""

import pytest

from llmtrain_kind.host import debian_mirror


@pytest.mark.parametrize(
    ("sources", "mirror"),
    [
        pytest.param(
            "deb http://mirror.example/debian bookworm main\n", "http://mirror.example/debian", id="one-line format"
        ),
        pytest.param(
            "deb [signed-by=/k] http://m.example bookworm contrib main\n",
            "http://m.example",
            id="one line with options",
        ),
        pytest.param(
            "Types: deb\n# a comment\nURIs: http://d.example/debian\n"
            "Suites: bookworm bookworm-updates\nComponents: main\n",
            "http://d.example/debian",
            id="deb822 format",
        ),
        pytest.param("deb http://other.example/apt stable main\n", None, id="another suite"),
        pytest.param(
            "Types: deb\nURIs: http://s.example\nSuites: bookworm-security\nComponents: main\n",
            None,
            id="security updates alone",
        ),
    ],
)
def test_the_mirror_is_the_one_of_the_release(sources: str, mirror: str | None) -> None:
    assert debian_mirror(sources, "bookworm") == mirror
