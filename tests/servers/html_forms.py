"""Reads the forms of a page, as far as FotoWeb's, the rig's and our own pages have any."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

__all__ = ["Form", "read_forms"]


@dataclass(slots=True)
class Form:
    """One form.

    Attributes:
        action: Where it is sent; empty: to the page itself.
        method: "GET" or "POST".
        fields: Its inputs and their values.
        buttons: Label to name and value; an empty name sends nothing.
    """

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)

    def sent_by(self, button: str) -> dict[str, str]:
        """Return what pressing a button adds to the fields."""
        name, value = self.buttons[button]
        return {name: value} if name else {}


class FormReader(HTMLParser):
    """Collects forms."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._button: tuple[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a form, an input or a button."""
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(values.get("action", ""), values.get("method", "get").upper()))
        elif tag == "input" and self.forms:
            self.forms[-1].fields[values.get("name", "")] = values.get("value", "")
        elif tag == "button":
            self._button = (values.get("name", ""), values.get("value", ""))

    def handle_data(self, data: str) -> None:
        """Note a button's label."""
        if self._button is not None and self.forms:
            self.forms[-1].buttons[data.strip()] = self._button
            self._button = None


def read_forms(source: str) -> list[Form]:
    """Return all forms of a page."""
    reader = FormReader()
    reader.feed(source)
    return reader.forms
