"""The page of the systems as pure functions: words, days, incidents and times of routes."""
