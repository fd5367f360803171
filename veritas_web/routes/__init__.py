"""Pages, one file for each screen."""
