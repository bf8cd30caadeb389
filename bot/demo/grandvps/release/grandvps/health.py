"""What has to work before visitors may come."""

from psycopg import Connection

QUERY = "SELECT id, email, is_active FROM users ORDER BY id LIMIT 1"


def examine(connection: Connection[tuple[object, ...]]) -> None:
    """Asks the database what every page asks it. Raises psycopg.Error."""
    connection.execute(QUERY)
