#!/bin/sh
# Writes who may connect, from the secret, to memory, and becomes PgBouncer.
set -eu
umask 077
printf '"veritas" "%s"\n' "$(cat /run/secrets/postgres_password)" > /tmp/users.txt
exec pgbouncer /etc/pgbouncer/pgbouncer.ini
