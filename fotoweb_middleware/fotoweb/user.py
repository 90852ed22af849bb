"""Who is logged in: the ``user`` of FotoWeb's full API descriptor (``GET /fotoweb/me``)."""

from __future__ import annotations

from fotoweb_middleware.errors import FotoWebNonsense
from fotoweb_middleware.fotoweb.messages import HttpReply, read_object
from fotoweb_middleware.session import User

ME_PATH = "/fotoweb/me"
DESCRIPTOR_MEDIA_TYPE = "application/vnd.fotoware.full-api-descriptor+json"
MAX_TEXT_CHARACTERS = 256


def read_user(reply: HttpReply) -> User | None:
    """Return who the descriptor names, or None where it names nobody that can be read."""
    if reply.status != 200:
        return None
    try:
        user = read_object(reply).get("user")
    except FotoWebNonsense:
        return None
    if not isinstance(user, dict):
        return None
    user_id, user_name = user.get("userId"), read_text(user.get("userName"))
    if not isinstance(user_id, int) or isinstance(user_id, bool) or not user_name:
        return None
    return User(user_id, user_name, read_text(user.get("fullName")), read_text(user.get("email")))


def read_text(value: object) -> str:
    """Return a text that is safe in a header or an environ: printable, at most 256 characters; else ""."""
    return value if isinstance(value, str) and value.isprintable() and len(value) <= MAX_TEXT_CHARACTERS else ""
