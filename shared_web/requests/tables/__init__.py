"""Tables as bodies: columns found by a map, cells by the types of their fields, parameters."""
