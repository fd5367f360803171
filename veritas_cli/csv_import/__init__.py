"""Import of one CSV file: read in bounded memory, stored as a whole or not at all."""
