#!/bin/sh
# Writes who may connect, from the secrets, to memory, and becomes PgBouncer.
set -eu
umask 077
for service in monitoring staffstuddash dropout; do
    printf '"%s_login" "%s"\n' "$service" "$(cat "/run/secrets/${service}_password")"
done > /tmp/users.txt
exec pgbouncer /etc/pgbouncer/pgbouncer.ini
