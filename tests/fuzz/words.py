"""What hostile input is made of, parser by parser: the fuzzers put these pieces together."""

from __future__ import annotations

from tests.fuzz.cookie_checks import SEALED
from tests.fuzz.login_cookie import STATE
from tests.fuzz.seeds import NAVIGATE, encoded, spaced
from tests.fuzz.whole_request_checks import SESSION_COOKIE

ACCEPT = encoded(
    *spaced("text/html */* text/* application/json ;q=0 ;q=0.000 ; , q = navigate document prefetch no-cors -"), "\n"
)
COOKIE = encoded(
    *spaced('; = , " \\ $Version=1 __Host-fotoweb fotoweb .1 .2 -login-a -attempts 2~ 3~'), "; ", ", ", "\t", "\x7f"
)
JSON = encoded(
    *spaced('[ ] { } : , " \\u0000 \\ud800 null true NaN Infinity -1 1e999 28800.000000 1e3 \\r\\n 401 429 503'),
    *spaced('"access_token" "refresh_token" "token_type" "bearer" "expires_in" "error"'),
    *spaced('"user" "userId" "userName" "fullName" "email" invalid_grant \xef\xbb\xbf'),
    "\n",
    "200\n\n",
    "400\n\n",
    "503\n30\n",
)
NUMBER = encoded(*spaced("0 9 . e - + _ \xb2 999999999999999 inf nan"), " ", "\t", "\xa0", "\x1c", "\x85")
QUERY = encoded(
    *spaced("code state error error_description iss = & ; + % %00 %26 %3D %ff %u0041 access_denied \xe9"), STATE
)
REQUEST = encoded(
    *spaced("GET POST OPTIONS HEAD /health /static/ /oauth2 /login /callback? /logout /session .. // \\ %2e %2f %5c"),
    *spaced("%00 %25 ; ? # & = state= code= next= https://partner.example https://evil.test same-origin text/html"),
    *spaced("Cookie: Origin: Host: Accept: Sec-Fetch-Mode: Sec-Fetch-Dest: Sec-Fetch-Site: X-Requested-With:"),
    "\n",
    f"\n{NAVIGATE}",
    f"\nCookie: {SESSION_COOKIE}",
    f"\nCookie: a=b, {SESSION_COOKIE}",
    "\nAccess-Control-Request-Method: PUT",
)
SEAL = encoded(*spaced(". = - _ A + /"), "\n", SEALED[0][:20], SEALED[0][-43:])
URL = encoded(
    *spaced("/ // \\ . .. %2e %2f %5c %09 %00 %25 ? # @ : ; & = + * http: https:// javascript: data: [::1] localhost"),
    *spaced("127.0.0.1 0x7f.1 evil.test app.example /oauth2 /login /sub /evil.test next= %C3%A4 %ff \u3031 \uff0f"),
    *spaced("same-origin cross-site none null"),
    "\t",
    "\n",
    "\r",
    "\x00",
    " ",
)
