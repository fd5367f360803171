"""Authentication: API keys, scopes, limits per key, origins; the only tables of shared_web."""
