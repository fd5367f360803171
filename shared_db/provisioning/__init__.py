"""Provisioning of a database: migrations, roles, logins, ownership; nothing for requests."""
