"""Users in the database, for the pages of several machines."""

from dataclasses import dataclass

from sqlalchemy import Engine, delete, insert, select, update

from chatbot.config import Settings
from chatbot.storage.opening import reading, writing
from chatbot.storage.tables import users
from chatbot.users import UserFile, Users, checked_user, known_as, no_user


@dataclass(frozen=True, slots=True)
class UserTable:
    """The users of a database; a change holds at once for every process."""

    database: Engine

    def hash_of(self, name: str) -> str | None:
        """As `Users.hash_of`."""
        asked = select(users.c.password_hash).where(users.c.name == name)
        with reading(self.database) as connection:
            return connection.execute(asked).scalar()

    def names(self) -> tuple[str, ...]:
        """As `Users.names`."""
        with reading(self.database) as connection:
            return tuple(sorted(connection.execute(select(users.c.name)).scalars()))

    def add(self, name: str, password: str) -> bool:
        """As `Users.add`."""
        name, password_hash = checked_user(name, password)
        changed = update(users).where(users.c.name == name).values(password_hash=password_hash)
        with writing(self.database) as connection:
            new = not connection.execute(changed).rowcount
            if new:
                connection.execute(insert(users).values(name=name, password_hash=password_hash))
        return new

    def remove(self, name: str) -> None:
        """As `Users.remove`."""
        gone = delete(users).where(users.c.name == known_as(name))
        with writing(self.database) as connection:
            if not connection.execute(gone).rowcount:
                raise no_user(name)


def users_of(settings: Settings, database: Engine) -> Users | None:
    """Where the settings keep users: the server's database, or a file; None where nowhere."""
    if settings.database_url is not None:
        return UserTable(database)
    return UserFile(settings.auth) if settings.auth else None
