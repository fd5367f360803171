"""Import jobs: received, taken one at a time, and their account."""
