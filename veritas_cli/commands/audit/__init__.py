"""`veritas audit`: the record of reads of students' data."""
