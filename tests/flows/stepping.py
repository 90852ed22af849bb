"""Flows stepped through by hand: each effect gets the reply that the test has for it."""

from __future__ import annotations

from typing import Any, TypeVar

from fotoweb_middleware.effects import Detach, Flow
from fotoweb_middleware.model import Answer

R = TypeVar("R")


def walked(flow: Flow[R], *replies: Any) -> tuple[list[Any], R]:
    """Carry a flow out, detached ones within it too; return its effects and what it returned.

    Args:
        flow: What to carry out.
        replies: One for each effect but ``Detach``; errors are thrown.
    """
    left = list(replies)
    effects: list[Any] = []

    def run(inner: Flow[Any]) -> Any:
        try:
            effect = next(inner)
            while True:
                effects.append(effect)
                reply = run(effect.flow) if isinstance(effect, Detach) else left.pop(0)
                effect = inner.throw(reply) if isinstance(reply, Exception) else inner.send(reply)
        except StopIteration as stop:
            return stop.value

    result: R = run(flow)
    assert left == [], "replies that nothing asked for"
    return effects, result


def header(answer: Answer, name: str) -> str:
    """Return a header of an answer."""
    return dict(answer.headers)[name]


def told(text: str) -> dict[str, str]:
    """Return the fields of a line of the log."""
    return dict(word.split("=", 1) for word in text.split() if "=" in word)
