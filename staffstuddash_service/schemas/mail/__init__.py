"""Bodies of mails to staff."""
