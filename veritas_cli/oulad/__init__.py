"""Reader and importer of OULAD, the Open University Learning Analytics Dataset."""
