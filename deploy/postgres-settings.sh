#!/bin/sh
# Writes PostgreSQL's settings for this machine, and the limits of its container, into .env, from
# which docker-compose.production.yml reads them; lines of an earlier run are replaced.
#
#     deploy/postgres-settings.sh [MEMORY_MB [CORES]]
#
# MEMORY_MB is the memory for PostgreSQL, by default half of the machine's; the services, their
# commands and the system use the rest. docs/operations.md has the formulas and their sources.
set -eu
cd "$(dirname "$0")/.."

memory=${1:-$(($(awk '/^MemTotal:/ { print $2 }' /proc/meminfo) / 2048))}
cores=${2:-$(nproc)}
for number in "$memory" "$cores"; do
    case $number in
        '' | 0* | *[!0-9]*) echo "$0: $number is not a whole number above 0" >&2; exit 2 ;;
    esac
done
if [ "$memory" -lt 512 ]; then
    echo "$0: PostgreSQL needs at least 512 MB, not $memory" >&2
    exit 2
fi

# between LOW VALUE HIGH
between() {
    if [ "$2" -lt "$1" ]; then echo "$1"; elif [ "$2" -gt "$3" ]; then echo "$3"; else echo "$2"; fi
}

connections=$(between 150 $((memory / 20)) 400)
workers=$(between 1 $((cores / 2)) 4)
buffers=$((memory / 4))
# Three sorts in each connection at once, in the memory beside the shared buffers; in kB.
work=$(between 1024 $(((memory - buffers) * 1024 / (3 * (connections + workers)))) 65536)

lines="POSTGRES_MEMORY=${memory}m
POSTGRES_CPUS=$cores
POSTGRES_PIDS=$((connections + 112))
POSTGRES_MAX_CONNECTIONS=$connections
POSTGRES_SHARED_BUFFERS=${buffers}MB
POSTGRES_EFFECTIVE_CACHE_SIZE=$((memory * 3 / 4))MB
POSTGRES_WORK_MEM=${work}kB
POSTGRES_MAINTENANCE_WORK_MEM=$(between 32 $((memory / 16)) 1024)MB
POSTGRES_MAX_WAL_SIZE=$(between 1024 "$memory" 4096)MB
POSTGRES_PARALLEL_WORKERS=$workers"

names=$(echo "$lines" | cut -d = -f 1 | paste -s -d '|' -)
# Everything or nothing, with the mode of the existing file.
[ ! -e .env ] || cp -p .env .env.new
kept=$(grep -vE "^($names)=" .env 2>/dev/null || true)
printf '%s\n' ${kept:+"$kept"} "$lines" > .env.new
mv .env.new .env
echo "$lines"
echo "In .env now. They hold after: docker compose -f docker-compose.production.yml up -d"
