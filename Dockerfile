# Opsbell with everything it calls: the docker command with Compose and BuildKit's client (many a
# Dockerfile cannot be built without it), PostgreSQL's client programs, restic, git and ssh. Runs as
# any user; needs no file of its image to be writable but its home.
#   docker compose build           see docs/install.md
# BASE is Debian 13 or later: earlier releases do not package Compose v2.
ARG BASE=debian:trixie-slim

FROM ${BASE} AS python
# Authorities of this network, beside Debian's; see docker/certificates/README.md.
COPY docker/certificates/ /usr/local/share/ca-certificates/
# Nobody reads manuals in here, or in other languages.
RUN printf '%s\n' 'path-exclude /usr/share/doc/*' 'path-include /usr/share/doc/*/copyright' \
        'path-exclude /usr/share/locale/*' 'path-exclude /usr/share/man/*' \
        > /etc/dpkg/dpkg.cfg.d/small \
    && apt-get update -o APT::Update::Error-Mode=any \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        ca-certificates python3 \
    && update-ca-certificates \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*


# The libraries, from wheels whose hashes are known. What pip is told here, credentials of an index
# among it, stays in this stage and is in no layer of the image.
FROM python AS libraries
RUN apt-get update -o APT::Update::Error-Mode=any \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3-venv
ARG PIP_INDEX_URL=
ARG PIP_EXTRA_INDEX_URL=
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
COPY docker/build.lock docker/run.lock /build/
# pip itself stays behind: /opt/opsbell holds what runs. Opsbell lies in a place of its own beside
# it, so that a change to it is a small layer.
RUN python3 -m venv /opt/build \
    && /opt/build/bin/pip install --quiet --require-hashes -r /build/build.lock \
    && python3 -m venv --without-pip /opt/opsbell \
    && /opt/build/bin/pip --python /opt/opsbell/bin/python install --quiet \
        --only-binary :all: --require-hashes -r /build/run.lock \
    && echo /opt/app > "$(/opt/opsbell/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/app.pth"


FROM libraries AS app
COPY pyproject.toml README.md LICENSE /build/
COPY bot/ /build/bot/
COPY commands/ /build/commands/
COPY schedules/ /build/schedules/
RUN /opt/build/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /build/wheel /build \
    && /opt/build/bin/pip --python /opt/opsbell/bin/python install --quiet \
        --no-deps --no-index --target /opt/app /build/wheel/*.whl


FROM python
RUN apt-get update -o APT::Update::Error-Mode=any \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        docker-buildx docker-cli docker-compose git libnss-wrapper openssh-client postgresql-client restic zstd \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
    && useradd --uid 1000 --create-home --shell /usr/sbin/nologin opsbell \
    # Any other user that the container is started as lives here too.
    && chmod 1777 /home/opsbell
COPY docker/ssh docker/entrypoint /usr/local/bin/
COPY --from=libraries /opt/opsbell /opt/opsbell
COPY --from=app /opt/app /opt/app
ENV PATH=/opt/app/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/home/opsbell \
    LANG=C.UTF-8 \
    PYTHONUNBUFFERED=1 \
    # The system's authorities also for the libraries that bring a list of their own.
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt
LABEL org.opencontainers.image.title="Opsbell" \
      org.opencontainers.image.description="A Slack bot that runs the operations of a web application hosted with Docker Compose" \
      org.opencontainers.image.licenses="MIT"
USER opsbell
WORKDIR /home/opsbell
EXPOSE 8080
# Answers where opsbell.yaml says http: {listen: "0.0.0.0:8080"}, as `opsbell init` writes it here.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["/usr/bin/python3", "-I", "-S", "-c", "from http.client import HTTPConnection as C; c = C('127.0.0.1', 8080, timeout=4); c.request('GET', '/healthz'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["entrypoint"]
CMD ["run"]
