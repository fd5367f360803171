"""Imports of tables of any size: by the command, and as jobs of the service."""
