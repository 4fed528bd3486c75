# The executable and nothing else, on what it needs: glibc, certificates, and a user that isn't root.
#   docker build -t nimo-shake .
#   docker run --rm -v "$PWD:/work" -u "$(id -u)" nimo-shake -conf=nimo-shake.conf
# What it writes (report, spool, checkpoint, pid file) is in /work.

FROM --platform=$BUILDPLATFORM oven/bun:1.4.5 AS build
WORKDIR /nimo-shake
COPY package.json bun.lock ./
RUN bun install --frozen-lockfile --production --ignore-scripts
COPY . .
# Without .git these say what -version shows: git log -1 --abbrev=10 --format=%h, and --format=%ct
ARG SOURCE_COMMIT
ARG SOURCE_DATE_EPOCH
ARG TARGETARCH
RUN target="linux-${TARGETARCH:-$(bun -p process.arch)}" \
  && bun bin/release/compile.ts --target "$target" --outfile /made/nimo-shake \
  && mkdir /made/work

FROM gcr.io/distroless/base-nossl-debian12:nonroot
COPY --from=build /made/nimo-shake /usr/local/bin/nimo-shake
COPY --from=build --chown=65532:65532 /made/work /work
WORKDIR /work
# The status ports, where http.host = 0.0.0.0 opens them.
EXPOSE 9340 9341
ENTRYPOINT ["/usr/local/bin/nimo-shake"]
