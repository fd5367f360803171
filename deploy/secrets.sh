#!/bin/sh
# Makes the secrets that docker-compose.yml hands to the containers; what is there stays as it is.
#
# The containers run as users of their own, and Compose binds the files as they are: so the files
# can be read by everyone, and the folder can be entered only by its owner (and by Docker).
set -eu
cd "$(dirname "$0")/.."

random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }

put() {
    if [ -e "secrets/$1" ]; then
        echo "secrets/$1 is there"
    else
        printf '%s\n' "$2" > "secrets/$1"
        chmod 444 "secrets/$1"
        echo "secrets/$1 made"
    fi
}

mkdir -p secrets
chmod 700 secrets
put key_pepper "$(random)"
# The owner of the tables: for `migrate` and the commands.
put postgres_password "$(random)"
put admin_url "postgresql://veritas:$(cat secrets/postgres_password)@postgres:5432/veritas"
# A login for each service, straight to PostgreSQL and through PgBouncer.
for service in monitoring staffstuddash dropout; do
    put "${service}_password" "$(random)"
    login="${service}_login:$(cat "secrets/${service}_password")"
    put "${service}_url_direct" "postgresql://$login@postgres:5432/veritas"
    put "${service}_url_pooled" "postgresql://$login@pgbouncer:6432/veritas"
done
