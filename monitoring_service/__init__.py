"""Monitoring service: events of the systems, judged and stored; nothing about students."""
