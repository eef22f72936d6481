"""Runs the migrations on the connection that `engine.migrate` hands over."""

from alembic import context

from gaia_server.jobs.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
