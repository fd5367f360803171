"""Demonstrations: data, sending and tables; the readers of OULAD are in `oulad`."""
