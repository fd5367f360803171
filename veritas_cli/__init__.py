"""The `veritas` command: what an operator runs by hand."""
