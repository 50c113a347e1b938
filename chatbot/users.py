"""Who may sign in: a file of names and argon2 hashes of passwords, one ``NAME:HASH`` a line."""

import hashlib
import os
import re
import tempfile
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from threading import Lock

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from filelock import FileLock

from chatbot.errors import ChatbotError, ConfigurationError

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
    """The hash of each user's password, by name.

    Raises:
        ConfigurationError: the file cannot be read, or a line of it is not a user.
    """
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


def add_user(path: Path, name: str, password: str) -> bool:
    """Let someone sign in, or give them a new password, which signs them out everywhere.

    Returns:
        Whether the name is new.

    Raises:
        ChatbotError: the name or the password cannot be used, or the file cannot be.
    """
    name = known_as(name)
    if not _NAME.fullmatch(name) or name == NOBODY:
        raise ChatbotError(
            f"{name!r} cannot be a user's name; use 1 to {LONGEST_NAME} letters, digits and "
            f". _ @ + -, and not {NOBODY!r}"
        )
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise ChatbotError(
            f"the password has {len(password)} characters; use {SHORTEST_PASSWORD} to "
            f"{LONGEST_PASSWORD}"
        )
    password_hash = PasswordHasher().hash(password)
    with _locked(path):
        users = read_users(path) if path.exists() else {}
        _write(path, {**users, name: password_hash})
    return name not in users


def remove_user(path: Path, name: str) -> None:
    """Let someone sign in no more; who is signed in is signed out.

    Raises:
        ChatbotError: there is no such user, or the file cannot be used.
    """
    name = known_as(name)
    with _locked(path):
        users = read_users(path)
        if users.pop(name, None) is None:
            raise ChatbotError(f"no user {name!r}; 'chatbot user list' names them")
        _write(path, users)


def known_as(name: str) -> str:
    """A name in the one form it is kept and looked up in (Unicode's NFC)."""
    return unicodedata.normalize("NFC", name.strip())


def is_password(users: Mapping[str, str], name: str, password: str) -> bool:
    """Whether this is the user's password; for an unknown name it takes as long to say no."""
    kept = users.get(known_as(name))
    try:
        PasswordHasher().verify(kept or _NO_ONES, password[:LONGEST_PASSWORD])
    except (Argon2Error, InvalidHashError):
        return False
    return kept is not None and len(password) <= LONGEST_PASSWORD


def stamp_of(password_hash: str) -> str:
    """What a session is bound to: another password has another."""
    return hashlib.sha256(password_hash.encode()).hexdigest()


class UserFile:
    """The users of a file, read again when it has changed."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, Lock()
        self._read: tuple[tuple[int, ...], dict[str, str]] | None = None

    def current(self) -> Mapping[str, str]:
        """The users there are now.

        Raises:
            ConfigurationError: as for `read_users`.
        """
        with self._lock:
            version = self._version()
            if self._read is None or self._read[0] != version:
                self._read = version, read_users(self._path)
            return self._read[1]

    def _version(self) -> tuple[int, ...]:
        try:
            found = self._path.stat()
        except OSError:
            return ()
        return found.st_mtime_ns, found.st_size, found.st_ino


def _locked(path: Path) -> FileLock:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error
    return FileLock(path.with_name(f"{path.name}.lock"), mode=0o600)


def _write(path: Path, users: Mapping[str, str]) -> None:
    """Replace the file by one that its owner alone can read."""
    lines = "".join(f"{name}:{password_hash}\n" for name, password_hash in sorted(users.items()))
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> ChatbotError:
    return ChatbotError(
        f"{path} cannot be written ({error.strerror or error}); set CHATBOT_AUTH to a file in a "
        "folder that can be written"
    )
