#!/bin/sh
# Creates the secrets that docker-compose.production.yml gives to the containers, and points
# `docker compose` to that file in .env. Existing secrets are kept.
#
# The containers run as their own users, and Compose mounts the files unchanged. So everyone may read
# the files, and only the owner (and Docker) may enter the folder.
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
# PostgreSQL's superuser: only for the container `owner`.
put postgres_password "$(random)"
put superuser_url "postgresql://veritas:$(cat secrets/postgres_password)@postgres:5432/veritas"
# The owner of the tables: for `migrate` and the commands. In old installations it was the superuser.
if grep -qs '^postgresql://veritas:[^@]*@postgres:5432/veritas$' secrets/admin_url; then
    rm -f secrets/admin_url
    echo "secrets/admin_url was the superuser's, which is secrets/superuser_url now"
fi
put owner_password "$(random)"
put admin_url "postgresql://veritas_owner:$(cat secrets/owner_password)@postgres:5432/veritas"
# Signs the sessions of the pages.
put web_secret "$(random)"
# A login for each service, directly to PostgreSQL and through PgBouncer.
for service in monitoring staffstuddash dropout; do
    put "${service}_password" "$(random)"
    login="${service}_login:$(cat "secrets/${service}_password")"
    put "${service}_url_direct" "postgresql://$login@postgres:5432/veritas"
    put "${service}_url_pooled" "postgresql://$login@pgbouncer:6432/veritas"
done

if ! grep -qs '^COMPOSE_FILE=' .env; then
    # A last line without a newline would be joined with ours.
    [ ! -s .env ] || [ -z "$(tail -c 1 .env)" ] || echo >> .env
    echo 'COMPOSE_FILE=docker-compose.production.yml' >> .env
    echo ".env says that docker compose means docker-compose.production.yml"
fi
