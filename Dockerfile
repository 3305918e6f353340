# Cosession's image: the pages and the Python environment are made in one stage, and copied into another. It runs as a
# user of its own, and needs to write nothing but /data and /tmp.
FROM python:3.13-slim-trixie AS build
RUN apt-get update && apt-get install -y --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/cosession
COPY requirements-run.lock requirements.lock pyproject.toml Makefile README.md LICENSE ./
COPY scripts scripts
COPY web web
COPY api api
COPY bot bot
COPY core core
COPY cosession cosession
COPY integrations integrations
COPY jobs jobs
RUN sh scripts/setup.sh --run && rm -rf web/node_modules

FROM python:3.13-slim-trixie
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin cosession \
    && install -d -o cosession -g cosession -m 700 /data
COPY --from=build --chown=root:root /opt/cosession /opt/cosession
ENV PATH=/opt/cosession/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    COSESSION_DATA_DIR=/data HOST=0.0.0.0 PORT=8000
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import os,urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/healthz', timeout=2)"]
CMD ["cosession", "serve"]
