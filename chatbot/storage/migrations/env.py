"""How alembic runs the migrations: on the connection it is handed (`chatbot.storage.migrating`)."""

from alembic import context

from chatbot.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
