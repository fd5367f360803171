#!/bin/sh
# Backs up the database of docker-compose.production.yml into backups/, as a file of the calling user;
# suitable for cron. KEEP_DAYS=30 also deletes backups older than 30 days. BACKUP_RECIPIENTS in .env
# encrypts them.
set -eu
cd "$(dirname "$0")/.."
umask 077
mkdir -p backups
docker compose -f docker-compose.production.yml run --rm --no-TTY --user "$(id -u):$(id -g)" \
    --volume "$PWD/backups:/backups" \
    migrate veritas backup "/backups/veritas-$(date +%Y-%m-%dT%H%M%S).veritas"
# Only after a successful backup; also deletes the parts of killed backups.
if [ -n "${KEEP_DAYS:-}" ]; then
    find backups -name 'veritas-*.veritas*' -mtime "+$KEEP_DAYS" -delete
fi
