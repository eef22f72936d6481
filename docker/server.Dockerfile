# The image of the server and the recorder. Build it from the root of the repository:
#   docker build --file docker/server.Dockerfile --tag gaia-server .

FROM python:3.12-slim-bookworm AS build

WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore

# The packages come first: this layer stays while only our own code changes. Each hash is verified, nothing is compiled.
COPY constraints.txt pyproject.toml docker/requirements.py ./
RUN python requirements.py build >build.txt \
    && python requirements.py server >server.txt \
    && python -m venv build \
    && pip --python build install --require-hashes --no-deps --only-binary :all: --requirement build.txt \
    && python -m venv --without-pip /opt/gaia \
    && pip --python /opt/gaia install --require-hashes --no-deps --only-binary :all: --requirement server.txt

COPY LICENSE README.md ./
COPY processes processes
COPY config config
COPY workers workers
COPY server server
RUN build/bin/python -m hatchling build --target wheel --directory dist \
    && pip --python /opt/gaia install --no-deps --no-index dist/*.whl \
    && /opt/gaia/bin/python -c "import gaia_server.app, gaia_server.jobs.service, gaia_workers.transport"


FROM python:3.12-slim-bookworm

ARG REVISION=unknown
LABEL org.opencontainers.image.title="gaia server" \
      org.opencontainers.image.description="OGC API - Processes in front of the centres: the web server and the recorder." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.vendor="The gaia developers"

# A volume that is mounted for the first time takes its owner from the folder in the image.
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /nonexistent gaia \
    && install --directory --owner gaia --group gaia /var/lib/gaia
COPY --from=build /opt/gaia /opt/gaia

ENV PATH=/opt/gaia/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    GAIA_HOME=/var/lib/gaia \
    GAIA_CENTRES=/etc/gaia/centres.yml \
    GAIA_HOST=0.0.0.0 \
    GAIA_PORT=5000

USER 10001:10001
WORKDIR /var/lib/gaia
EXPOSE 5000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["gaia", "probe", "server"]
ENTRYPOINT ["gaia"]
CMD ["server"]
