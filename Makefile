.DEFAULT_GOAL := help
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: help run test build lint bench

help: ## list what make can do
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 8

run: ## serve the demo at http://localhost:8080
	go run .

test: ## run all tests; installs what they need, where it can
	go test -race -timeout 2m ./...
	cd bench && go test -race -timeout 2m ./...
	cd e2e && ./setup && go test -race -timeout 14m

build: ## build the binary, ./sse-server
	go build -o sse-server .

lint: ## gofmt, go vet, staticcheck and go mod tidy, in every module
	@test -z "$$(gofmt -l .)" || { echo "gofmt would change:"; gofmt -l .; exit 1; }
	@for module in . e2e bench; do \
		(cd $$module && go vet ./... && go run $(STATICCHECK) ./... && go mod tidy -diff) || exit 1; \
	done

bench: ## measure the server beside its rivals: bench/results.md
	e2e/install /usr/lib/nginx/modules/ngx_nchan_module.so libnginx-mod-nchan
	cd bench && go run .
