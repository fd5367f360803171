"""The HTTP mechanism that the three services share: app factory, keys, problems, bodies, logs."""
