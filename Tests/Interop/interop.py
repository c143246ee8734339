#!/usr/bin/env python3
"""Runs Cohort and stock Flower together over TLS with registered keys, and compares every weight with the exact result.

Needs the release builds of `fleet-peer` and `cohort` (`make interop` makes them), openssl and Python 3.10 or newer. flwr 1.41.0 is
installed into `.build/flower`, or taken from the virtual environment at FLWR_VENV. Telemetry and update checks are off.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from bench import COHORT, EXAMPLES, EXPECTED, PEER, REPOSITORY, ROUNDS, TARGETS, Bench, free_port, wait_until
import hospitals

FLOWER = "1.41.0"


def enter_environment() -> None:
    """Goes on in the Python that has flwr."""
    folder = Path(os.environ.get("FLWR_VENV", REPOSITORY / ".build/flower"))
    python = folder / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    probe = "import importlib.metadata as m; print(m.version('flwr'))"
    found = subprocess.run([python, "-c", probe], capture_output=True, text=True).stdout.strip()
    if found != FLOWER:
        if "FLWR_VENV" in os.environ:
            sys.exit(f"{folder} has flwr {found or 'not at all'}; {FLOWER} is needed.")
        subprocess.run([python, "-m", "pip", "install", "--quiet", f"flwr=={FLOWER}"], check=True)
    if Path(sys.prefix).resolve() != folder.resolve():
        os.execv(python, [str(python), __file__, *sys.argv[1:]])


# What is tried.

def sites_on_a_superlink(bench: Bench) -> str:
    """Two Cohort sites on a stock SuperLink under stock FedAvg."""
    port = free_port()
    bench.superlink(port)
    for name, target, examples in zip("ab", TARGETS, EXAMPLES):
        bench.register(name)
        bench.site(name, port, target, examples, "--key-file", f"keys/{name}.key")
    return bench.run_app()


def one_of_each_on_a_superlink(bench: Bench) -> str:
    """A Cohort site and a stock SuperNode on a stock SuperLink under stock FedAvg."""
    port = free_port()
    bench.superlink(port)
    bench.register("a")
    bench.register("b")
    bench.site("a", port, TARGETS[0], EXAMPLES[0], "--key-file", "keys/a.key")
    bench.supernode("b", port, TARGETS[1], EXAMPLES[1])
    return bench.run_app()


def supernodes_on_a_server(bench: Bench) -> str:
    """Two stock SuperNodes with a Python app on a Cohort server."""
    fab, initial = bench.app()
    for name in "ab":
        bench.signing_key(name)
    port = free_port()
    server = bench.server(port, "--keys", "keys", "--flower-nodes", "a,b", "--fab", fab, "--initial", initial)
    for name, target, examples in zip("ab", TARGETS, EXAMPLES):
        bench.supernode(name, port, target, examples)
    return bench.finish(server)


def one_of_each_on_a_server(bench: Bench) -> str:
    """A Cohort site with a certificate and a stock SuperNode with a key on a Cohort server; server and node are killed."""
    fab, initial = bench.app()
    bench.certificate("a", "clientAuth")
    bench.signing_key("b")
    port = free_port()
    options = ("--sites", "a", "--keys", "keys", "--flower-nodes", "b", "--fab", fab, "--initial", initial)
    server = bench.server(port, *options)
    bench.site("a", port, TARGETS[0], EXAMPLES[0], "--cert", "a.pem", "--key", "a.key")
    node = bench.supernode("b", port, TARGETS[1], EXAMPLES[1])
    wait_until(lambda: len(bench.rounds()) > 0, "the first round has ended")
    time.sleep(2)
    server.kill()
    server.wait()
    server = bench.server(port, *options)
    wait_until(lambda: len(bench.rounds()) > 1, "the second round has ended")
    wait_until(lambda: bench.log("b").count("Received successfully") > 4, "the node has its third task")
    node.kill()
    node.wait()
    bench.supernode("b", port, TARGETS[1], EXAMPLES[1])
    return bench.finish(server)


@contextmanager
def new_bench(keep: bool):
    folder = Path(tempfile.mkdtemp(prefix="cohort-interop-"))
    bench = Bench(folder)
    try:
        yield bench
    except BaseException:
        for log in sorted((folder / "logs").glob("*")):
            print(f"--- {log.name}\n" + "\n".join(log.read_text().splitlines()[-40:]), file=sys.stderr)
        raise
    finally:
        bench.end()
        if not keep:
            shutil.rmtree(folder)


def main() -> None:
    trials = [
        sites_on_a_superlink, one_of_each_on_a_superlink, supernodes_on_a_server, one_of_each_on_a_server,
        hospitals.nnunets_on_a_superlink, hospitals.supernodes_in_a_run_of_cohorts,
        hospitals.a_supernode_beside_an_nnunet,
    ]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("only", nargs="*", help=", ".join(trial.__name__ for trial in trials))
    parser.add_argument("--keep", action="store_true", help="leave the folders with logs where they are")
    options = parser.parse_args()
    for program in (PEER, COHORT):
        if not program.exists():
            sys.exit(f"Build it first: swift build -c release --product {program.name}")
    for trial in trials:
        if options.only and trial.__name__ not in options.only:
            continue
        with new_bench(options.keep) as bench:
            if options.keep:
                print(bench.folder)
            print(f"{trial.__doc__} ", end="", flush=True)
            print(trial(bench), flush=True)


if __name__ == "__main__":
    enter_environment()
    main()
