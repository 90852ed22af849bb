"""Inputs to begin with: what good clients and servers send, and attacks that other systems fell for."""

from __future__ import annotations

import json

from fotoweb_middleware.session import SessionRecord, TokenSet, User
from fotoweb_middleware.views.login import LoginInProgress
from tests.core.test_next_path import HOSTILE
from tests.fuzz.cookie_checks import GENUINE, SEALED
from tests.fuzz.login_cookie import STATE
from tests.fuzz.whole_request_checks import SESSION_COOKIE

N = "__Host-fotoweb"


def spaced(text: str) -> list[str]:
    """Return what stands between spaces."""
    return text.split()


def pairs(cookies: dict[str, str]) -> str:
    """Return a Cookie header."""
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


ANNA, BO, CY = (pairs(cookies) for cookies in GENUINE)


def encoded(*texts: str) -> tuple[bytes, ...]:
    """Return texts as the bytes of headers, or as UTF-8 where they hold more."""
    return tuple(text.encode("latin-1" if all(letter < "\u0100" for letter in text) else "utf-8") for text in texts)


COOKIE_HEADERS = encoded(
    f"a=b; {N}=v; c=d",
    f"{N}=v; {N}=w",
    f"{N}=v; {N}.1=w; {N}-login-abc=x",
    f'x={{"json":1}}; {N}=ok',
    f"a=b; =__Host-x=1; {N}=v",
    f"\xe2\x80\x80{N}=v",
    f"{N.lower()}=v; __%48ost-fotoweb=v; ={N}=v; fotoweb=v",
    f"$Version=1; {N}=v",
    f"{N} =v;{N}= v ;\t{N}=v",
    f"a=b,{N}=v; c=d, {N}=w,\t{N}.1=x",
    's="' + '\\"' * 300 + f'"; {N}=v',
    f"{N};{N}=;;;{N}",
)
COOKIE_CHUNKS = encoded(
    ANNA,
    BO,
    CY,
    f"{BO}; {CY}",
    pairs({**GENUINE[1], f"{N}.1": GENUINE[2][f"{N}.1"]}),
    pairs({**GENUINE[2], f"{N}.1": GENUINE[2][f"{N}.2"], f"{N}.2": GENUINE[2][f"{N}.1"]}),
    pairs({name: value for name, value in GENUINE[2].items() if not name.endswith(".2")}),
    f"{BO}; {N}.2=leftover",
    f"{N}=999999999~{SEALED[0]}",
    f"{N}=1~{SEALED[0]}",
    f"{N}=x~{SEALED[0]}",
    f"{N}=2~; {N}.1={SEALED[0]}",
)

JUNK_WITHIN = SEALED[0][:15] + "\0\0" + SEALED[0][15:-44]  # Decoders of base64 pass over it: the fuzzer found that.
SEALED_VALUES = encoded(
    *SEALED, SEALED[0] + "=", SEALED[0][:-1], SEALED[0] + "\n", "!!!!", "a.b", "." * 50, JUNK_WITHIN
)

ANNA_ALONE = SessionRecord("id", 1, TokenSet("access", "refresh", 1.5, None), 1, 2, User(1, "anna", "Anna Ek", "a@b"))
NOBODY = SessionRecord("id", 1_000_001, TokenSet("access", None, 1, 2), 1, 2, None)
LOGIN = LoginInProgress("state", "verifier", "https://app.example/oauth2/callback", "/a?b", 1.5)
CONTENTS = (
    *(json.dumps(each.to_json()).encode() for each in (ANNA_ALONE, NOBODY, LOGIN)),
    *encoded('["reference","anna",2000000000.0]', '["s",1,["a","r",0,NaN],1,1,[1,2,3,4]]', "[" * 3000, "{}", "\xff"),
)

TARGETS = encoded(*(target for target in HOSTILE if len(target) < 2000 and "\ud800" not in target)) + encoded(
    "next=%2Fa%3Fb%3D1",
    "next=/a&next=/b",
    "/p%C3%A4th%20x;v=1/%E2%82%AC?q=%ff&a=b%26c&d=1+2",
    "/sub/a",
    "/%2e%2e/%2e%2e//evil.test",
    "/oauth2%2Flogin",
    "/%6fauth2/logout",
    "/x/..%2foauth2/login",
    "/%252e%252e/oauth2",
    "https://[::1",
    "//user@evil.test:80/",
)

CALLBACKS = encoded(
    f"code=C0DE&state={STATE}",
    f"state={STATE}&error=access_denied&error_description=no",
    f"state={STATE}&code=a&code=b",
    f"state={STATE}&state={STATE}&code=a",
    f"state={STATE}&code=a&error=b",
    f"state={STATE}",
    "code=a&state=",
    f"code=%ff&state={STATE}",
    f"code=a;state={STATE}",
    f"&&=&code=a%00&state={STATE}&iss=x",
    "+ADw-script+AD4-&error=%3Cscript%3E&state=x",
    "&".join(f"a{number}=b" for number in range(60)),
)

GOOD_REPLY = '200\n\n{"access_token":"a.b-c","token_type":"Bearer","expires_in":28800.000000,"refresh_token":"r"}'
TOKEN_REPLIES = encoded(
    GOOD_REPLY,
    GOOD_REPLY.replace("28800.000000", '"3600"'),
    GOOD_REPLY.replace("28800.000000", "1e999"),
    GOOD_REPLY.replace("28800.000000", "-1"),
    GOOD_REPLY.replace("28800.000000", "NaN"),
    GOOD_REPLY.replace("28800.000000", "true"),
    GOOD_REPLY.replace("28800.000000", '"\uff13"'),
    GOOD_REPLY.replace("28800.000000", "9" * 4301),
    GOOD_REPLY.replace('"r"', "null"),
    GOOD_REPLY.replace('"r"', '""'),
    GOOD_REPLY.replace("a.b-c", "A\\r\\nX-Admin: 1"),
    GOOD_REPLY.replace("a.b-c", "\\ud800"),
    GOOD_REPLY.replace("a.b-c", "\\u0000"),
    GOOD_REPLY.replace("a.b-c", "A\\u2028B"),
    GOOD_REPLY.replace('"Bearer"', '["bearer"]'),
    "200\n\n" + "[" * 3000,
    "200\n\n" + '{"a":' * 3000,
    "200\n\n\xef\xbb\xbf{}",
    "204\n\n",
    '400\n\n{"error":"invalid_grant"}',
    '401\n\n{"error":"invalid_client","error_description":"client_secret=S3CR3T"}',
    '400\n\n{"error":"<script>x</script>"}',
    "503\n30\n<html>",
    "503\n5\x1c\n",
    "429\nFri, 31 Dec 1999 23:59:59 GMT\n",
    "302\n\n",
)
DESCRIPTORS = encoded(
    '200\n\n{"user":{"userId":15001,"userName":"anna","fullName":"Anna Ek","email":"anna@tenant.example"}}',
    '200\n\n{"user":{"userId":1,"userName":"a\\r\\nX: y","fullName":"\\u202e"}}',
    '200\n\n{"user":{"userId":true,"userName":"a"}}',
    '200\n\n{"user":{"userId":1,"userName":"\u00e4\u3031"}}',
    '200\n\n{"user":{"userId":' + "9" * 4300 + ',"userName":"a"}}',
    '200\n\n{"user":[]}',
    "200\n\n[]",
    "401\n\n",
)
RETRY_AFTERS = encoded(
    "30", "0", " 5 ", "1.5", "-1", "1e3", "\xb2", "9" * 400, "Fri, 31 Dec 1999 23:59:59 GMT", "5\x1c", ""
)

ORIGINS = encoded(
    "app.example\n-\n-",
    "app.example:443\nhttps://app.example\n-",
    "app.example\nhttps://app.example\nsame-origin",
    "app.example\nhttp:https://app.example\n-",
    "app.example\nhttps://evil.test\ncross-site",
    "app.example\nhttps://app.example.evil.test\n-",
    "app.example\nhttps://app.example@evil.test\n-",
    "app.example\nhttps://evil-app.example\n-",
    "app.example\nnull\n-",
    "app.example\nhttp://app.example:80\n-",
    "app.example\nhttps://APP.example:443\n-",
    "localhost:8000\nhttp://localhost:8000\n-",
    "127.0.0.1\n-\n-",
    "[::1]:8000\n-\n-",
    "[:::::]\n-\n-",
    "0x7f.1\n-\n-",
    "app.test/public?x=\n-\n-",
    "evil.test\\@app.example\n-\n-",
    "a b\n-\n-",
)
ACCEPTS = encoded(
    "text/html,application/xhtml+xml,*/*;q=0.8\n-\n-\n-\n-\n-",
    "text/html\nnavigate\ndocument\n-\n-\n-",
    "text/html\nnavigate\niframe\n-\n-\n-",
    "application/json\n-\n-\n-\n-\n-",
    "text/html;q=0,*/*\n-\n-\n-\n-\n-",
    "-\n-\n-\n-\n-\n-",
    "*/*\nnavigate\ndocument\nprefetch;prerender\n-\n-",
    "*/*\n-\n-\n-\nPREFETCH\n-",
    "text/html\n-\n-\n-\n-\nXMLHttpRequest",
)

NAVIGATE = "Accept: text/html\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: document\nSec-Fetch-Site: none"
REQUESTS = encoded(
    f"GET /a?b=c\n{NAVIGATE}",
    f"GET /a\n{NAVIGATE}\nCookie: x=y; {SESSION_COOKIE}; {SESSION_COOKIE}",
    f"GET /a\nCookie: x=y, {SESSION_COOKIE}",
    f"GET /health\nCookie: x=y,{SESSION_COOKIE}",
    f"GET /health\nCookie: x=y, {SESSION_COOKIE}",
    f"POST /a\nCookie: {SESSION_COOKIE}\nOrigin: https://evil.test",
    f"POST /a\nCookie: {SESSION_COOKIE}\nSec-Fetch-Site: same-site",
    f"POST /oauth2/logout\nCookie: {SESSION_COOKIE}\nSec-Fetch-Site: same-origin",
    f"GET /oauth2/session\nCookie: {SESSION_COOKIE}",
    f"GET /oauth2/login?next=//evil.test\n{NAVIGATE}",
    "GET /oauth2/callback?code=a&state=b",
    "OPTIONS /a\nOrigin: https://partner.example\nAccess-Control-Request-Method: PUT",
    "GET /health",
    *(
        f"GET {path}\nX-Forwarded-Uri: /health\nX-Original-URL: /health"
        for path in spaced(
            "/static/../private /static/%2e%2e/private /static%2f..%2fprivate /static%2fa /static;/../private "
            "/static/..\\private //static/a /static%00 /static/%252e%252e/private /private?p=/static/ "
            "/private#/static/ /STATIC/a /static/a/..;/b /static/%ff /oauth2/callback/ /oauth2//callback "
            "/OAuth2/callback /oauth2/x @evil.test * http://evil.test/static/ /static/./a /static/%5c.. "
            "/%09/evil.test /%0d%0aX /%2fevil.com"
        )
    ),
    "GET /a\nHost: evil.test/static?x=\nAccept: text/html",
    "get /a\nHost: [:::::]\nAccept: */*",
)
