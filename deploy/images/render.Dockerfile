# All services in one image, built from the repository itself where no context can be made before (Render).
ARG PYTHON_IMAGE=docker.io/library/python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS packages
WORKDIR /build
COPY requirements.lock ./
RUN python3 -m venv /opt/ora \
 && /opt/ora/bin/pip install --no-cache-dir --require-hashes --no-deps --only-binary :all: -r requirements.lock

FROM ${PYTHON_IMAGE} AS all
ENV PYTHONPATH=/opt/ora/src:/opt/ora/src/proto/python PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
COPY --from=packages /opt/ora /opt/ora
COPY proto/python /opt/ora/src/proto/python
COPY mesh /opt/ora/src/mesh
COPY portal_svc /opt/ora/src/portal_svc
COPY fleet_svc /opt/ora/src/fleet_svc
COPY ingest_svc /opt/ora/src/ingest_svc
COPY backup_svc /opt/ora/src/backup_svc
WORKDIR /opt/ora/src
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["/opt/ora/bin/python", "-m", "mesh.vitals", "readyz"]
ENTRYPOINT ["/opt/ora/bin/python", "-m"]
CMD ["fleet_svc"]
