# The relay: no database driver is in it. The context is made by `python -m deploy.images.context`.
ARG PYTHON_IMAGE=docker.io/library/python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS packages
WORKDIR /build
COPY wheels/ wheels/
COPY runtime.lock ./
RUN python3 -m venv /opt/ora \
 && /opt/ora/bin/pip install --no-cache-dir --no-index --find-links wheels --require-hashes --no-deps -r runtime.lock \
 && /opt/ora/bin/pip uninstall --yes --quiet pip setuptools

FROM ${PYTHON_IMAGE} AS relay
ENV PYTHONPATH=/opt/ora/src:/opt/ora/src/proto/python PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
COPY --from=packages /opt/ora /opt/ora
COPY proto /opt/ora/src/proto
COPY mesh /opt/ora/src/mesh
COPY relay /opt/ora/src/relay
WORKDIR /opt/ora/src
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["/opt/ora/bin/python", "-m", "mesh.vitals", "readyz"]
ENTRYPOINT ["/opt/ora/bin/python", "-m"]
CMD ["relay"]
