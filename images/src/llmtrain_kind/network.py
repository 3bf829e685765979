"""The cluster network of the offline flavour: one CNI plugin and a route to each peer.

All nodes share one bridge, so a point-to-point plugin on each node and a route to every other node's pod range are
sufficient.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from llmtrain_kind.commands import run

POD_RANGE = "10.244.0.0/16"
SERVICE_RANGE = "10.96.0.0/16"

# Names outside the cluster are answered with NXDOMAIN at once, so that no query leaves the machine.
COREFILE = """\
cluster.local:53 in-addr.arpa:53 ip6.arpa:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       ttl 5
    }
    cache 5
    loadbalance
}
.:53 {
    template ANY ANY {
       rcode NXDOMAIN
    }
}
"""


@dataclass(frozen=True, kw_only=True)
class NodeAddress:
    """A node's name, its address on the bridge and the range of its pods."""

    name: str
    address: str
    pod_range: str


def parse_addresses(listing: str) -> list[NodeAddress]:
    """Return the nodes in lines of `name pod-range address`, without nodes that have no range yet."""
    rows = (line.split() for line in listing.splitlines())
    return [NodeAddress(name=row[0], pod_range=row[1], address=row[2]) for row in rows if len(row) == 3]


def network_configuration(pod_range: str) -> str:
    """Return the CNI configuration of a node."""
    plugins = [
        {
            "type": "ptp",
            "ipMasq": False,
            "ipam": {
                "type": "host-local",
                "dataDir": "/run/cni-ipam",
                "ranges": [[{"subnet": pod_range}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        },
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ]
    return json.dumps({"cniVersion": "1.0.0", "name": "kind", "plugins": plugins})


def gateway(pod_range: str) -> str:
    """Return the first address of a pod range, which its node has."""
    return str(next(ip_network(pod_range).hosts()))


def node_script(node: NodeAddress, peers: Sequence[NodeAddress]) -> str:
    """Return an idempotent shell script that connects one node to its peers.

    Pods reach pods and nodes, and nothing else. Services stay reachable: kube-proxy rewrites their packets to a pod before
    routing. The node itself has no `unreachable` route for services: its own packets are routed before the rewrite.

    A node sends to pods of other nodes from the first address of its pod range: where the machine passes bridged packets
    through its firewall, the engine would masquerade any other source address and replies would be lost.
    """
    own = gateway(node.pod_range)
    lines = [
        "set -e",
        "mkdir -p /etc/cni/net.d",
        f"echo '{network_configuration(node.pod_range)}' > /etc/cni/net.d/10-kind.conflist",
        f"ip route replace unreachable {POD_RANGE}",
        f"ip address replace {own}/32 dev lo",
    ]
    lines += [
        f"ip route replace {peer.pod_range} via {peer.address} src {own}" for peer in peers if peer.name != node.name
    ]
    lines.append(f"if ! ip rule show | grep -q 'from {POD_RANGE} unreachable'; then")
    lines += [
        f"ip rule add from {POD_RANGE} to {destination} lookup main priority 100"
        for destination in (POD_RANGE, *(f"{peer.address}/32" for peer in peers))
    ]
    lines += [f"ip rule add from {POD_RANGE} priority 102 unreachable", "fi"]
    return "\n".join(lines) + "\n"


def connect_nodes(engine: str, nodes: Sequence[NodeAddress]) -> None:
    """Write the CNI configuration and the routes of every node."""
    for node in nodes:
        run([engine, "exec", "-i", node.name, "sh"], input_text=node_script(node, nodes))
