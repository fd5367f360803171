"""Mails to staff: their texts and addresses."""
