"""Audit of reads of students' data: chained rows, the file in which they wait, and their check."""
