# One image for every service of docker-compose.yml; the service's command says what it does.
# Python 3.11 is the version that the tests run on.
FROM python:3.11-slim-bookworm AS build

# The site and CSV scoring need no more than the lock. `--build-arg EXTRAS=models` (or `train`)
# adds torch and its companions for workers that need them.
ARG EXTRAS=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH

# The lock first: this layer is kept until a version changes.
COPY requirements /build/requirements
RUN pip install --no-deps -r /build/requirements/site.txt
# The names of an extra come from pyproject.toml, not from an installation of the project: so a change
# of the code does not fetch torch again.
COPY pyproject.toml /build/
RUN if [ -n "$EXTRAS" ]; then \
      python -c "import tomllib; \
      project = tomllib.load(open('/build/pyproject.toml', 'rb'))['project']; \
      print(*project['optional-dependencies']['$EXTRAS'], sep='\n')" > /build/extras.txt \
      && pip install -r /build/extras.txt \
         -c /build/requirements/site.txt -c /build/requirements/train.txt; \
    fi


FROM python:3.11-slim-bookworm

# Fixed numbers, so that the owner of a volume stays the same from image to image.
RUN groupadd --gid 10001 holdout \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent holdout \
 && install -d -o holdout -g holdout -m 700 /var/lib/holdout
COPY --from=build /venv /venv
WORKDIR /app
ENV PATH=/venv/bin:$PATH \
    PYTHONPATH=/app:/app/platform \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOLDOUT_MODE=production \
    HOLDOUT_VAR=/var/lib/holdout \
    HOST=0.0.0.0 \
    PORT=8000
COPY manage.py LICENSE /app/
COPY platform /app/platform
COPY competitions /app/competitions
COPY scoring /app/scoring
COPY baselines /app/baselines
COPY templates /app/templates
COPY deploy/healthcheck.py /app/deploy/healthcheck.py

# Static files belong to the image. The settings ask for a secret and two addresses; this step
# uses none of them, and nothing of it stays.
RUN SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(48))')" \
    ALLOWED_HOSTS=localhost \
    DATABASE_URL=postgres://nobody@localhost/nothing \
    REDIS_URL=redis://localhost:6379/0 \
    HOLDOUT_VAR=/tmp/build \
    python manage.py collectstatic --no-input --verbosity 0 \
 && rm -rf /tmp/build

USER holdout
VOLUME /var/lib/holdout
EXPOSE 8000
STOPSIGNAL SIGTERM
# Of the web process; the workers of docker-compose.yml switch it off. /healthz asks the database,
# Valkey and the queue, and the workers are seen there.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "deploy/healthcheck.py"]
CMD ["python", "-m", "holdout.web"]
