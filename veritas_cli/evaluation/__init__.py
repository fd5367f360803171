"""Data and report of training and evaluation; the learning itself is in dropout_service."""
