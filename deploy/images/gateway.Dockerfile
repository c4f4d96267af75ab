# Envoy, and what makes its configuration from the contracts. The context is made by `python -m deploy.images.context`.
#   python -m gateway.render --values /etc/ora/gateway.json --out /run/ora/envoy.yaml      once, before
#   envoy -c /run/ora/envoy.yaml                                                           what serves
ARG PYTHON_IMAGE=docker.io/library/python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS packages
WORKDIR /build
COPY wheels/ wheels/
COPY runtime.lock ./
RUN python3 -m venv /opt/ora \
 && /opt/ora/bin/pip install --no-cache-dir --no-index --find-links wheels --require-hashes --no-deps -r runtime.lock \
 && /opt/ora/bin/pip uninstall --yes --quiet pip setuptools

FROM ${PYTHON_IMAGE} AS gateway
ENV PYTHONPATH=/opt/ora/src:/opt/ora/src/proto/python PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    PATH=/opt/ora/bin:/usr/local/bin:/usr/bin:/bin
COPY --from=packages /opt/ora /opt/ora
COPY proto/python /opt/ora/src/proto/python
COPY gateway /opt/ora/src/gateway
WORKDIR /opt/ora/src
USER 10001:10001
# The admin listener is on loopback, where the check runs.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["/opt/ora/bin/python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:9901/ready', timeout=4)"]
CMD ["envoy", "-c", "/run/ora/envoy.yaml", "--drain-time-s", "30", "--disable-hot-restart"]
