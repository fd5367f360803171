"""Dropout service: learning events in, predictions of dropout with reasons out."""
