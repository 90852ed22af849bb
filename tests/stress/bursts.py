"""Twenty rounds of twelve requests at once on a token that has just expired, over all workers of one or more groups.

The authorization server is the independent one, which ends the whole login on one replayed refresh token.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from tests.providers.oidc_provider import RigOptions, StartRig
from tests.servers.sites import wait_until
from tests.stress.people import Person, at_once
from tests.stress.rig_witness import RigWitness
from tests.stress.scenes import required_variables
from tests.stress.witness import check_invariants
from tests.stress.workers import Workers

__all__ = ["AT_ONCE", "ROUNDS", "check_bursts"]

ROUNDS = 20
MOST_ROUNDS = 60
AT_ONCE = 12
PEOPLE = 10
TOKEN_SECONDS = 5
STALE_SECONDS = TOKEN_SECONDS / 2
"""How long before their end tokens are stale, with the default leeway. A round that lasts longer than its new token is
fresh may refresh it once more, and so does not count."""
POLL_SECONDS = 0.1
PATIENCE_SECONDS = 30


def check_bursts(groups: Sequence[Workers], start_rig: StartRig, **variables: object) -> None:
    """In each round: twelve times 200 with one and the same new token, one refresh, and the sessions live on.

    Ten people take turns: while one's token ages, the others have theirs refreshed, so little time is waited.
    Rounds count in which several workers had a part (on a busy machine one of them is at times quicker than all others)
    and that were over while the new token was fresh.

    Args:
        groups: App servers that are not started; requests go to them in turn.
        start_rig: The fixture ``oidc_rig``.
        variables: ``FOTOWEB_*`` variables besides the required ones.
    """
    callbacks = tuple(group.callback_url for group in groups)
    rig = start_rig(RigOptions(redirect_uris=callbacks, access_token_ttl_seconds=TOKEN_SECONDS, rotate=True))
    options = rig.options
    given = required_variables(rig.base_url, options.client_id, options.client_secret, **variables)
    with ThreadPoolExecutor(len(groups)) as threads:
        list(threads.map(lambda group: group.start(given), groups))
    with contextlib.ExitStack() as browsers:
        witness = RigWitness(rig)
        browsers.callback(witness.close)
        people = [browsers.enter_context(Person(("alice", "bob")[number % 2])) for number in range(PEOPLE)]
        at_once([partial(person.visit, groups[0].url, person.name) for person in people])
        expiries = [settle(groups[0], person, witness) for person in people]
        rounds: list[Round] = []
        while sum(one.counts for one in rounds) < ROUNDS:
            assert len(rounds) < MOST_ROUNDS, f"too few rounds count: {rounds}"
            number = len(rounds) % PEOPLE
            wait_until(expiries[number])
            rounds.append(one_round(groups, people[number], witness))
            expiries[number] = rounds[-1].expires_at or settle(groups[0], people[number], witness)
        assert {pid for one in rounds for pid in one.pids} == {pid for group in groups for pid in group.worker_pids()}
        assert {person.logins for person in people} == {1}
        check_invariants(witness, people)


def settle(group: Workers, person: Person, witness: RigWitness) -> float:
    """Wait until no refresh of somebody's session is due or under way; return when the token expires."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while True:
        seen = person.fetch(f"{group.url}/settled").json()
        is_fresh = time.time() < seen["expires_at"] - STALE_SECONDS
        learn_owners(person, witness)
        if is_fresh:
            expires_at: float = seen["expires_at"]
            return expires_at
        assert time.monotonic() < ends_at, "the token is always stale"
        time.sleep(POLL_SECONDS)


def learn_owners(person: Person, witness: RigWitness) -> None:
    """Ask whose tokens somebody had. Those that ended before FotoWeb was asked tell nothing, and are forgotten."""
    ended = {token for token in set(person.tokens) if not witness.learn_owner(token)}
    person.tokens = [token for token in person.tokens if token not in ended]


@dataclass(frozen=True, slots=True)
class Round:
    """What one round showed.

    Attributes:
        pids: Who answered.
        expires_at: When the new token expires; None: it was no longer fresh at the end, so there may be another one.
    """

    pids: list[int]
    expires_at: float | None

    @property
    def counts(self) -> bool:
        """Whether it was quick, and several workers had a part in it; who gets a connection is the kernel's choice."""
        return self.expires_at is not None and len(set(self.pids)) > 1


def one_round(groups: Sequence[Workers], person: Person, witness: RigWitness) -> Round:
    """Let one person's token be refreshed by twelve requests."""
    before, tokens_before = witness.refreshes(), set(person.tokens)
    answers = at_once(
        [partial(person.fetch, f"{groups[number % len(groups)].url}/burst?n={number}") for number in range(AT_ONCE)]
    )
    ended_at = time.time()
    assert [answer.status_code for answer in answers] == [200] * AT_ONCE, [answer.text for answer in answers]
    seen = [answer.json() for answer in answers]
    tokens, pids = {one["token"] for one in seen}, [one["pid"] for one in seen]
    expires_at: float = min(one["expires_at"] for one in seen)
    is_quick = ended_at < expires_at - STALE_SECONDS
    if is_quick:
        assert witness.refreshes() - before == 1
        assert len(tokens) == 1
    assert tokens.isdisjoint(tokens_before)
    learn_owners(person, witness)
    return Round(pids, expires_at if is_quick else None)
