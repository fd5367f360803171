"""Mails to members of staff: their texts, and the outbox in which they wait."""
