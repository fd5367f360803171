#!/bin/sh
# Makes the secrets that docker-compose.production.yml hands to the containers, and notes in .env
# that `docker compose` means that file here. What is there stays as it is.
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
# PostgreSQL's superuser: for the container `owner` alone.
put postgres_password "$(random)"
put superuser_url "postgresql://veritas:$(cat secrets/postgres_password)@postgres:5432/veritas"
# The owner of the tables: for `migrate` and the commands. It was the superuser in installations made
# before there was another one.
if grep -qs '^postgresql://veritas:[^@]*@postgres:5432/veritas$' secrets/admin_url; then
    rm -f secrets/admin_url
    echo "secrets/admin_url was the superuser's, which is secrets/superuser_url now"
fi
put owner_password "$(random)"
put admin_url "postgresql://veritas_owner:$(cat secrets/owner_password)@postgres:5432/veritas"
# A login for each service, straight to PostgreSQL and through PgBouncer.
for service in monitoring staffstuddash dropout; do
    put "${service}_password" "$(random)"
    login="${service}_login:$(cat "secrets/${service}_password")"
    put "${service}_url_direct" "postgresql://$login@postgres:5432/veritas"
    put "${service}_url_pooled" "postgresql://$login@pgbouncer:6432/veritas"
done

if ! grep -qs '^COMPOSE_FILE=' .env; then
    # A last line without an end would swallow ours.
    [ ! -s .env ] || [ -z "$(tail -c 1 .env)" ] || echo >> .env
    echo 'COMPOSE_FILE=docker-compose.production.yml' >> .env
    echo ".env says that docker compose means docker-compose.production.yml"
fi
