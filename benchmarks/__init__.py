"""Rates and times of the services, as ratios to a limit measured in the same run."""
