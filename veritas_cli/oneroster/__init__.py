"""Reader, checks and importer of OneRoster files in CSV, versions 1.1 and 1.2."""
