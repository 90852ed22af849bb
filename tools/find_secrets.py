"""Looks for passwords, keys and tokens in every file of the project: ``make secrets``.

What detect-secrets finds and somebody looked at stands in ``tools/known_secrets.json``, by its hash and with the reason
why it may stand where it stands. Anything else ends the run with 1, and so does an entry whose text has gone.

    make secrets                                        look
    make secrets ACCEPT="planted by tests/canary"       look, and note what is new, for this reason
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from detect_secrets import SecretsCollection
from detect_secrets.settings import default_settings

ROOT = Path(__file__).parents[1]
KNOWN = ROOT / "tools" / "known_secrets.json"
# Lock files are hashes from end to end, and this list is one too.
NOT_READ = {"requirements", "package-lock.json", KNOWN.name}

Found = tuple[str, str, str]
"""Path, kind, hash of the text."""


def our_files() -> list[str]:
    """Return the paths of what git tracks or would track."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603
    names = [name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    return sorted(name for name in names if NOT_READ.isdisjoint(Path(name).parts))


def find() -> dict[Found, int]:
    """Return what looks like a secret, and on which line it was seen."""
    collection = SecretsCollection(root=str(ROOT))
    with default_settings():
        for name in our_files():
            collection.scan_file(name)
    return {(name, secret.type, secret.secret_hash): secret.line_number for name, secret in collection}


def read_known() -> dict[Found, str]:
    """Return what somebody looked at, and why it may stand where it stands."""
    entries = json.loads(KNOWN.read_text(encoding="utf-8")) if KNOWN.exists() else []
    return {(entry["path"], entry["kind"], entry["hash"]): entry["reason"] for entry in entries}


def write_known(known: dict[Found, str]) -> None:
    """Write the list, in an order that stays."""
    entries = [
        {"path": path, "kind": kind, "hash": digest, "reason": reason}
        for (path, kind, digest), reason in sorted(known.items())
    ]
    KNOWN.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")


def main(reason: str) -> int:
    """Look, say what is new or has gone, and return how the run ends."""
    found, known = find(), read_known()
    fresh, gone = found.keys() - known.keys(), known.keys() - found.keys()
    if reason:
        write_known({each: known.get(each, reason) for each in found})
        print(f"{len(fresh)} noted, {len(gone)} taken off: {KNOWN.relative_to(ROOT)}")
        return 0
    for path, kind, digest in sorted(fresh):
        print(f"{path}:{found[path, kind, digest]}: {kind}")
    for path, kind, _ in sorted(gone):
        print(f"{path}: {kind}: no longer there; take it off the list")
    print(f"{len(found)} found, {len(known)} known, {len(fresh)} new, {len(gone)} gone")
    return 1 if fresh or gone else 0


if __name__ == "__main__":
    sys.exit(main(" ".join(sys.argv[1:]).strip()))
