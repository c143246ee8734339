# The two commands of the README are `make demo` and `make test`; each sets up what it needs.
.PHONY: demo test chaos interop build setup dist format lint clean

demo: build
	@scripts/demo $(if $(DATA),"$(DATA)")

# Tests of the network have callers that are too slow, and those of the commands start programs: each for itself, since
# trainings beside them would make everyone slow.
test: setup
	swift build --build-tests -c release
	swift test -c release --skip-build --skip CommandTests --skip FleetTests
	swift test -c release --skip-build --filter FleetTests
	swift test -c release --skip-build --filter CommandTests

# Federated runs under faults; SCHEDULES and SEED as in `make chaos SCHEDULES=20 SEED=7`.
chaos: setup
	swift build -c release --product fleet-peer
	swift build -c release --product fleet-chaos
	.build/release/fleet-chaos --schedules $(or $(SCHEDULES),200) --seed $(or $(SEED),1)

# With stock Flower, which it installs into .build/flower; with FLWR_VENV=FOLDER, from that virtual environment.
interop: setup
	swift build -c release --product fleet-peer
	swift build -c release --product cohort
	python3 Tests/Interop/interop.py

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
