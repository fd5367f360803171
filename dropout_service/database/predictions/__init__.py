"""Predictions of dropout with feedback, summaries and models; their features are in `features`."""
