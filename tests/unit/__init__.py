"""Tests of single functions, without a database."""
