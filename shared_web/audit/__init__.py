"""Audit of requests that show data of students."""
