"""Calls about the freshness of data and the quality of models."""
