# One image for every service: `docker run wicketgate portal-api`. Needs BuildKit, which keeps
# what cargo built between two builds; a changed line recompiles its crate and no dependency.
#
# Other base images, for instance from a mirror inside, by --build-arg. BASE_IMAGE needs the C
# library of BUILD_IMAGE or a newer one and certificates of authorities, nothing else; no shell.
ARG BUILD_IMAGE=docker.io/library/rust:1.95-slim-bookworm
ARG BASE_IMAGE=gcr.io/distroless/base-nossl-debian12

FROM ${BUILD_IMAGE} AS build
# The C compiler is in the image; libgit2's TLS library is built by make and perl.
RUN command -v make >/dev/null && command -v perl >/dev/null \
    || { apt-get update && apt-get install -y --no-install-recommends build-essential; }
WORKDIR /source
COPY . .
ARG GIT_COMMIT="" GIT_BRANCH="" BUILD_DATE=""
ENV WICKETGATE_GIT_COMMIT=${GIT_COMMIT} WICKETGATE_GIT_BRANCH=${GIT_BRANCH} WICKETGATE_BUILD_DATE=${BUILD_DATE}
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --release --locked --package wicketgate \
    && mkdir -p /image/usr/bin /image/usr/lib /image/data \
    && cp target/release/wicketgate /image/usr/bin/ \
    && cp "$(gcc -print-file-name=libgcc_s.so.1)" /image/usr/lib/

FROM ${BASE_IMAGE}
COPY --from=build --chown=65532:65532 /image/ /
# Without a name: Kubernetes can tell that it is not root.
USER 65532:65532
# The only folder that is written to; everything else may be read-only.
ENV WICKETGATE_DATA=/data
VOLUME /data
WORKDIR /data
EXPOSE 3000 3001 3002 3003 3004 3009 3010 8000 8001 8007
ENTRYPOINT ["/usr/bin/wicketgate"]
# Each service in docker-compose.yml asks for itself.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/usr/bin/wicketgate", "health"]
