"""The tests of Veritas."""
