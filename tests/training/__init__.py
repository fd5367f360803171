"""Tests that fit models."""
