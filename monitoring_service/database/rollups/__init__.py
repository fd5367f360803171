"""Rollups of events by hour, six hours and day, from which long time series are answered."""
