"""A Ray cluster on loopback: a head without CPUs, to which tests add nodes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cluster.ray_nodes import STORE_BYTES, Nodes, started

# Ray's own deadlines for processes that start, which a busy machine exceeds. A raylet whose own parts come too late
# ends itself, so that another must be started: that one should be waited for briefly
PATIENCE = {
    "RAY_raylet_start_wait_time_s": "180",
    "RAY_worker_register_timeout_seconds": "1800",
    "RAY_gcs_server_request_timeout_seconds": "1800",
}


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """Ray reads them when it is imported; the runs inherit them."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"RAY_USAGE_STATS_ENABLED": "0", **PATIENCE}.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session")
def nodes(patience: None) -> Iterator[Nodes]:
    """One cluster for all tests: each start takes up to a minute, on a busy machine several."""
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "object_store_memory": STORE_BYTES, "include_dashboard": False}
    cluster = started(lambda: Cluster(initialize_head=True, head_node_args=head))
    try:
        yield Nodes(cluster)
    finally:
        cluster.shutdown()
