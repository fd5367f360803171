"""Merge of two ids of one student."""
