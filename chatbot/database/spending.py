"""The tokens spent on models, by day of UTC; one account for all processes of a database."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Engine, case, select
from sqlalchemy.dialects import postgresql, sqlite

from chatbot.database.opening import now, reading, writing
from chatbot.database.tables import spending

_DAY = dt.timedelta(days=1)


def spent_today(database: Engine) -> tuple[dt.date, int]:
    """The day that is accounted now, and what was spent on it.

    Where the clock has gone back over midnight, the day after it goes on: what was spent stays
    spent. A day further ahead was a clock that was wrong, and counts for nothing.
    """
    today = now().date()
    latest = (
        select(spending.c.day, spending.c.tokens)
        .where(spending.c.day.between(today, today + _DAY))
        .order_by(spending.c.day.desc())
        .limit(1)
    )
    with reading(database) as connection:
        row = connection.execute(latest).first()
    return (row.day, row.tokens) if row else (today, 0)


def spend(database: Engine, day: dt.date, tokens: int) -> None:
    """Add to what was spent on a day; below zero gives back what was taken too much."""
    insert = postgresql.insert if database.dialect.name == "postgresql" else sqlite.insert
    added = insert(spending).values(day=day, tokens=max(0, tokens))
    total = case((spending.c.tokens + tokens > 0, spending.c.tokens + tokens), else_=0)
    with writing(database) as connection:
        connection.execute(
            added.on_conflict_do_update(index_elements=[spending.c.day], set_={"tokens": total})
        )


@dataclass(frozen=True, slots=True)
class TokenAccount:
    """The account of a database, as `chatbot.llm.budget` takes it."""

    database: Engine

    def today(self) -> tuple[dt.date, int]:
        """As `spent_today`."""
        return spent_today(self.database)

    def add(self, day: dt.date, tokens: int) -> None:
        """As `spend`."""
        spend(self.database, day, tokens)
