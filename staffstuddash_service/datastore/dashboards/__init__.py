"""Dashboards: read-only queries over several tables; queries of one table do not belong here."""
