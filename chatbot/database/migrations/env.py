"""How alembic runs the migrations: on the connection it is handed (`chatbot.database.opening`)."""

from alembic import context

from chatbot.database.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)


with context.begin_transaction():
    context.run_migrations()
