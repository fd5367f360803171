"""Reader, checks and importer of OneRoster exports in CSV, versions 1.1 and 1.2."""
