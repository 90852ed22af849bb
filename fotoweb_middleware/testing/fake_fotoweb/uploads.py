"""Uploads: announce a file, send it in chunks, look until it is an asset.

Source: FotoWeb "Upload API"; the official OpenAPI description (fields, statuses 204, 400, 403, 404, 409, 415).
A guess: `result` and `error` are null where there is none, and a file name that is taken is refused. XMP files, folders
and new versions of an asset are not modelled.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, Final

from fotoweb_middleware.testing.fake_fotoweb.api import api_error, requesting_user
from fotoweb_middleware.testing.fake_fotoweb.archives import visible_archives
from fotoweb_middleware.testing.fake_fotoweb.catalogue import ARCHIVES, Archive, Asset
from fotoweb_middleware.testing.fake_fotoweb.messages import FakeRequest, FakeResponse, json_response
from fotoweb_middleware.testing.fake_fotoweb.registration import User
from fotoweb_middleware.testing.fake_fotoweb.representations import archive_href, asset_href, describe_asset
from fotoweb_middleware.testing.fake_fotoweb.state import Site, Upload

__all__ = ["uploads"]

PATH: Final = re.compile(r"/fotoweb/api/uploads/([\w-]{22})/(?:chunks/(\d{1,6})|status)")
BOUNDARY: Final = re.compile(r'multipart/form-data;.*\bboundary="?([^";]+)', re.IGNORECASE)
TITLE, TAGS, DESCRIPTION = 5, 25, 120


def uploads(site: Site, request: FakeRequest) -> FakeResponse:
    """Answer everything about uploads. Whose it isn't finds none: 404 for a chunk, 403 for the status."""
    user = requesting_user(site, request)
    if user is None:
        return api_error(request, 401)
    if request.path.rstrip("/") == "/fotoweb/api/uploads":
        return create(site, request, user)
    match = PATH.fullmatch(request.path)
    upload = site.uploads.get(match[1]) if match else None
    known = upload is not None and upload.user == user
    if match is None or (match[2] is None) != (request.method != "POST"):
        return api_error(request, 404)
    if match[2] is None:
        return show_status(site, upload) if upload and known else api_error(request, 403)
    return receive_chunk(request, upload, int(match[2])) if upload and known else api_error(request, 404)


def create(site: Site, request: FakeRequest, user: User) -> FakeResponse:
    """Begin an upload: POST /fotoweb/api/uploads."""
    try:
        asked: Any = json.loads(request.body)
    except ValueError:
        asked = None
    if request.method != "POST" or not isinstance(asked, dict):
        return api_error(request, 400)
    archive = next((one for one in visible_archives(user) if archive_href(one) == asked.get("destination")), None)
    filename, file_bytes = asked.get("filename"), asked.get("fileSize")
    if archive is None or asked.get("hasXmp") or not isinstance(filename, str) or not isinstance(file_bytes, int):
        return api_error(request, 400)
    if archive.archive_id not in user.uploads_to:
        return api_error(request, 403)
    taken = {asset.filename for asset in site.assets_of(archive.archive_id)}
    fields = read_fields(asked.get("metadata"))
    if file_bytes < 1 or not re.fullmatch(r"[^/\\]+", filename) or filename in taken or fields is None:
        return api_error(request, 400)
    upload = Upload(
        user=user,
        archive_id=archive.archive_id,
        filename=filename,
        file_bytes=file_bytes,
        chunk_bytes=site.switches.upload_chunk_bytes,
        fields=fields,
    )
    upload_id = site.random_text(22)
    site.uploads[upload_id] = upload
    info = {"id": upload_id, "chunkSize": upload.chunk_bytes, "numChunks": upload.chunk_count, "hasXmp": False}
    return json_response(info)


def read_fields(metadata: Any) -> dict[int, str | list[str]] | None:
    """Read the metadata that goes with a file, by the numbers of the fields; None where it is malformed."""
    try:
        added = [field for field in (metadata or {}).get("fields") or [] if field.get("action", "add") == "add"]
        fields = {int(field["id"]): field["value"] for field in added}
        texts = [text for value in fields.values() for text in ([value] if isinstance(value, str) else value)]
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return fields if all(isinstance(text, str) for text in texts) else None


def receive_chunk(request: FakeRequest, upload: Upload, index: int) -> FakeResponse:
    """Keep one chunk: POST …/chunks/<index>, one file in a form. In any order, each once."""
    boundary = BOUNDARY.match(request.header("content-type") or "")
    if boundary is None:
        return api_error(request, 415)
    if index in upload.chunks:
        return api_error(request, 409)
    start = index * upload.chunk_bytes
    chunk = read_part(boundary[1].encode(), request.body)
    if index >= upload.chunk_count or len(chunk) != min(upload.chunk_bytes, upload.file_bytes - start):
        return api_error(request, 400)
    upload.chunks[index] = chunk
    return FakeResponse(204)


def read_part(boundary: bytes, body: bytes) -> bytes:
    """Read the content of the first part of a form; its name doesn't matter (RFC 2046, 5.1.1)."""
    parts = (b"\r\n" + body).split(b"\r\n--" + boundary)
    return parts[1].partition(b"\r\n\r\n")[2] if len(parts) > 1 else b""


def show_status(site: Site, upload: Upload) -> FakeResponse:
    """Tell how far an upload is: GET …/status. Once it is done the file is an asset of its archive."""
    if len(upload.chunks) < upload.chunk_count:
        return status("awaitingData")
    if upload.polls < site.switches.polls_until_ready:
        upload.polls += 1
        return status("pending" if upload.polls == 1 else "inProgress")
    archive = ARCHIVES[upload.archive_id]
    if upload.asset is None:
        upload.asset = make_asset(site, archive, upload)
        site.uploaded[upload.asset] = b"".join(chunk for _, chunk in sorted(upload.chunks.items()))
    details = describe_asset(site, archive, upload.asset, upload.user)
    return status("done", {"assetUrl": asset_href(archive, upload.asset), "assetDetails": details})


def status(name: str, result: dict[str, Any] | None = None) -> FakeResponse:
    """Build the answer about an upload."""
    return json_response({"status": name, "result": result, "error": None})


def make_asset(site: Site, archive: Archive, upload: Upload) -> Asset:
    """Make an asset of an uploaded file. Nobody looks into the file: size and previews are made up."""
    tags = upload.fields.get(TAGS, [])
    return Asset(
        archive_id=archive.archive_id,
        number=len(site.assets_of(archive.archive_id)),
        filename=upload.filename,
        title=str(upload.fields.get(TITLE, PurePath(upload.filename).stem)),
        description=str(upload.fields.get(DESCRIPTION, "")),
        tags=(tags,) if isinstance(tags, str) else tuple(tags),
        author=upload.user.full_name,
        created=datetime.fromtimestamp(site.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        shape=(6000, 4000),
        filesize=upload.file_bytes,
        scene=archive.subjects[0][1],
        mood=archive.moods[0],
    )
