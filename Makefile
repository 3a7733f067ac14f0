# Every task of the project, one line each: `make help` lists them, the longer ones live in scripts/.
# Refuses to build into another folder than target/, where cargo-leptos and the server look.

export PATH := $(CURDIR)/.tools/bin:$(PATH):$(HOME)/.cargo/bin
unexport CARGO_TARGET_DIR CARGO_BUILD_TARGET_DIR CARGO_BUILD_TARGET

BINARY  := target/release/sekisho
SOURCES := $(shell find Cargo.toml Cargo.lock build.rs rust-toolchain.toml .cargo crates src style public locales migrations \
	scripts/build scripts/precompress.mjs tools/package-lock.json 2>/dev/null)

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-6s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: build ## build if something changed, then serve on http://127.0.0.1:3000
	@$(BINARY) serve

test: ## everything CI runs: format, clippy, tests on SQLite and PostgreSQL, end to end
	@scripts/test

e2e: build leptos ## only the browser tests; Playwright's arguments in ARGS, as ARGS=devices
	@scripts/end-to-end $(ARGS)

watch: tools leptos ## a debug build that is rebuilt and reloaded at each change
	LEPTOS_SITE_ADDR=$${SEKISHO_LISTEN:-127.0.0.1:3000} cargo leptos watch

bench: build ## measure the release build and print one table
	cargo bench --no-default-features --features ssr --bench load

build: target/release/.built ## the release build: one binary, target/release/sekisho

# The stamp says: this binary holds these sources, WASM and assets. A binary or a target/site newer than the
# stamp comes from elsewhere (`cargo test`, `make watch`), perhaps with other assets, and is made again.
target/release/.built: $(SOURCES) $(BINARY) target/site
	@scripts/build
	@touch $@
$(BINARY) target/site: ;

tools: ## install what the build needs and the machine lacks: wasm-bindgen, wasm-opt, esbuild, lightningcss
	@scripts/tools

leptos: ## install cargo-leptos where it is missing: for test, e2e and watch
	@scripts/tools cargo-leptos

fmt: ## format the Rust code
	cargo fmt --all

.PHONY: help serve test e2e watch bench build tools leptos fmt
