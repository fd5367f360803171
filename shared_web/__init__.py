"""HTTP mechanism of all services: app factory, keys, problems, bodies, logs; no resource of one."""
