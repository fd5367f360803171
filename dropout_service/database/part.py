"""What every part of the manager has: the database it works on."""

from shared_db.database import Database


class Part:
    """A part of the manager, for one noun."""

    database: Database

    @property
    def use_fallback(self) -> bool:
        """Tell whether the in-memory store answers."""
        return self.database.use_fallback
