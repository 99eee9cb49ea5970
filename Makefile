.DEFAULT_GOAL := help
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

TESTRUN := go run ./internal/testrun
N := 20
PLATFORMS := linux/amd64 linux/arm64 darwin/arm64 windows/amd64

.PHONY: help run test quick hunt build dist lint bench bench-100k move

help: ## list what make can do
	@grep -E '^[a-z0-9-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

run: ## serve the demo at http://localhost:8080
	go run .

test: ## run all tests; installs what they need, where it can
	e2e/setup
	$(TESTRUN) . bench e2e

quick: ## run the tests that need nothing installed, in seconds
	$(TESTRUN) -short . bench

hunt: ## run all tests N=20 times, shuffled, while every core is kept busy
	e2e/setup
	$(TESTRUN) -rounds $(N) -busy . bench e2e

build: ## build the binary, ./sse-server, which needs nothing but the kernel
	CGO_ENABLED=0 go build -trimpath -o sse-server .

dist: ## build archives with checksums and licences for PLATFORMS="linux/amd64 ...", in out/
	dist/archives $(PLATFORMS)

lint: ## gofmt, go vet, staticcheck, e2e/lint and go mod tidy, in every module
	@test -z "$$(gofmt -l .)" || { echo "gofmt would change:"; gofmt -l .; exit 1; }
	@checks=$$(mktemp) && trap 'rm -f $$checks' EXIT && (cd e2e && go build -o $$checks ./lint) && \
	for module in . e2e bench bench/rivals/centrifugo/server; do \
		(cd $$module && go vet ./... && go vet -vettool=$$checks ./... && \
			go run $(STATICCHECK) ./... && go mod tidy -diff) || exit 1; \
	done
	@for system in darwin windows; do GOOS=$$system GOARCH=amd64 go vet ./... || exit 1; done

bench: ## measure the server beside its rivals: bench/results.md
	e2e/install /usr/lib/nginx/modules/ngx_nchan_module.so libnginx-mod-nchan
	cd bench && go run .

bench-100k: ## measure 100,000 clients on several servers, one of which is killed: the table in docs/capacity.md
	cd bench && go run ./hundred

move: ## give the module another path, everywhere that it stands: MODULE=example.org/you/sse
	@case "$$MODULE" in *[!a-zA-Z0-9._~/-]* | "") echo "make move MODULE=example.org/you/sse" >&2; exit 2;; esac
	@old="$$(go list -m | sed 's/[.]/[.]/g')([^[:alnum:]_-]|$$)" && \
	for file in $$(grep -rlIE --exclude-dir=.git --exclude-dir=node_modules "$$old" .); do \
		sed -E "s#$$old#$$MODULE\1#g" "$$file" >"$$file.moved" && cat "$$file.moved" >"$$file" && rm "$$file.moved" || exit 1; \
	done
	@gofmt -w . && find . -name go.mod -not -path '*/node_modules/*' -execdir go mod edit -fmt \;
