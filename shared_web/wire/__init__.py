"""HTTP on the wire: parser, connections and pace of a server; nothing that knows a route."""
