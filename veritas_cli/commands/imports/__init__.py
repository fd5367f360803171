"""`veritas import`: data of other systems and institutions, loaded into the database."""
