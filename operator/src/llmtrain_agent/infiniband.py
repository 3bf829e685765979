"""Traffic of InfiniBand and RoCE ports, from sysfs: class/infiniband/DEVICE/ports/PORT/counters."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

WORD_BYTES = 4
"""Data counters count words of 32 bits, as the InfiniBand specification defines them."""
ERRORS = ("symbol_error", "link_downed", "port_rcv_errors")


@dataclass(frozen=True, kw_only=True)
class Port:
    """The counters of one port, since they were reset."""

    device: str
    number: str
    received_bytes: int
    sent_bytes: int
    errors: int


def ports(sys: Path) -> Iterator[Port]:
    """Yield every port that has readable counters; none on a node without such devices."""
    for counters in sorted((sys / "class" / "infiniband").glob("*/ports/*/counters")):
        try:
            received, sent = (int((counters / f"port_{direction}_data").read_text()) for direction in ("rcv", "xmit"))
            errors = sum(int((counters / name).read_text()) for name in ERRORS if (counters / name).exists())
        except (OSError, ValueError):  # some drivers list counters that cannot be read, or contain "N/A (no PMA)"
            continue
        yield Port(
            device=counters.parents[2].name,
            number=counters.parent.name,
            received_bytes=received * WORD_BYTES,
            sent_bytes=sent * WORD_BYTES,
            errors=errors,
        )
