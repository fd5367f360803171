"""Roster: classes, people and their relations; imported, replaced one by one, ended and read."""
