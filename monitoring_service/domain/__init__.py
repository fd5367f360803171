"""Rules for events and the health score as pure functions; no database, clock, HTTP, settings."""
