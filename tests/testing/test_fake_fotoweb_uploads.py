"""The simulator's uploads: announced, sent in chunks, turned into assets."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.testing.fake_fotoweb_app import App, web

UPLOADS = "/fotoweb/api/uploads"
GARDEN = "/fotoweb/archives/5003-Garden-and-greenhouse/"
COAST = "/fotoweb/archives/5001-Nordic-coast/"
CHUNKS = [b"0123456789", b"abcdefghij", b"\r\n--x"]


@pytest.fixture
def app() -> App:
    """Give a web application at a site with chunks of ten bytes."""
    app = web()
    app.fake.switch(upload_chunk_bytes=10)
    return app


@pytest.fixture
def token(app: App) -> str:
    """Give Alice's access token."""
    return str(app.log_in()["access_token"])


def begin(app: App, token: str, **changes: Any) -> httpx.Response:
    """Announce a file of 25 bytes."""
    asked = {"destination": GARDEN, "filename": "rose.jpg", "fileSize": 25, "hasXmp": False, **changes}
    return app.http.post(UPLOADS, json=asked, headers={"Authorization": f"Bearer {token}"})


def send(app: App, token: str, upload_id: str, index: int, chunk: bytes) -> int:
    """Send a chunk and give the status."""
    headers = {"Authorization": f"Bearer {token}"}
    files = {"chunk": ("chunk", chunk, "application/octet-stream")}
    return app.http.post(f"{UPLOADS}/{upload_id}/chunks/{index}", files=files, headers=headers).status_code


def send_all(app: App, token: str, **changes: Any) -> str:
    """Send a whole file and give the upload's id."""
    upload_id: str = begin(app, token, **changes).json()["id"]
    assert [send(app, token, upload_id, index, chunk) for index, chunk in enumerate(CHUNKS)] == [204] * 3
    return upload_id


def status(app: App, token: str, upload_id: str) -> dict[str, Any]:
    """Ask how far an upload is."""
    told: dict[str, Any] = app.get(f"{UPLOADS}/{upload_id}/status", token).json()
    return told


def test_the_site_says_how_to_cut_the_file(app: App, token: str) -> None:
    """An id of 22 characters (128 bits), and the chunks."""
    info = begin(app, token).json()
    assert len(info.pop("id")) == 22
    assert info == {"chunkSize": 10, "numChunks": 3, "hasXmp": False}


def test_an_upload_becomes_an_asset(app: App, token: str) -> None:
    """First queued, then in work, then listed with its metadata."""
    fields = [
        {"id": 5, "action": "add", "value": "A rose"},
        {"id": 25, "action": "add", "value": ["rose", "red"]},
        {"id": 120, "value": "In June."},
        {"id": 80, "action": "erase"},
    ]
    upload_id = send_all(app, token, metadata={"fields": fields, "attributes": []})
    seen = [status(app, token, upload_id) for _ in range(4)]
    assert [one["status"] for one in seen] == ["pending", "inProgress", "done", "done"]
    assert [one["result"] is None for one in seen] == [True, True, False, False]
    result = seen[3]["result"]
    assert result == {"assetUrl": f"{GARDEN}rose.jpg.info", "assetDetails": result["assetDetails"]}
    asset = app.get(result["assetUrl"], token).json()
    texts = {field["field"]: field["value"] for field in asset["builtinFields"]}
    assert (texts["title"], texts["tags"], texts["description"]) == ("A rose", ["rose", "red"], "In June.")
    assert (asset["filesize"], asset["createdBy"]) == (25, "Alice Berg")
    listed = app.get(f"{GARDEN}?q=rose.jpg", token, "application/vnd.fotoware.assetlist+json").json()["data"]
    assert [one["href"] for one in listed] == [result["assetUrl"]]
    assert app.http.get(asset["previews"][0]["href"]).status_code == 200


def test_metadata_may_be_left_out(app: App, token: str) -> None:
    """The title is then the file's name; one tag alone is a tag too."""
    app.fake.switch(polls_until_ready=0)
    plain = status(app, token, send_all(app, token))["result"]["assetDetails"]
    one_tag = {"fields": [{"id": 25, "value": "rose"}]}
    tagged = status(app, token, send_all(app, token, filename="b.jpg", metadata=one_tag))["result"]["assetDetails"]
    assert plain["metadata"]["5"]["value"] == "rose"
    assert tagged["metadata"]["25"]["value"] == ["rose"]


def test_what_was_uploaded_can_be_downloaded(app: App, token: str) -> None:
    """Byte for byte, chunks sent in any order."""
    app.fake.switch(polls_until_ready=0)
    upload_id = begin(app, token).json()["id"]
    assert [send(app, token, upload_id, index, CHUNKS[index]) for index in (2, 0, 1)] == [204] * 3
    rendition = status(app, token, upload_id)["result"]["assetDetails"]["renditions"][0]["href"]
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/vnd.fotoware.rendition-request+json",
    }
    asked = app.http.post("/fotoweb/services/renditions", json={"href": rendition}, headers=headers)
    assert app.get(asked.json()["href"], token).content == b"".join(CHUNKS)


def test_an_upload_waits_for_its_chunks(app: App, token: str) -> None:
    """However often somebody asks."""
    upload_id = begin(app, token).json()["id"]
    send(app, token, upload_id, 0, CHUNKS[0])
    assert {status(app, token, upload_id)["status"] for _ in range(4)} == {"awaitingData"}


@pytest.mark.parametrize(("index", "chunk"), [(0, b"short"), (0, b"longer than ten"), (2, b"0123456789"), (3, b"")])
def test_a_chunk_that_does_not_fit(app: App, token: str, index: int, chunk: bytes) -> None:
    """400 for a wrong size or index."""
    assert send(app, token, begin(app, token).json()["id"], index, chunk) == 400


def test_a_file_ends_with_its_last_chunk(app: App, token: str) -> None:
    """An empty chunk behind the last full one is none."""
    assert send(app, token, begin(app, token, fileSize=20).json()["id"], 2, b"") == 400


def test_a_chunk_comes_once(app: App, token: str) -> None:
    """409 for the second time."""
    upload_id = begin(app, token).json()["id"]
    assert [send(app, token, upload_id, 1, CHUNKS[1]) for _ in range(2)] == [204, 409]


def test_a_chunk_is_a_form(app: App, token: str) -> None:
    """415 for a bare body, 400 for a form without parts."""
    path = f"{UPLOADS}/{begin(app, token).json()['id']}/chunks/0"
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"}
    assert app.http.post(path, content=CHUNKS[0], headers=headers).status_code == 415
    headers["Content-Type"] = "multipart/form-data; boundary=x"
    assert app.http.post(path, content=CHUNKS[0], headers=headers).status_code == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"destination": "/fotoweb/archives/5002-Cities-after-dark/"},
        {"destination": None},
        {"filename": None},
        {"filename": "../rose.jpg"},
        {"filename": "Male_fern_004.jpg"},
        {"fileSize": 0},
        {"fileSize": "25"},
        {"hasXmp": True},
        {"metadata": "A rose"},
        {"metadata": {"fields": 5}},
        {"metadata": {"fields": ["A rose"]}},
        {"metadata": {"fields": [{"value": "A rose"}]}},
        {"metadata": {"fields": [{"id": "title", "value": "A rose"}]}},
        {"metadata": {"fields": [{"id": 5}]}},
        {"metadata": {"fields": [{"id": 25, "value": 7}]}},
        {"metadata": {"fields": [{"id": 25, "value": ["rose", 7]}]}},
    ],
    ids=str,
)
def test_an_upload_that_can_not_begin(app: App, token: str, changes: dict[str, Any]) -> None:
    """400 for an archive out of sight, a name that is none or taken, a size that is none, malformed metadata."""
    assert begin(app, token, **changes).status_code == 400


@pytest.mark.parametrize("body", [b"", b"[]"])
def test_an_upload_needs_json(app: App, token: str, body: bytes) -> None:
    """400 for anything else."""
    headers = {"Authorization": f"Bearer {token}"}
    assert app.http.post(UPLOADS, content=body, headers=headers).status_code == 400


def test_who_may_upload(app: App, token: str) -> None:
    """401 without a token, 403 for an archive that one may only see; the archives say so themselves."""
    assert begin(app, "garbage").status_code == 401
    assert begin(app, token, destination=COAST).status_code == 403
    archives = app.get("/fotoweb/me/archives/", token).json()["data"]
    assert [(one["canUploadTo"], "UploadFile" in one["permissions"]) for one in archives] == [(False,) * 2, (True,) * 2]
    assert [one["href"] for one in app.get("/fotoweb/me/upload-to/", token).json()["data"]] == [GARDEN]


def test_an_upload_is_its_users(app: App, token: str) -> None:
    """Another user finds none: 404 for a chunk, 403 for the status, as the manual says."""
    upload_id = begin(app, token).json()["id"]
    other = str(app.log_in("bob")["access_token"])
    assert send(app, other, upload_id, 0, CHUNKS[0]) == 404
    assert app.get(f"{UPLOADS}/{upload_id}/status", other).status_code == 403


@pytest.mark.parametrize("path", ["/x", "/{id}", "/{id}/chunks/x", "/{id}/chunks/0"])
def test_other_paths(app: App, token: str, path: str) -> None:
    """404, also for a GET of a chunk."""
    upload_id = begin(app, token).json()["id"]
    assert app.get(UPLOADS + path.format(id=upload_id), token).status_code == 404
