"""The signals that ask a program to stop. Standard library only."""

import signal


def stop_signals() -> tuple[signal.Signals, ...]:
    """Return SIGTERM, SIGINT, and SIGHUP, which a terminal sends when it is closed.

    SIGHUP is left out where it is ignored: a program that was started with `nohup` continues without its terminal.
    """
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return (signal.SIGTERM, signal.SIGINT, *(() if ignored else (signal.SIGHUP,)))
