# The two commands of the README are `make demo` and `make test`; each sets up what it needs.
.PHONY: demo test build setup dist format lint clean

demo: build
	@scripts/demo $(if $(DATA),"$(DATA)")

test: setup
	swift build --build-tests -c release
	swift test -c release --skip-build

build: setup
	swift build -c release

setup:
	@scripts/setup

dist: setup
	scripts/dist

format:
	swift format -i -r Package.swift Sources Tests Benchmarks

lint:
	swift format lint -r --strict Package.swift Sources Tests Benchmarks

clean:
	rm -rf .build .build-dist dist demo
