"""The data mechanism that the three services share: engine, units of work, column types, paging."""
