# syntax=docker/dockerfile:1
# Wheels are built where a compiler is, and installed where there is none.
FROM python:3.11-slim AS wheels
WORKDIR /wheels
COPY requirements.txt .
RUN pip wheel --no-cache-dir --require-hashes --wheel-dir . -r requirements.txt

FROM python:3.11-slim
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DATA_DIR=/data PORT=3000
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin patchmon \
    && install --directory --owner patchmon --group patchmon /app /data
WORKDIR /app
RUN --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index --find-links /wheels --require-hashes -r /wheels/requirements.txt
COPY --chown=patchmon manage.py pyproject.toml ./
COPY --chown=patchmon accounts accounts
COPY --chown=patchmon sso sso
COPY --chown=patchmon patchmon patchmon
COPY --chown=patchmon templates templates
# A key for this one command; the image holds none.
RUN SECRET_KEY=build-only-0000000000000000000000000000000000000000000000000000 DATA_DIR=/tmp/build \
    python manage.py collectstatic --noinput --verbosity 0 && rm -rf /tmp/build
USER patchmon
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/health/ready', timeout=4)"]
# Migrations are a command of their own (compose.yaml), never every worker's start.
CMD ["python", "-m", "patchmon"]
