"""Staff pages of Veritas: server-rendered, over the REST routes of the three services."""
