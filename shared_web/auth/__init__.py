"""Authentication: API keys and their tables, scopes, limits per key; no resource of a service.

Exports nothing, so that the command line can import the migrations without the web framework.
"""
