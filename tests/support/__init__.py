"""Helpers of the tests: servers, databases, factories and services under test."""
