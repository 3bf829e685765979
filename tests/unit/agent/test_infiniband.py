"""InfiniBand ports are read from sysfs, whose data counters count words of four bytes."""

from pathlib import Path

from llmtrain_agent.infiniband import Port, ports


def test_a_ports_counters_are_bytes_and_errors(tmp_path: Path) -> None:
    counters = tmp_path / "class/infiniband/mlx5_0/ports/1/counters"
    counters.mkdir(parents=True)
    for name, number in {"port_rcv_data": 10, "port_xmit_data": 20, "symbol_error": 1, "link_downed": 2}.items():
        (counters / name).write_text(f"{number}\n")
    assert list(ports(tmp_path)) == [Port(device="mlx5_0", number="1", received_bytes=40, sent_bytes=80, errors=3)]


def test_an_unreadable_port_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "class/infiniband/mlx5_0/ports/1/counters").mkdir(parents=True)
    assert list(ports(tmp_path)) == []


def test_a_port_without_a_management_agent_does_not_affect_others(tmp_path: Path) -> None:
    for device, number in {"mlx5_0": "N/A (no PMA)", "mlx5_1": "1"}.items():
        counters = tmp_path / f"class/infiniband/{device}/ports/1/counters"
        counters.mkdir(parents=True)
        for name in ("port_rcv_data", "port_xmit_data"):
            (counters / name).write_text(f"{number}\n")
    assert [port.device for port in ports(tmp_path)] == ["mlx5_1"]


def test_a_node_without_devices_has_no_ports(tmp_path: Path) -> None:
    assert list(ports(tmp_path)) == []
