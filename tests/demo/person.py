"""A person with a browser without scripts: it follows redirects and keeps cookies, they fill in forms."""

from __future__ import annotations

import html
import re
from types import TracebackType
from typing import Self

import httpx

__all__ = ["Person"]

FORM = re.compile(r'<form method="post" action="([^"]+)"')
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept": "text/html,*/*;q=0.8"}
FROM_THE_PAGE = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Sec-Fetch-Site": "same-origin"}


class Person:
    """One browser.

    Args:
        url: The demo's.
        user_name: Who sits there.
    """

    def __init__(self, url: str, user_name: str = "alice") -> None:
        self._url = url
        self._answers = {"username": user_name, "password": "secret", "decision": "allow"}
        self._client = httpx.Client(follow_redirects=True, timeout=20)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def visit(self, path: str = "/") -> httpx.Response:
        """Type an address."""
        return self._client.get(self._url + path, headers={**NAVIGATION, "Sec-Fetch-Site": "none"})

    def sign_in(self) -> httpx.Response:
        """Visit the gallery and fill in what FotoWeb asks, until back at the gallery."""
        page = self.visit()
        while "/fotoweb/" in page.url.path:
            page = self.submit(page, self._answers)
        return page

    def submit(self, page: httpx.Response, answers: dict[str, str] | None = None) -> httpx.Response:
        """Send the first form of a page, as its own page would."""
        form = FORM.search(page.text)
        assert form is not None
        hidden = {name: html.unescape(value) for name, value in HIDDEN.findall(page.text)}
        headers = {**NAVIGATION, "Sec-Fetch-Site": "same-origin"}
        return self._client.post(page.url.join(form[1]), data={**hidden, **(answers or {})}, headers=headers)

    def fetch(self, path: str = "/status") -> httpx.Response:
        """Do what the page's script does."""
        return self._client.get(self._url + path, headers=FROM_THE_PAGE)
