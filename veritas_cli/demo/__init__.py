"""Demonstration data, how they are sent, and the tables shown in the end."""
