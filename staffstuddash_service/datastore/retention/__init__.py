"""Retention of staffstuddash: rows deleted by age, leavers erased, and holds that prevent both."""
