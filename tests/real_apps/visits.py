"""What a person does in each app, before and after the token expired, and what an open page shows after a sign-out."""

from __future__ import annotations

import re
import sqlite3
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page, expect

__all__ = ["VISITS", "Visit"]

STREAMLIT_RUN_MS = 2000  # For a run of the script: until it ends, the page shows what the last run made.
Use = Callable[[Page], None]


def nothing(_given: object) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit to one app.

    Attributes:
        use: Use it once; called a second time with an expired token, on the same page.
        after_sign_out: Use the open page after a sign-out in another tab, and see what it shows.
        path: Where it begins.
        packages: What else the app needs.
        prepare: Put what the app works with into its folder, before the page's files are written.
        height_pixels: Of the screenshot.
    """

    use: Use
    after_sign_out: Use
    path: str = "/"
    packages: tuple[str, ...] = ()
    prepare: Callable[[Path], None] = field(default=nothing)
    height_pixels: int = 360


def use_streamlit(page: Page) -> None:
    """Choose the other archive; once the handshake's token has expired, sign in again by the link."""
    box = page.get_by_role("combobox").first
    expect(box).to_have_value(re.compile("Nordic coast|Garden and greenhouse"))
    other = "Nordic coast" if box.input_value() == "Garden and greenhouse" else "Garden and greenhouse"
    box.click()
    page.get_by_role("option", name=other).click()
    page.wait_for_timeout(STREAMLIT_RUN_MS)
    again = page.get_by_role("link", name="Sign in again")
    if again.count():
        again.click()
        expect(box).to_have_value("Nordic coast")
    else:
        expect(box).to_have_value(other)


def after_streamlit(page: Page) -> None:
    """Wait for Streamlit's own words about a lost connection."""
    expect(page.get_by_text("Connection failed with status 401")).to_be_visible()


def use_gradio(page: Page) -> None:
    """Ask for the archives; an event stream brings them."""
    prefix, output = page.get_by_role("textbox").nth(0), page.get_by_role("textbox").nth(1)
    word = "Look at: " if not output.input_value() else "Look again at: "
    prefix.fill(word)
    page.get_by_role("button", name="Submit").click()
    expect(output).to_have_value(re.compile(f"{word}Nordic coast"))


def after_gradio(page: Page) -> None:
    """Ask once more; Gradio shows the detail of the 401."""
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("You are signed out. Reload the page to sign in.")).to_be_visible()


def use_nicegui(page: Page) -> None:
    """Ask for the archives over the WebSocket."""
    shown = page.get_by_text("Nordic coast")
    before = shown.count()
    page.get_by_role("button", name="My archives").click()
    expect(shown).to_have_count(before + 1)


def after_nicegui(page: Page) -> None:
    """Wait for NiceGUI's own words about a lost connection."""
    expect(page.get_by_text("Connection lost")).to_be_visible()


def use_marimo(page: Page) -> None:
    """Move the slider there and back; each move runs a cell with the token of its own request."""
    slider = page.get_by_role("slider").first
    expect(page.get_by_text("1 row, 1 column")).to_be_visible()
    slider.press("ArrowRight")
    expect(page.get_by_text("2 rows, 1 column")).to_be_visible()
    slider.press("ArrowLeft")
    expect(page.get_by_text("1 row, 1 column")).to_be_visible()


def after_marimo(page: Page) -> None:
    """Move the slider once more; marimo shows the detail of the 401."""
    page.get_by_role("slider").first.press("ArrowRight")
    expect(page.get_by_text("You are signed out. Reload the page to sign in.")).to_be_visible()


def make_photos(folder: Path) -> None:
    """Make the database that Datasette shows."""
    database = sqlite3.connect(folder / "photos.db")
    database.executescript(
        "create table photos (id integer primary key, title text, place text);"
        "insert into photos (title, place) values ('Lighthouse', 'Nordic coast'), ('Harbour', 'Nordic coast');"
    )
    database.close()


def use_datasette(page: Page) -> None:
    """Ask with SQL of one's own, then look at the table."""
    page.goto("/photos?sql=select+title+from+photos")
    expect(page.get_by_text("Lighthouse")).to_be_visible()
    page.goto("/photos/photos")
    expect(page.get_by_text("Alice Berg")).to_be_visible()


def after_datasette(page: Page) -> None:
    """Ask for rows as the page's script would: a 401."""
    assert page.evaluate("fetch('/photos/photos.json').then(answer => answer.status)") == 401


def use_dash(page: Page) -> None:
    """Move the slider; a request brings the words."""
    before = int(page.get_by_role("slider").first.get_attribute("aria-valuenow") or 0)
    page.get_by_role("slider").first.press("ArrowRight")
    expect(page.get_by_text(f"Alice Berg chose {before + 1}")).to_be_visible()


def after_dash(page: Page) -> None:
    """Move the slider; the words stay as they were."""
    with page.expect_response(lambda answer: "_dash-update-component" in answer.url) as answer:
        page.get_by_role("slider").first.press("ArrowRight")
    assert answer.value.status == 401


def use_mlflow(page: Page) -> None:
    """Make an experiment, and see it in the list."""
    name = f"Pictures {page.evaluate('Date.now()')}"
    made = page.evaluate(
        """name => fetch('/ajax-api/2.0/mlflow/experiments/create', {
            method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({name}),
        }).then(answer => answer.status)""",
        name,
    )
    assert made == 200
    page.goto("/#/experiments")
    page.reload()
    expect(page.get_by_text(name)).to_be_visible()


def after_mlflow(page: Page) -> None:
    """Go to another part of the app, whose script is not there yet."""
    page.goto("/#/models")
    expect(page.get_by_text("Something went wrong")).to_be_visible()


def start_wagtail(folder: Path) -> None:
    """Make a Wagtail project as its tutorial does."""
    bin_folder = folder.parent / "bin"
    for command in (["wagtail", "start", "mysite", "."], ["python", "manage.py", "migrate"]):
        program = str(bin_folder / command[0])
        subprocess.run([program, *command[1:]], cwd=folder, check=True, capture_output=True)


def use_wagtail(page: Page) -> None:
    """Save a draft of the front page."""
    page.goto("/admin/pages/3/edit/")
    page.get_by_role("textbox", name="Title").first.fill(f"Pictures {page.evaluate('Date.now()')}")
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_text("has been updated")).to_be_visible()
    page.goto("/admin/")
    expect(page.get_by_role("button", name="alice")).to_be_visible()


def after_wagtail(page: Page) -> None:
    """Ask for rows of the admin as its script would: a 401."""
    assert page.evaluate("fetch('/admin/').then(answer => answer.status)") == 401


def make_files(folder: Path) -> None:
    """Make the folder that WsgiDAV serves."""
    (folder / "files").mkdir()
    (folder / "files" / "notes.txt").write_text("Hello", encoding="utf-8")


def use_wsgidav(page: Page) -> None:
    """Put a file there and move it; the list shows it."""
    moved = page.evaluate(
        """async () => {
            await fetch('/new.txt', {method: 'PUT', body: 'a picture'})
            const to = {Destination: location.origin + '/moved.txt', Overwrite: 'T'}
            return (await fetch('/new.txt', {method: 'MOVE', headers: to})).status
        }"""
    )
    assert moved in {201, 204}
    page.reload()
    expect(page.get_by_text("moved.txt")).to_be_visible()
    expect(page.get_by_text('"alice"')).to_be_visible()


def after_wsgidav(page: Page) -> None:
    """List files as a WebDAV client would: a 401."""
    assert page.evaluate("fetch('/', {method: 'PROPFIND'}).then(answer => answer.status)") == 401


VISITS = {
    "streamlit": Visit(use_streamlit, after_streamlit),
    "gradio": Visit(use_gradio, after_gradio),
    "nicegui": Visit(use_nicegui, after_nicegui, height_pixels=240),
    "marimo": Visit(use_marimo, after_marimo),
    "datasette": Visit(use_datasette, after_datasette, path="/photos/photos", prepare=make_photos, height_pixels=420),
    "dash": Visit(use_dash, after_dash, height_pixels=200),
    "mlflow": Visit(use_mlflow, after_mlflow, height_pixels=560),
    "wagtail": Visit(use_wagtail, after_wagtail, path="/admin/", prepare=start_wagtail, height_pixels=560),
    "wsgidav": Visit(use_wsgidav, after_wsgidav, prepare=make_files, height_pixels=240),
}
