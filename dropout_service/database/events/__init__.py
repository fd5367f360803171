"""Learning events and the rollups that are stored with them; no features or predictions."""
