"""Every parser that faces anonymous users, with what must hold of it, inputs to begin with, and words of its language.

Hypothesis plays with them in every run of the tests, a coverage-guided fuzzer with ``make fuzz``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.fuzz import seeds, words
from tests.fuzz.cookie_checks import check_chunks, check_content, check_cookie_header, check_sealed
from tests.fuzz.reply_checks import check_identity, check_retry_after, check_token_reply
from tests.fuzz.request_checks import check_accept, check_callback, check_origin, check_return_target
from tests.fuzz.whole_request_checks import check_request

__all__ = ["HARNESSES", "Harness"]


@dataclass(frozen=True, slots=True)
class Harness:
    """One parser under test.

    Attributes:
        check: Raises where something does not hold of an input.
        seeds: Inputs to begin with, known attacks among them.
        words: What its inputs are made of.
    """

    check: Callable[[bytes], None]
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...]


HARNESSES: dict[str, Harness] = {
    "cookie_header": Harness(check_cookie_header, seeds.COOKIE_HEADERS, words.COOKIE),
    "cookie_chunks": Harness(check_chunks, seeds.COOKIE_CHUNKS, words.COOKIE),
    "sealed": Harness(check_sealed, seeds.SEALED_VALUES, words.SEAL),
    "content": Harness(check_content, seeds.CONTENTS, words.JSON),
    "return_target": Harness(check_return_target, seeds.TARGETS, words.URL),
    "callback": Harness(check_callback, seeds.CALLBACKS, words.QUERY),
    "token_reply": Harness(check_token_reply, seeds.TOKEN_REPLIES, words.JSON),
    "identity": Harness(check_identity, seeds.DESCRIPTORS, words.JSON),
    "retry_after": Harness(check_retry_after, seeds.RETRY_AFTERS, words.NUMBER),
    "origin": Harness(check_origin, seeds.ORIGINS, words.URL),
    "accept": Harness(check_accept, seeds.ACCEPTS, words.ACCEPT),
    "request": Harness(check_request, seeds.REQUESTS, words.REQUEST),
}
