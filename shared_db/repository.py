"""What every part of a service's manager has: the database it works on."""

from shared_db.connection.database import Database


class Repository:
    """A part of a manager, for one noun. Each public method is one unit of work."""

    database: Database

    @property
    def use_fallback(self) -> bool:
        """Tell whether the in-memory store answers."""
        return self.database.use_fallback
