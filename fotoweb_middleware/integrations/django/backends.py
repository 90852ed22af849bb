"""The Django user of a FotoWeb user."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import RemoteUserBackend
from django.http import HttpRequest

from fotoweb_middleware.integrations.django import creates_users
from fotoweb_middleware.session import User, get_session


class FotoWebBackend(RemoteUserBackend):  # type: ignore[misc]  # Django ships no types.
    """Finds or creates the Django user of a FotoWeb user. It doesn't check passwords.

    Users are matched by FotoWeb's ``user_name``, the name that administrators know: people can be added before their
    first login, and made staff. Subclass it to change ``clean_username`` or ``configure_user``, as with
    Django's ``RemoteUserBackend``.
    """

    @property
    def create_unknown_user(self) -> bool:
        """Whether a new person gets a Django user; ``FOTOWEB = {"CREATE_USERS": False}`` says no."""
        return creates_users()

    def authenticate(self, request: HttpRequest, fotoweb_user: User) -> Any:
        """Return the Django user of a FotoWeb user; None if there is none, or it is not active."""
        return self._same(super().authenticate(request, remote_user=fotoweb_user.user_name), fotoweb_user)

    def _same(self, user: Any, known: User) -> Any:
        """Return the user, or None where the database found another: MySQL's default is blind to case and accents."""
        return user if user is not None and user.get_username() == self.clean_username(known.user_name) else None

    async def aauthenticate(self, request: HttpRequest, fotoweb_user: User) -> Any:
        """As ``authenticate``, async."""
        return self._same(await super().aauthenticate(request, remote_user=fotoweb_user.user_name), fotoweb_user)

    def configure_user(self, request: HttpRequest, user: Any, created: bool = True) -> Any:  # noqa: FBT001, FBT002 (Django's signature)
        """Give a new user the name and e-mail address that FotoWeb knows, and no password; return the user.

        Called at each login. A user who was there before stays as they are: with an address from FotoWeb, somebody who
        may name themselves there could have the password of an administrator's account reset by e-mail.
        """
        if user is None:
            return None
        session = get_session(request)
        if session is not None and session.user is not None and self._same(user, session.user) is None:
            return None  # Before anything of theirs is written to somebody else.
        if not created:
            return user
        known = {} if session is None or session.user is None else fields_of(session.user)
        # Projects may have a user model of their own, without these.
        changed = [name for name, value in known.items() if value and getattr(user, name, None) == ""]
        for name in changed:
            setattr(user, name, known[name][: user._meta.get_field(name).max_length])  # noqa: SLF001 (Django's API)
        user.set_unusable_password()  # An empty one could be reset by e-mail.
        user.save(update_fields=[*changed, "password"])
        return user


def fields_of(known: User) -> dict[str, str]:
    """Return what FotoWeb knows of a user, by the names that Django's own user model has."""
    first_name, _, last_name = known.full_name.partition(" ")
    return {"first_name": first_name, "last_name": last_name, "email": known.email}
