"""``fotoweb-middleware simulator``: what it prints works in another terminal."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from fotoweb_middleware.demo.ports import listen
from tests.cli.samples import run

RUN_SECONDS = 50
SIGNS_IN = """
import html, re, urllib.parse
import httpx
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from fotoweb_middleware import FotoWebWSGIMiddleware

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"hello {environ['REMOTE_USER']}".encode()]

wrapped = httpx.WSGITransport(FotoWebWSGIMiddleware(app))
with httpx.Client(transport=wrapped, base_url="http://localhost:8123") as browser, httpx.Client() as fotoweb:
    page = fotoweb.get(browser.get("/").headers["location"], follow_redirects=True)
    while page.status_code == 200:  # The login page, then the consent page.
        fields = dict(re.findall(r'name="(\\w+)" value="([^"]*)"', page.text))
        fields = {name: html.unescape(value) for name, value in fields.items()}
        fields |= {"username": "bob", "password": "secret", "decision": "allow"}
        action = urllib.parse.urljoin(str(page.url), re.search(r'action="([^"]+)"', page.text)[1])
        page = fotoweb.post(action, data=fields)
        while page.is_redirect and page.headers["location"].startswith("/fotoweb/"):
            page = fotoweb.get(urllib.parse.urljoin(str(page.url), page.headers["location"]))
    browser.get(page.headers["location"])
    print(browser.get("/").text)
"""
