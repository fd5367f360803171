"""Commands on learned models."""
