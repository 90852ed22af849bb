"""Calls to FotoWeb, as far as no real connection is needed (R-TE1, R-TE2, R-TE4; T-TE-07, T-TE-11)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from fotoweb_middleware.effects import GetDocument, HttpReply, PostForm
from fotoweb_middleware.errors import FotoWebNonsense, FotoWebUnreachable
from tests.drivers.conftest import OpenEngine
from tests.drivers.kit import FOTOWEB, Engine, half_way, perform, performing

TOKEN_URL = f"{FOTOWEB}/fotoweb/oauth2/token"
LIMIT = 262_144
HEADER_ROOM = 65_536 - len("x")
POST = PostForm(TOKEN_URL, (("code", "S3CR3T"), ("client_secret", "S3CR3T")))
GET = GetDocument(f"{FOTOWEB}/fotoweb/me", "application/vnd.fotoware.full-api-descriptor+json", "S3CR3T")
ASKING = pytest.mark.parametrize("effect", [POST, GET], ids=["post", "get"])


class Recorder:
    """Answers always the same, and keeps the requests."""

    def __init__(self, status: int = 200, body: bytes = b"{}", **headers: str) -> None:
        self.requests: list[httpx.Request] = []
        self._status, self._body = status, body
        self._headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        self.requests.append(request)
        return httpx.Response(self._status, headers=self._headers, stream=httpx.ByteStream(self._body))


def failing(error: Exception) -> Callable[[httpx.Request], httpx.Response]:
    """Return a handler that fails."""

    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    return fail


def failure(engine: Engine, effect: PostForm | GetDocument) -> Any:
    """Run an effect that must fail, and return its error."""
    return engine.run(performing(effect))[0]


def test_reply(open_engine: OpenEngine) -> None:
    """An answer's status, Retry-After and body reach the flow."""
    handler = Recorder(503, b"busy", content_type="text/plain; charset=utf-8", retry_after="7", x_other="1")
    assert open_engine(handler).run(perform(POST)) == HttpReply(503, "7", b"busy")


def test_reply_without_headers(open_engine: OpenEngine) -> None:
    """Headers that did not come are empty."""
    assert open_engine(Recorder(204, b"")).run(perform(GET)) == HttpReply(204, None, b"")


def test_post(open_engine: OpenEngine) -> None:
    """A form is posted as the vendor's page asks."""
    handler = Recorder()
    open_engine(handler).run(perform(POST))
    (request,) = handler.requests
    assert (request.method, str(request.url)) == ("POST", TOKEN_URL)
    assert (request.headers["content-type"], request.headers["accept"]) == (
        "application/x-www-form-urlencoded",
        "application/json",
    )


def test_post_values_encoded(open_engine: OpenEngine) -> None:
    """No value can add a parameter, whatever it holds (T-AC-10, T-TE-07)."""
    fields = (("client_secret", 'p@ss&w=r d+%\u00e9"\\'), ("code", "C&grant_type=x#"), ("empty", ""))
    handler = Recorder()
    open_engine(handler).run(perform(PostForm(TOKEN_URL, fields)))
    assert tuple(parse_qsl(handler.requests[0].content.decode("ascii"), keep_blank_values=True)) == fields


def test_get(open_engine: OpenEngine) -> None:
    """A document is asked for with the bearer token."""
    handler = Recorder()
    open_engine(handler).run(perform(GET))
    (request,) = handler.requests
    assert (request.method, request.headers["authorization"], request.headers["accept"]) == (
        "GET",
        "Bearer S3CR3T",
        "application/vnd.fotoware.full-api-descriptor+json",
    )


@ASKING
def test_every_request(open_engine: OpenEngine, effect: PostForm | GetDocument) -> None:
    """No request asks for compression or for a second use of its connection (R-TE4, R-TE5)."""
    handler = Recorder()
    open_engine(handler).run(perform(effect))
    headers = handler.requests[0].headers
    assert (headers["accept-encoding"], headers["connection"]) == ("identity", "close")


def test_no_credentials_beside_the_body(open_engine: OpenEngine) -> None:
    """A form carries its credentials in the body alone (R-TE1)."""
    handler = Recorder()
    open_engine(handler).run(perform(POST))
    (request,) = handler.requests
    assert "S3CR3T" not in f"{request.url} {request.headers.multi_items()}"
    assert "authorization" not in request.headers


def test_netrc_ignored(open_engine: OpenEngine, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ``.netrc`` adds nothing (T-TE-22)."""
    (tmp_path / ".netrc").write_text("machine tenant.example login u password p")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    handler = Recorder()
    open_engine(handler).run(perform(POST))
    assert "authorization" not in handler.requests[0].headers


@ASKING
def test_cookies_not_kept(open_engine: OpenEngine, effect: PostForm | GetDocument) -> None:
    """A cookie that FotoWeb sets in one user's call never goes out with another's."""
    handler = Recorder(set_cookie="SessionToken=S3CR3T; Path=/; Domain=tenant.example")
    engine = open_engine(handler)
    engine.run(performing(POST, effect, GET))
    assert ["cookie" in request.headers for request in handler.requests] == [False] * 3


@ASKING
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_not_followed(open_engine: OpenEngine, effect: PostForm | GetDocument, status: int) -> None:
    """A redirect is an answer like any other: following it would carry secrets elsewhere (R-TE2)."""
    handler = Recorder(status, b"", location="https://evil.test/")
    reply = open_engine(handler).run(perform(effect))
    assert (reply.status, len(handler.requests)) == (status, 1)


def test_body_limit(open_engine: OpenEngine) -> None:
    """256 KiB are the most that is read (R-TE4)."""
    assert len(open_engine(Recorder(body=b"x" * LIMIT)).run(perform(POST)).body) == LIMIT


@half_way
@ASKING
def test_body_too_large(open_engine: OpenEngine, effect: PostForm | GetDocument) -> None:
    """One byte more is nonsense."""
    error = failure(open_engine(Recorder(body=b"x" * (LIMIT + 1))), effect)
    assert (type(error), str(error)) == (FotoWebNonsense, "FotoWeb's answer is larger than 262144 bytes")


def test_header_limit(open_engine: OpenEngine) -> None:
    """64 KiB of headers are the most that is taken (R-TE4)."""
    assert open_engine(Recorder(x="x" * HEADER_ROOM)).run(perform(POST)).status == 200


@half_way
@ASKING
def test_headers_too_large(open_engine: OpenEngine, effect: PostForm | GetDocument) -> None:
    """One byte more is nonsense, whether in one header or in many (R-TE4)."""
    one: dict[str, Any] = {"x": "x" * (HEADER_ROOM + 1)}
    many: dict[str, Any] = {f"x{number}": "x" * 80 for number in range(1000)}
    for headers in (one, many):
        error = failure(open_engine(Recorder(**headers)), effect)
        assert (type(error), "headers" in str(error)) == (FotoWebNonsense, True)


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip", "br", "deflate", "zstd", "identity, gzip", "GZIP", "x"])
def test_compressed(open_engine: OpenEngine, encoding: str) -> None:
    """A compressed answer, which was not asked for, is not even read (T-TE-11)."""
    assert type(failure(open_engine(Recorder(content_encoding=encoding)), POST)) is FotoWebNonsense


@pytest.mark.parametrize("encoding", ["identity", "Identity", "", " "])
def test_not_compressed(open_engine: OpenEngine, encoding: str) -> None:
    """An answer that says it is not compressed is fine."""
    assert open_engine(Recorder(content_encoding=encoding)).run(perform(POST)).body == b"{}"


@ASKING
@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("[Errno 111] Connection refused"),
        httpx.ConnectTimeout("timed out"),
        httpx.PoolTimeout("timed out"),
        httpx.ReadTimeout("timed out"),
        httpx.WriteTimeout("timed out"),
        httpx.ReadError("[Errno 104] Connection reset by peer"),
        httpx.WriteError("[Errno 32] Broken pipe"),
        httpx.RemoteProtocolError("illegal status line: bytearray(b'S3CR3T')"),
        httpx.LocalProtocolError("Illegal header value b'Bearer S3CR3T'"),
        httpx.ProxyError("407 S3CR3T"),
        httpx.UnsupportedProtocol("S3CR3T"),
        httpx.ReadError(""),
    ],
    ids=lambda value: type(value).__name__,
)
def test_failures(open_engine: OpenEngine, effect: PostForm | GetDocument, error: Exception) -> None:
    """Every failure of the connection is FotoWebUnreachable."""
    caught = failure(open_engine(failing(error)), effect)
    assert (type(caught), caught.retry_after_seconds) == (FotoWebUnreachable, None)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            httpx.ConnectError("[Errno -2] Name or service not known"),
            "ConnectError: [Errno -2] Name or service not known",
        ),
        (httpx.ReadTimeout("the whole answer took too long"), "ReadTimeout: the whole answer took too long"),
        (httpx.ReadError(""), "ReadError"),
        (httpx.RemoteProtocolError("illegal status line: bytearray(b'S3CR3T')"), "RemoteProtocolError"),
        (httpx.LocalProtocolError("Illegal header value b'Bearer S3CR3T'"), "LocalProtocolError"),
    ],
)
def test_failure_text(open_engine: OpenEngine, error: Exception, text: str) -> None:
    """The text says what happened, but quotes nothing of what was sent or came: that may be a token (R-LG1)."""
    assert str(failure(open_engine(failing(error)), POST)) == f"FotoWeb could not be reached ({text})"


def test_failure_text_cut(open_engine: OpenEngine) -> None:
    """The text is no longer than a line."""
    assert len(str(failure(open_engine(failing(httpx.ConnectError("x" * 5000))), POST))) < 300


def test_failure_shows_no_httpx_error(open_engine: OpenEngine) -> None:
    """A traceback of the failure does not show httpx's own error with its text."""
    assert failure(open_engine(failing(httpx.ReadError("S3CR3T"))), POST).__suppress_context__


def test_bug_in_transport(open_engine: OpenEngine) -> None:
    """What is no failure of the connection is a bug and ends the run as it is."""
    with pytest.raises(ZeroDivisionError):
        open_engine(failing(ZeroDivisionError())).run(perform(POST))
