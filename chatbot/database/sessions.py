"""Sign-ins: who holds which token. Of a token only its hash is kept."""

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import Engine, delete, insert, select

from chatbot.storage.opening import now, reading, writing
from chatbot.storage.tables import sessions

LIFETIME = dt.timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in; it ends where the user's password no longer has this stamp."""

    owner: str
    stamp: str


def begin_session(database: Engine, session: Session) -> str:
    """A new sign-in's token; those that are over are forgotten."""
    token, begun = secrets.token_urlsafe(32), now()
    with writing(database) as connection:
        connection.execute(delete(sessions).where(sessions.c.ends <= begun))
        connection.execute(
            insert(sessions).values(
                token=_kept(token),
                owner=session.owner,
                stamp=session.stamp,
                ends=begun + LIFETIME,
            )
        )
    return token


def session_of(database: Engine, token: str) -> Session | None:
    """The sign-in of a token, if it is not over."""
    columns = sessions.c
    asked = select(columns.owner, columns.stamp).where(
        columns.token == _kept(token), columns.ends > now()
    )
    with reading(database) as connection:
        row = connection.execute(asked).first()
    return Session(row.owner, row.stamp) if row else None


def end_session(database: Engine, token: str) -> None:
    """Forget a sign-in."""
    with writing(database) as connection:
        connection.execute(delete(sessions).where(sessions.c.token == _kept(token)))


def _kept(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
