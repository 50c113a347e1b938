"""How alembic runs the migrations: on the connection it is handed (`chatbot.storage.migrating`).

For `alembic revision` and the like: ``alembic -c chatbot/storage/migrations/alembic.ini …``.
"""

from alembic import context

from chatbot.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
