"""Bodies of requests and responses, one file for each noun; import them from that file."""
