"""Command `veritas` for operators; routes and business rules belong in the services."""
