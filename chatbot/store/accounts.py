"""Who may sign in, in a file or in the database, and who is signed in.

Of passwords argon2 hashes are kept, of a sign-in's token its hash.
"""

import datetime as dt
import hashlib
import re
import secrets
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from filelock import FileLock
from sqlalchemy import Engine, delete, insert, select, update

from chatbot.config import Settings
from chatbot.database.opening import now, reading, writing
from chatbot.database.tables import sessions, users
from chatbot.errors import ChatbotError, ConfigurationError, quoted
from chatbot.files import write_atomically

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 1_024
LONGEST_NAME = 64
# Without a sign-in what is kept belongs to this one, who therefore is no user.
NOBODY = "local"
_NAME = re.compile(rf"[\w.@+-]{{1,{LONGEST_NAME}}}")
_HASH = re.compile(r"\$argon2id\$v=\d+\$m=\d+,t=\d+,p=\d+\$[\w+/]+\$[\w+/]+")
# Of a password nobody knows: an unknown name takes as long as a known one.
_NO_ONES = (
    "$argon2id$v=19$m=65536,t=3,p=4$dd9dTeqO9LCAfJ/2nvTrFQ$"
    "Bggnby4eyiyIFBKUuKQuyyjjIl5+aT3PTdlD8c7Q3Fg"
)


def read_users(path: Path) -> dict[str, str]:
    """The hash of each user's password, by name; a `ConfigurationError` of any other file."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        cause = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigurationError(
            f"CHATBOT_AUTH: {path} cannot be read ({cause}); make it with 'chatbot user add NAME'"
        ) from error
    users: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        name, _, password_hash = line.strip().partition(":")
        if not name:
            continue
        if not (_NAME.fullmatch(name) and _HASH.fullmatch(password_hash)) or name in users:
            raise ConfigurationError(
                f"CHATBOT_AUTH: {path}:{number} is no NAME:HASH of its own; remove the line and "
                "run 'chatbot user add NAME'"
            )
        users[name] = password_hash
    return users


def _no_user(name: str) -> ChatbotError:
    return ChatbotError(f"no user {quoted(name)}; 'chatbot user list' names them")


def _checked_user(name: str, password: str) -> tuple[str, str]:
    """A new user's name as it is kept, and the hash of the password."""
    name = known_as(name)
    if not _NAME.fullmatch(name) or name == NOBODY:
        raise ChatbotError(
            f"{quoted(name)} cannot be a user's name; use 1 to {LONGEST_NAME} letters, digits and "
            f". _ @ + -, and not {NOBODY!r}"
        )
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise ChatbotError(
            f"the password has {len(password)} characters; use {SHORTEST_PASSWORD} to "
            f"{LONGEST_PASSWORD}"
        )
    return name, PasswordHasher().hash(password)


def known_as(name: str) -> str:
    """A name in the one form it is kept and looked up in (Unicode's NFC)."""
    return unicodedata.normalize("NFC", name.strip())


def is_password(kept: str | None, password: str) -> bool:
    """Whether this is the password of a hash; without one (no such user) no takes as long."""
    try:
        PasswordHasher().verify(kept or _NO_ONES, password[:LONGEST_PASSWORD])
    except (Argon2Error, InvalidHashError):
        return False
    return kept is not None and len(password) <= LONGEST_PASSWORD


def stamp_of(secret: str) -> str:
    """A hash that can be kept: of a session's token, and of the password's hash it is bound to."""
    return hashlib.sha256(secret.encode()).hexdigest()


class UserFile:
    """The users of a file, read again when it has changed.

    All of it may wait for a disk, as `UserTable` for a server, and raises a `ChatbotError` where
    they cannot be read or written, or a name or password not be used.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, Lock()
        self._read: tuple[tuple[int, ...], dict[str, str]] | None = None

    def hash_of(self, name: str) -> str | None:
        """The hash of a user's password; None where there is no such user."""
        return self._current().get(name)

    def names(self) -> tuple[str, ...]:
        """All of them, in the alphabet's order."""
        return tuple(sorted(self._current()))

    def add(self, name: str, password: str) -> bool:
        """Let someone sign in, or sign them out with a new password; whether the name is new."""
        name, password_hash = _checked_user(name, password)
        with _changing(self._path, may_be_new=True) as users:
            known = name in users
            users[name] = password_hash
        return not known

    def remove(self, name: str) -> None:
        """Let someone sign in no more; who is signed in is signed out."""
        name = known_as(name)
        with _changing(self._path, may_be_new=False) as users:
            if users.pop(name, None) is None:
                raise _no_user(name)

    def _current(self) -> Mapping[str, str]:
        with self._lock:
            version: tuple[int, ...] = ()
            with suppress(OSError):
                found = self._path.stat()
                version = found.st_mtime_ns, found.st_size, found.st_ino
            if self._read is None or self._read[0] != version:
                self._read = version, read_users(self._path)
            return self._read[1]


@contextmanager
def _changing(path: Path, *, may_be_new: bool) -> Iterator[dict[str, str]]:
    """The users of a file, locked; it is replaced by what becomes of them, for its owner alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f"{path.name}.lock"), mode=0o600):
            users = {} if may_be_new and not path.exists() else read_users(path)
            yield users
            lines = "".join(f"{name}:{kept}\n" for name, kept in sorted(users.items()))
            write_atomically(path, lines.encode(), mode=0o600)
    except OSError as error:
        raise ChatbotError(
            f"{path} cannot be written ({error.strerror or error}); set CHATBOT_AUTH to a file in "
            "a folder that can be written"
        ) from error


@dataclass(frozen=True, slots=True)
class UserTable:
    """The users of a database; a change holds at once for every process."""

    database: Engine

    def hash_of(self, name: str) -> str | None:
        """As `UserFile.hash_of`."""
        asked = select(users.c.password_hash).where(users.c.name == name)
        with reading(self.database) as connection:
            return connection.execute(asked).scalar()

    def names(self) -> tuple[str, ...]:
        """As `UserFile.names`."""
        with reading(self.database) as connection:
            return tuple(sorted(connection.execute(select(users.c.name)).scalars()))

    def add(self, name: str, password: str) -> bool:
        """As `UserFile.add`."""
        name, password_hash = _checked_user(name, password)
        changed = update(users).where(users.c.name == name).values(password_hash=password_hash)
        with writing(self.database) as connection:
            new = not connection.execute(changed).rowcount
            if new:
                connection.execute(insert(users).values(name=name, password_hash=password_hash))
        return new

    def remove(self, name: str) -> None:
        """As `UserFile.remove`."""
        gone = delete(users).where(users.c.name == known_as(name))
        with writing(self.database) as connection:
            if not connection.execute(gone).rowcount:
                raise _no_user(name)


Users = UserFile | UserTable


def users_of(settings: Settings, database: Engine | None) -> Users | None:
    """Where the settings keep users: the server's database, or a file; None where nowhere."""
    if settings.database_url is not None and database is not None:
        return UserTable(database)
    return UserFile(settings.auth) if settings.auth else None


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
                token=stamp_of(token),
                ends=begun + LIFETIME,
                owner=session.owner,
                stamp=session.stamp,
            )
        )
    return token


def session_of(database: Engine, token: str) -> Session | None:
    """The sign-in of a token, if it is not over."""
    columns = sessions.c
    asked = select(columns.owner, columns.stamp).where(
        columns.token == stamp_of(token), columns.ends > now()
    )
    with reading(database) as connection:
        row = connection.execute(asked).first()
    return Session(row.owner, row.stamp) if row else None


def end_session(database: Engine, token: str) -> None:
    """Forget a sign-in."""
    with writing(database) as connection:
        connection.execute(delete(sessions).where(sessions.c.token == stamp_of(token)))
