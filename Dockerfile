# The pages and the ClickHouse engine come from npm, the binary from Go; the image holds the binary and the library.
FROM node:22-bookworm-slim AS node
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY static static
RUN node static/build.mjs

FROM golang:1.26-bookworm AS go
ARG VERSION=development
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=node /src/static/dist static/dist
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /longwave .

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
 && useradd --system --create-home --home-dir /var/lib/longwave longwave
COPY --from=go /longwave /usr/local/bin/longwave
COPY --from=node /src/node_modules/@chdb/ /tmp/chdb/
RUN mkdir -p /usr/local/lib && mv /tmp/chdb/*/libchdb.so /usr/local/lib/libchdb.so && rm -rf /tmp/chdb
USER longwave
VOLUME /var/lib/longwave
EXPOSE 8080
ENTRYPOINT ["longwave"]
CMD ["serve", "--listen", ":8080", "--data", "/var/lib/longwave"]
