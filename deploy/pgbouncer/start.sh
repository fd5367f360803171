#!/bin/sh
# Writes the permitted logins from the secrets into memory, and then runs PgBouncer.
set -eu
umask 077
for service in monitoring staffstuddash dropout; do
    printf '"%s_login" "%s"\n' "$service" "$(cat "/run/secrets/${service}_password")"
done > /tmp/users.txt
exec pgbouncer /etc/pgbouncer/pgbouncer.ini
