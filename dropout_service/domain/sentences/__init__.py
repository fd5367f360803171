"""Sentences that explain a prediction: a code with values, and the English text of each code."""
