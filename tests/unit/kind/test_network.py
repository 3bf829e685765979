"""The CNI configuration and the routes of the nodes."""

import json

from llmtrain_kind.network import (
    COREFILE,
    POD_RANGE,
    NodeAddress,
    network_configuration,
    node_script,
    parse_addresses,
)

ONE = NodeAddress(name="one", address="10.89.0.2", pod_range="10.244.0.0/24")
TWO = NodeAddress(name="two", address="10.89.0.3", pod_range="10.244.1.0/24")


def test_a_node_assigns_addresses_of_its_own_range() -> None:
    plugin = json.loads(network_configuration("10.244.1.0/24"))["plugins"][0]
    assert plugin["ipam"]["ranges"] == [[{"subnet": "10.244.1.0/24"}]]


def test_nodes_without_a_pod_range_are_skipped() -> None:
    assert parse_addresses("one 10.244.0.0/24 10.89.0.2\ntwo  10.89.0.3\n") == [ONE]


def test_a_node_routes_to_its_peers_and_not_to_itself() -> None:
    script = node_script(ONE, [ONE, TWO])
    assert "ip route replace 10.244.1.0/24 via 10.89.0.3" in script
    assert "ip route replace 10.244.0.0/24" not in script


def test_pods_reach_pods_and_nodes_and_nothing_else() -> None:
    script = node_script(ONE, [ONE, TWO])
    allowed = [line.split()[6] for line in script.splitlines() if "lookup main" in line]
    assert allowed == [POD_RANGE, "10.89.0.2/32", "10.89.0.3/32"]
    assert f"ip rule add from {POD_RANGE} priority 102 unreachable" in script


def test_names_outside_the_cluster_do_not_exist() -> None:
    assert "forward" not in COREFILE
    assert "rcode NXDOMAIN" in COREFILE
