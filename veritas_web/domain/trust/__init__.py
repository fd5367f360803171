"""Grounds to trust a page: freshness of the data, and quality of the model."""
