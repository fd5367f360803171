"""Predictions of one student or many, models, feedback and summaries."""
