# One image: the three services, the migrations and the `veritas` command.

FROM python:3.12-slim-trixie AS build
WORKDIR /build
RUN python -m venv /opt/veritas
ENV PATH=/opt/veritas/bin:$PATH
# The libraries first: they change less often than our code, so this layer stays cached.
COPY requirements.lock .
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md ./
COPY shared_db shared_db
COPY shared_web shared_web
COPY monitoring_service monitoring_service
COPY staffstuddash_service staffstuddash_service
COPY dropout_service dropout_service
COPY veritas_cli veritas_cli
COPY veritas_web veritas_web
# The build backend is one of the locked libraries.
RUN pip install --no-cache-dir --no-deps --no-build-isolation . \
    && python -m compileall -q /opt/veritas/lib

# For `veritas backup` and `restore`, which need programs at least as new as the server. Only these
# two are copied, because the package depends on Perl.
FROM python:3.12-slim-trixie AS programs
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends postgresql-client-17

FROM python:3.12-slim-trixie
# The programs need libpq5.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libpq5 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /usr/lib/postgresql/17/bin
COPY --from=programs /usr/lib/postgresql/17/bin/pg_dump /usr/lib/postgresql/17/bin/pg_restore ./
RUN ./pg_dump --version && ./pg_restore --version
RUN groupadd --gid 10001 veritas \
    && useradd --uid 10001 --gid veritas --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin veritas
# The volume of the spool inherits this owner.
RUN install -d -m 700 -o veritas -g veritas /var/lib/veritas
COPY --from=build /opt/veritas /opt/veritas
ENV PATH=/opt/veritas/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ENVIRONMENT=production \
    HOST=0.0.0.0
# A number, so that an orchestrator can verify that it is not root.
USER 10001:10001
WORKDIR /srv
EXPOSE 8001 8002 8003
# On SIGTERM a service finishes its requests before it exits.
STOPSIGNAL SIGTERM
CMD ["veritas", "--help"]
