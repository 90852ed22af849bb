"""``fotoweb-middleware sessions``: who is signed in, as the session store knows it, and an end to it.

A session in the store already holds who signed in and when, sealed, in both cookie modes. So nothing more is kept for
these commands: they open what is there.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections.abc import Callable

from fotoweb_middleware.cli.checks.configuration import read_settings
from fotoweb_middleware.cli.checks.store import SHARE_HINT, unavailable
from fotoweb_middleware.cli.output import failed, in_column, write
from fotoweb_middleware.context import Context
from fotoweb_middleware.errors import SettingsError, StoreUnavailable
from fotoweb_middleware.events import EventName
from fotoweb_middleware.log import readable_time, session_tag
from fotoweb_middleware.records import live_records, save_revocation
from fotoweb_middleware.session import SessionRecord
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.settings.cache_address import mask_cache_address
from fotoweb_middleware.stores import SqliteStore, Store, open_store
from fotoweb_middleware.wrap import load_app

UNKNOWN = "(unknown)"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what ``sessions`` does, and its options."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    def add(name: str, action: object, words: str) -> argparse.ArgumentParser:
        added = actions.add_parser(name, help=words, description=words, allow_abbrev=False)
        added.set_defaults(action=action)
        added.add_argument(
            "--app", metavar="MODULE:NAME", help="where your code keeps its Settings, or a function that returns them"
        )
        added.add_argument("--store", metavar="MODULE:NAME", help="where your code keeps its own store")
        return added

    list_parser = add("list", list_sessions, "Show who is signed in, and since when.")
    list_parser.add_argument("--json", action="store_true", help="write one JSON document instead of lines")
    revoke_parser = add("revoke", revoke, "End one session, or all sessions of one person.")
    whose = revoke_parser.add_mutually_exclusive_group(required=True)
    whose.add_argument("id", metavar="ID", nargs="?", help="the session's id, as the list and the app's log show it")
    whose.add_argument("--user", metavar="NAME", help="the person's FotoWeb user name, as the list shows it")
    all_parser = add("revoke-all", revoke_all, "End everybody's session.")
    all_parser.add_argument("--yes", action="store_true", help="don't ask first")


def run_action(arguments: argparse.Namespace) -> int:
    """Show who is signed in, and end sessions, for all processes that share the store.

    Run it where the app runs, as the user that runs it and with the same settings.
    """
    # What the middleware logs of a store that fails is the command's own answer.
    logging.getLogger("fotoweb_middleware").addHandler(logging.NullHandler())
    settings, findings = read_settings(arguments.app)
    problems = [str(finding) for finding in findings if finding.level == "bad"]
    if settings is None or problems:
        return failed("\n".join(problems))
    store: Store | None = None
    action: Callable[[Context, argparse.Namespace], int] = arguments.action
    try:
        store = load_app(arguments.store, "--store") if arguments.store else find_store(settings)
        context = Context(settings, store=store, clock=time.time, monotonic=time.monotonic)
        return action(context, arguments)
    except SettingsError as error:
        return failed(str(error))
    except StoreUnavailable as error:
        is_redis = arguments.store is None and settings.cache.startswith("redis")
        path = store.path if isinstance(store, SqliteStore) else None
        return failed(str(unavailable(error, is_redis=is_redis, path=path)))
    finally:
        if store is not None:
            store.close()


def find_store(settings: Settings) -> Store:
    """Return the store of the settings.

    Raises:
        SettingsError: This process can't see what the app keeps there.
    """
    store, place = open_store(settings, clock=time.time, monotonic=time.monotonic), mask_cache_address(settings.cache)
    if not store.shared:
        raise SettingsError(
            f"The session store is {place}, in the memory of each process of the app: no other process can see who is "
            f"signed in.\nTo do: {SHARE_HINT}"
        )
    # Opening it would make an empty one, which belongs to whoever runs this.
    if isinstance(store, SqliteStore) and not store.path.exists():
        raise SettingsError(
            f"The session store {place} has no file {store.path} yet: nobody has signed in, or the app uses another "
            "file.\nTo do: Run this where the app runs, as the user that runs it and with the same environment."
        )
    return store


def list_sessions(context: Context, arguments: argparse.Namespace) -> int:
    """Write who is signed in."""
    found = live_records(context)
    if arguments.json:
        sys.stdout.write(json.dumps({"sessions": [described(record) for record in found]}, indent=2) + "\n")
        return 0
    width = max((len(user_name(record)) for record in found), default=0)
    lines = [f"{'ID':<12}  {'SINCE':<20}  {'USER':<{width}}  NAME"] if found else []
    for record in found:
        full_name = in_column(record.user.full_name) if record.user is not None else ""
        lines.append(f"{session_tag(record.session_id)}  {since(record)}  {user_name(record):<{width}}  {full_name}")
    write("\n".join([*(line.rstrip() for line in lines), f"{len(found)} signed in"]))
    return 0


def revoke(context: Context, arguments: argparse.Namespace) -> int:
    """End one session, or those of one person."""
    found = live_records(context)
    if arguments.user is not None:
        found = [record for record in found if record.user is not None and record.user.user_name == arguments.user]
        whose = f"of the user {arguments.user!a}"
    else:
        found = [record for record in found if session_tag(record.session_id) == arguments.id]
        whose = f"with the ID {arguments.id!a}"
    if not found:
        return failed(f"There is no session {whose}. `fotoweb-middleware sessions list` lists them all.")
    return revoke_each(context, found)


def revoke_all(context: Context, arguments: argparse.Namespace) -> int:
    """End all sessions."""
    found = live_records(context)
    if found and not arguments.yes:
        if not sys.stdin.isatty():
            return failed("This would end everybody's session. There is no terminal to ask at, so add --yes.")
        sys.stdout.write(f"End {len(found)} sessions? [y/N] ")
        sys.stdout.flush()
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            return failed("Nothing was changed.")
        found = live_records(context)  # Others may have signed in meanwhile.
    return revoke_each(context, found)


def revoke_each(context: Context, records: list[SessionRecord]) -> int:
    """End these sessions, as a logout elsewhere does."""
    ended = []
    try:
        for record in records:
            save_revocation(context, record.session_id)
            context.events.emit(EventName.SESSION_ENDED, session_id=record.session_id, reason="revoked")
            ended.append(
                f"Ended {session_tag(record.session_id)} of {user_name(record)}, signed in since {since(record)}."
            )
    finally:
        if ended:  # Only now: an output that nobody reads any more, as after `| head`, must not stop it half way.
            write("\n".join(ended))
    seconds = context.settings.cache_recheck
    write(f"{len(records)} ended; within {seconds:g} s (FOTOWEB_CACHE_RECHECK) no process accepts them any more.")
    return 0


def described(record: SessionRecord) -> dict[str, object]:
    """Return who it is, and since when, for JSON."""
    user = record.user
    return {
        "id": session_tag(record.session_id),
        "since": since(record),
        "user_id": None if user is None else user.user_id,
        "user_name": None if user is None else user.user_name,
        "full_name": None if user is None else user.full_name,
    }


def since(record: SessionRecord) -> str:
    """Return when somebody signed in."""
    return readable_time(record.started_at) or ""


def user_name(record: SessionRecord) -> str:
    """Return who it is, as it is printed."""
    return UNKNOWN if record.user is None else in_column(record.user.user_name)
