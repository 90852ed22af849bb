"""Broken set-ups: the session store."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.cli.bench import Bench
from tests.cli.declared_setups import (
    SIGNED_IN,
    STORE_FAILING,
    broken,
)
from tests.cli.visits import Site, go_to_both
from tests.providers.ports import free_port
from tests.providers.redis_server import admin

# Root may write everywhere. As another user, Python and the clone could lie where only root may read.
WITHOUT_ROOTS_WRITING = ("setpriv", "--inh-caps=-dac_override", "--bounding-set=-dac_override")

# --------------------------------------------------------------------------------------------------------------- Redis


@broken(
    "Redis is down",
    "bad   The session store can't be used: Redis at {redis}/0: connection refused.",
    needs_redis=True,
    logs=STORE_FAILING
    + ("Redis at {redis}/0: connection refused; start Redis, or correct host and port in FOTOWEB_CACHE."),
    sees=SIGNED_IN,
)
def _(bench: Bench) -> None:
    bench.use_redis().stop()


@broken(
    "Redis wants a password",
    "bad   The session store can't be used: Redis at {redis}/0: it refuses the user and password in FOTOWEB_CACHE.",
    needs_redis=True,
    logs=STORE_FAILING + "Redis at {redis}/0: it refuses the user and password in FOTOWEB_CACHE.",
    sees=SIGNED_IN,
)
def _(bench: Bench) -> None:
    with admin(bench.use_redis().url) as client:
        client.config_set("requirepass", "right")


@broken(
    "Redis is full",
    "bad   The session store can't be used: Redis at {redis}/0: its memory is full (maxmemory).",
    needs_redis=True,
    logs=STORE_FAILING + "Redis at {redis}/0: its memory is full (maxmemory); make room or raise it.",
    sees=SIGNED_IN,
)
def _(bench: Bench) -> None:
    with admin(bench.use_redis().url) as client:
        client.config_set("maxmemory", 1)


@broken(
    "Redis is a replica",
    "bad   The session store can't be used: Redis at {redis}/0: it is a read-only replica.",
    needs_redis=True,
    logs=STORE_FAILING + "Redis at {redis}/0: it is a read-only replica; FOTOWEB_CACHE must lead to the primary.",
    sees=SIGNED_IN,
)
def _(bench: Bench) -> None:
    with admin(bench.use_redis().url) as client:
        client.execute_command("REPLICAOF", "127.0.0.1", free_port())


@broken(
    "Redis's user has not all the rights",
    "bad   The session store can't be used: Redis at {redis}/0: its user lacks a permission (ACL).",
    needs_redis=True,
    logs=STORE_FAILING
    + ("Redis at {redis}/0: its user lacks a permission (ACL); the how-to page on Redis names all of them."),
    sees=SIGNED_IN,
)
def _(bench: Bench) -> None:
    with admin(bench.use_redis(credentials="app:right@").url) as client:
        client.execute_command("ACL", "SETUSER", "app", "reset", "on", ">right", "~fotoweb:*", "+get", "+select")


@broken(
    "no sentinel answers",
    "bad   The session store can't be used: Redis 'mymaster' of the sentinels {redis}: no sentinel can be asked: "
    "connection refused.",
    logs=f"{STORE_FAILING}Redis 'mymaster' of the sentinels {{redis}}: no sentinel can be asked: connection refused",
    sees=SIGNED_IN,
)
def _(bench: Bench) -> None:
    bench.shown["redis"] = f"127.0.0.1:{free_port()}"
    bench.set(FOTOWEB_CACHE=f"redis+sentinel://{bench.shown['redis']}/mymaster")


@broken(
    "a Redis in place of a sentinel",
    "bad   The session store can't be used: Redis 'mymaster' of the sentinels {redis}: it is no sentinel.",
    logs=f"{STORE_FAILING}Redis 'mymaster' of the sentinels {{redis}}: it is no sentinel; "
    "FOTOWEB_CACHE must name the sentinels' ports (26379), not those of Redis.",
    sees=SIGNED_IN,
    needs_redis=True,
)
def _(bench: Bench) -> None:
    bench.use_redis()
    bench.set(FOTOWEB_CACHE=f"redis+sentinel://{bench.shown['redis']}/mymaster")


@broken(
    "no node of the Redis Cluster answers",
    "bad   The session store can't be used: Redis Cluster at {redis}: connection refused.",
    logs=f"{STORE_FAILING}Redis Cluster at {{redis}}: connection refused",
    sees=SIGNED_IN,
)
def _(bench: Bench) -> None:
    bench.shown["redis"] = f"127.0.0.1:{free_port()}"
    bench.set(FOTOWEB_CACHE=f"redis+cluster://{bench.shown['redis']}")


@broken(
    "a single Redis in place of a Redis Cluster",
    "bad   The session store can't be used: Redis Cluster at {redis}: it is no Redis Cluster.",
    logs=f"{STORE_FAILING}Redis Cluster at {{redis}}: it is no Redis Cluster; write redis:// in FOTOWEB_CACHE.",
    sees=SIGNED_IN,
    needs_redis=True,
)
def _(bench: Bench) -> None:
    bench.use_redis()
    bench.set(FOTOWEB_CACHE=f"redis+cluster://{bench.shown['redis']}")


# ---------------------------------------------------------------------------------------------------- files and folders


@broken(
    "the store's folder can't be written to",
    "bad   The session store's file {file} can't be used: this user ({user}) is not allowed to write to {folder}.",
    logs=STORE_FAILING + "{file}: writing failed: Permission denied.",
    sees=SIGNED_IN,
)
def _(bench: Bench) -> None:
    folder = Path(bench.stack.enter_context(tempfile.TemporaryDirectory()))  # pytest's are closed to other users.
    folder.chmod(0o555)
    bench.stack.callback(folder.chmod, 0o700)
    if os.geteuid() == 0:
        bench.wrapper = WITHOUT_ROOTS_WRITING
    bench.shown |= {"file": f"{folder}/sessions.db", "folder": str(folder), "user": f"uid {os.geteuid()}"}
    bench.set(FOTOWEB_CACHE=f"sqlite:///{folder}/sessions.db")


FULL_DISK = ("unshare", "--map-root-user", "--mount", "sh", "-c", 'mount -t tmpfs -o size=8k none "$0" && exec "$@"')


@broken(
    "the store's disk is full",
    "bad   The session store's file {file} can't be used: the disk of {folder} is full.",
    logs=STORE_FAILING + "{file}: writing failed: {reason}",
    sees=SIGNED_IN,
)
def _(bench: Bench) -> None:
    wrapper = (*FULL_DISK, str(bench.folder))
    bench.shown |= {"file": f"{bench.folder}/sessions.db", "folder": str(bench.folder)}
    bench.shown["reason"] = "disk I/O error; is the disk full?"
    bench.set(FOTOWEB_CACHE=f"sqlite:///{bench.folder}/sessions.db")
    with contextlib.suppress(FileNotFoundError):
        if subprocess.run([*wrapper, "true"], capture_output=True, check=False).returncode == 0:
            bench.wrapper = wrapper
            return
    bench.shown["reason"] = os.strerror(errno.ENOSPC)
    open_as_it_is = os.open

    def refuse(path: Any, *arguments: Any, **options: Any) -> int:
        if str(path).startswith(str(bench.folder)) and str(path) != str(bench.folder):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        return open_as_it_is(path, *arguments, **options)

    bench.monkeypatch.setattr(os, "open", refuse)  # No file system can be made here: it looks so.


@broken(
    "no temporary folder for `local://`, and no home",
    "warn  The session store local:// has no place for its file (no temporary folder can be written to, and there is "
    "no home): each process keeps its sessions and logouts to itself.",
    exit_code=2,
    logs=(
        "WARNING FOTOWEB_CACHE is local://, but there is no safe place for its file: neither in the "
        "runtime directory, the temporary directory, nor the home directory of this user."
    ),
    sees=SIGNED_IN,
)
def _(bench: Bench) -> None:
    bench.unset("XDG_RUNTIME_DIR", "XDG_STATE_HOME")
    bench.set(FOTOWEB_CACHE="local://", HOME="/nowhere", PYTHONDONTWRITEBYTECODE="1")
    bench.wrapper = ("sh", "-c", 'ulimit -f 0; exec "$@"', "sh")


@broken(
    "`local://` in several containers",
    "warn  The session store is local:// in a Kubernetes pod: pods don't see each other's logouts and refreshes.",
    exit_code=2,
    logs=(
        "WARNING set-up warning: the session store lacks what another process saved: FOTOWEB_CACHE must name one "
        "store for all processes and machines, and that store must not evict entries"
    ),
    sees=SIGNED_IN,
)
def _(bench: Bench) -> None:
    bench.set(FOTOWEB_CACHE="local://", XDG_RUNTIME_DIR=bench.folder, KUBERNETES_SERVICE_HOST="10.0.0.1")
    other = bench.folder / "other"
    other.mkdir()

    def go() -> str:
        bench.fotoweb.switch(clock_skew_seconds=120)  # As far as ``go_to_both`` turns the others.
        first = Site()
        bench.set(XDG_RUNTIME_DIR=other)
        return go_to_both(first, Site(), bench.fotoweb.approve)

    bench.go = go
