"""Weekly digests: their time, and the run that writes one for each member of staff."""
