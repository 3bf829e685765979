"""Errors of real data. The message has the cause and the remedy.

RealDataError
├── Unavailable    a package cannot be downloaded, or is another one than expected
├── Unreadable     a file of a package has another form than its converter expects
└── WrongCounts    a set has another number of samples than expected
"""

from real_data.packages import Package


class RealDataError(Exception):
    """Base of all errors; printed without a traceback."""


class Unavailable(RealDataError):
    """A package cannot be used."""

    def __init__(self, package: Package, cause: str) -> None:
        """Name the package before the cause."""
        super().__init__(f"{package.name} {package.version} ({package.registry}): {cause}")


class Unreadable(RealDataError):
    """A file has another form than expected; the message names file and line."""


class WrongCounts(RealDataError):
    """A set has another number of samples than expected."""
