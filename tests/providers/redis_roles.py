"""Redis in the roles that people run it in: a primary and its replica with sentinels, and a cluster.

All of it is more of the same ``redis-server``, on 127.0.0.1, with times that make a failover take two seconds or so.
"""

from __future__ import annotations

import abc
import contextlib
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.providers.child import Child
from tests.providers.ports import free_port
from tests.providers.redis_server import RedisServer, admin, find_redis_server, kill

BUS_OFFSET = 10_000
"""So far above its port a node of a cluster listens for the others."""

__all__ = ["SERVICE", "RedisCluster", "ReplicatedRedis", "until"]

SERVICE = "mymaster"
SLOTS = 16_384
SENTINEL_LINES = """
port {port}
bind 127.0.0.1
dir {folder}
sentinel monitor {service} 127.0.0.1 {primary} {quorum}
sentinel down-after-milliseconds {service} 500
sentinel failover-timeout {service} 2000
{more}
"""


def until(is_so: Callable[[], Any], *, seconds: float = 120) -> None:
    """Wait until something is so; what is not there yet may raise meanwhile."""
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(Exception):
            if is_so():
                return
        assert time.monotonic() < end, "this has taken too long"
        time.sleep(0.05)


class RedisServers(abc.ABC):
    """Servers that belong together; a context manager."""

    @abc.abstractmethod
    def start(self) -> None:
        """Start all of them."""

    @abc.abstractmethod
    def stop(self) -> None:
        """Stop all that run."""

    def __enter__(self) -> Self:
        """Start all of them, or none."""
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop all of them."""
        self.stop()


class ReplicatedRedis(RedisServers):
    """A primary, a replica and some sentinels; a context manager.

    Args:
        folder: Where they run: a temporary folder of the test.
        sentinels: How many sentinels; more than half of them must agree on a failover.
        replicas: How many replicas: 0 or 1.
        certificate: Where there is one, sentinels and clients find TLS at a port of their own; see ``tls_lines``.
    """

    def __init__(
        self,
        folder: Path,
        *,
        sentinels: int = 3,
        replicas: int = 1,
        certificate: Path | None = None,
    ) -> None:
        self._folder = folder
        self._count = sentinels
        self._certificate = certificate
        self._tls_port = 0 if certificate is None else free_port()  # Of the primary; without a replica.
        options = tls_options(certificate, self._tls_port)
        self.servers = [RedisServer(folder, options=options) for _ in range(1 + replicas)]
        self.sentinel_ports: list[int] = []
        self._tls_ports: list[int] = []
        self._sentinels: list[Child] = []

    def stop(self) -> None:
        """Stop everything."""
        for child in self._sentinels:
            child.stop()
        for server in self.servers:
            server.stop()

    @property
    def address(self) -> str:
        """What ``FOTOWEB_CACHE`` has to hold."""
        scheme, ports = ("rediss", self._tls_ports) if self._certificate else ("redis", self.sentinel_ports)
        return f"{scheme}+sentinel://{','.join(f'127.0.0.1:{port}' for port in ports)}/{SERVICE}/0"

    def start(self) -> None:
        """Start everything and wait until the sentinels know one another and the replica."""
        primary, *replicas = self.servers
        primary.start()
        for replica in replicas:
            replica.start()
            with admin(replica.url) as client:
                client.replicaof("127.0.0.1", str(primary.port))
                until(partial(is_in_line, client))
        program = find_redis_server()
        assert program is not None
        for _ in range(self._count):
            port, tls_port = free_port(), free_port()
            more = tls_lines(self._certificate, tls_port) if self._certificate else {}
            file = self._folder / f"sentinel-{port}.conf"
            file.write_text(
                SENTINEL_LINES.format(
                    port=port,
                    folder=self._folder,
                    service=SERVICE,
                    primary=self._tls_port or primary.port,
                    quorum=self._count // 2 + 1,
                    more="\n".join(map(" ".join, more.items())),
                )
            )
            child = Child([program, file, "--sentinel"], folder=self._folder)
            self._sentinels.append(child)
            child.wait_for_line("+monitor master")
            self.sentinel_ports.append(port)
            self._tls_ports.append(tls_port)
        until(lambda: all(self._is_complete(port) for port in self.sentinel_ports))

    def _is_complete(self, port: int) -> bool:
        state = self.ask_sentinel(port)
        return (state["num-other-sentinels"], state["num-slaves"]) == (self._count - 1, len(self.servers) - 1)

    def ask_sentinel(self, port: int) -> dict[str, Any]:
        """Return what a sentinel knows of the service."""
        with admin(f"redis://127.0.0.1:{port}") as client:
            state: dict[str, Any] = client.sentinel_masters()[SERVICE]
            return state

    def primary(self) -> RedisServer:
        """Return the server that takes writes."""
        for server in self.servers:
            with contextlib.suppress(Exception), admin(server.url) as client:
                if client.info("replication")["role"] == "master":
                    return server
        raise AssertionError("no primary now")

    def kill_primary(self) -> RedisServer:
        """End the primary as a crash does, and return it."""
        primary = self.primary()
        kill(primary)
        return primary

    def stop_sentinels(self) -> None:
        """End the sentinels."""
        for child in self._sentinels:
            child.stop()


class RedisCluster(RedisServers):
    """Three primaries that share the slots, and a replica for each where it is asked for; a context manager.

    Args:
        folder: Where they run: a temporary folder of the test.
        replicas: Whether there are replicas.
        certificate: As for ``ReplicatedRedis``.
    """

    def __init__(self, folder: Path, *, replicas: bool = False, certificate: Path | None = None) -> None:
        self._count = 6 if replicas else 3
        self._folder = folder
        self._certificate = certificate
        self._tls_ports = [free_port(offset=BUS_OFFSET) for _ in range(self._count if certificate else 0)]
        self.nodes: list[RedisServer] = []

    def stop(self) -> None:
        """Stop all nodes."""
        for node in self.nodes:
            node.stop()

    @property
    def address(self) -> str:
        """What ``FOTOWEB_CACHE`` has to hold."""
        scheme = "rediss" if self._certificate else "redis"
        return f"{scheme}+cluster://{','.join(f'127.0.0.1:{port}' for port in self._ports())}"

    def _ports(self) -> list[int]:
        """Return where clients and the other nodes find each node."""
        return self._tls_ports or [node.port for node in self.nodes]

    def start(self) -> None:
        """Start the nodes, make them a cluster and wait until all of them say that it is one."""
        for number in range(self._count):
            options = ["--cluster-enabled", "yes", "--cluster-config-file", f"nodes-{number}.conf"]
            options += ["--cluster-node-timeout", "1000", "--cluster-replica-validity-factor", "0"]
            if self._certificate:
                options += ["--tls-cluster", "yes", *tls_options(self._certificate, self._tls_ports[number])]
            self.nodes.append(RedisServer(self._folder, options=options))
            self.nodes[-1].start()
        for number, node in enumerate(self.nodes):
            with admin(node.url) as client:
                client.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
                if number < 3:
                    client.execute_command("CLUSTER ADDSLOTS", *range(SLOTS * number // 3, SLOTS * (number + 1) // 3))
                if number:
                    client.execute_command("CLUSTER MEET", "127.0.0.1", self._ports()[0])
        until(lambda: all(self._knows_all(node) for node in self.nodes))
        for primary, replica in zip(self.nodes, self.nodes[3:], strict=False):
            with admin(primary.url) as client:
                name = client.execute_command("CLUSTER MYID").decode()
            with admin(replica.url) as client:
                client.execute_command("CLUSTER REPLICATE", name)
        until(lambda: all(self.is_whole(node) for node in self.nodes))

    def _knows_all(self, node: RedisServer) -> bool:
        with admin(node.url) as client:
            return len(client.execute_command("CLUSTER NODES")) == self._count

    def is_whole(self, node: RedisServer) -> bool:
        """Return whether the cluster works, as a node sees it, with every replica in line."""
        with admin(node.url) as client:
            return client.execute_command("CLUSTER INFO")["cluster_state"] == "ok" and is_in_line(client)


def is_in_line(client: Any) -> bool:
    """Return whether a server is a primary, or a replica that has all that its primary has."""
    replication = client.info("replication")
    return bool(replication["role"] == "master" or replication["master_link_status"] == "up")


def tls_lines(certificate: Path, port: int) -> dict[str, str]:
    """Return what makes a server speak TLS at one more port, with its fellows too, and want a certificate of clients.

    Args:
        certificate: A PEM file, its own CA, with its key beside it.
        port: Where.
    """
    return {
        "tls-port": str(port),
        "tls-cert-file": str(certificate),
        "tls-key-file": str(certificate.with_suffix(".key")),
        "tls-ca-cert-file": str(certificate),
        "tls-replication": "yes",
    }


def tls_options(certificate: Path | None, port: int) -> list[str]:
    """Return the same as parts of a command line; nothing without a certificate."""
    lines = tls_lines(certificate, port) if certificate else {}
    return [part for name, value in lines.items() for part in (f"--{name}", value)]
