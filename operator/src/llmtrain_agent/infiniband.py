"""What InfiniBand and RoCE ports carried, by sysfs: class/infiniband/DEVICE/ports/PORT/counters."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

WORD_BYTES = 4
"""Data counters count words of 32 bits, as the InfiniBand specification has them."""
ERRORS = ("symbol_error", "link_downed", "port_rcv_errors")


@dataclass(frozen=True, kw_only=True)
class Port:
    """One port, since its counters were reset."""

    device: str
    number: str
    received_bytes: int
    sent_bytes: int
    errors: int


def ports(sys: Path) -> Iterator[Port]:
    """Yield the ports of all devices that have counters; none on a node without such devices."""
    for counters in sorted((sys / "class" / "infiniband").glob("*/ports/*/counters")):
        try:
            received, sent = (int((counters / f"port_{way}_data").read_text()) for way in ("rcv", "xmit"))
            errors = sum(int((counters / name).read_text()) for name in ERRORS if (counters / name).exists())
        except (OSError, ValueError):  # some drivers list counters that can't be read, or say "N/A (no PMA)"
            continue
        yield Port(
            device=counters.parents[2].name,
            number=counters.parent.name,
            received_bytes=received * WORD_BYTES,
            sent_bytes=sent * WORD_BYTES,
            errors=errors,
        )
