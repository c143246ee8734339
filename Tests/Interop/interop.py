#!/usr/bin/env python3
"""Runs Cohort and stock Flower together over TLS with registered keys, and compares every weight with the exact result.

Needs the release build of `fleet-peer` (`make interop` makes it), openssl and Python 3.10 or newer. flwr 1.41.0 is
installed into `.build/flower`, or taken from the virtual environment at FLWR_VENV. Telemetry and update checks are off.
"""
import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

FLOWER = "1.41.0"
HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
PEER = REPOSITORY / ".build/release/fleet-peer"
ROUNDS = 3
# Two participants: target and examples of each. The mean is 3.25, and every step is exact in float32.
TARGETS, EXAMPLES = (1, 4), (1, 3)
EXPECTED = 2.84375


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


class Bench:
    """A folder with an authority, keys and the processes that are running."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.environment = os.environ | {
            "FLWR_TELEMETRY_ENABLED": "0", "FLWR_DISABLE_UPDATE_CHECK": "1", "FLWR_HOME": str(folder / "flwr"),
            "PATH": f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}", "PYTHONUNBUFFERED": "1",
        }
        (folder / "flwr").mkdir()
        self.running: list[subprocess.Popen] = []
        self.openssl("req", "-x509", "-subj", "/CN=Interop root", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
                     "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        self.certificate("server", "serverAuth")

    def openssl(self, command: str, *arguments: str) -> None:
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp384r1", "-noenc"] if command == "req" else []
        subprocess.run(["openssl", command, *new_key, *arguments], cwd=self.folder, check=True, capture_output=True)

    def certificate(self, name: str, use: str) -> None:
        """NAME.pem and NAME.key, from the authority."""
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(
            "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
            f"extendedKeyUsage={use}\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n"
            "authorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n")
        self.openssl("req", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "1",
                     "-extfile", extensions.name, "-out", f"{name}.pem")

    def signing_key(self, name: str) -> None:
        """keys/NAME.key and keys/NAME.pub in PEM as Cohort reads them; ssh/NAME and ssh/NAME.pub as Flower does."""
        from cryptography.hazmat.primitives import serialization as form
        subprocess.run([PEER, "keys", "--folder", self.folder / "keys", name], check=True)
        key = form.load_pem_private_key((self.folder / f"keys/{name}.key").read_bytes(), None)
        (self.folder / "ssh").mkdir(exist_ok=True)
        (self.folder / "ssh" / name).write_bytes(
            key.private_bytes(form.Encoding.PEM, form.PrivateFormat.OpenSSH, form.NoEncryption()))
        (self.folder / "ssh" / f"{name}.pub").write_bytes(
            key.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH))

    def start(self, name: str, *command: object, **environment: str) -> subprocess.Popen:
        """A process whose lines go to logs/NAME."""
        (self.folder / "logs").mkdir(exist_ok=True)
        with open(self.folder / "logs" / name, "a") as log:
            process = subprocess.Popen(
                [str(word) for word in command], stdout=log, stderr=subprocess.STDOUT, cwd=self.folder,
                env=self.environment | environment)
        self.running.append(process)
        return process

    def run(self, *command: object, timeout: int = 300) -> str:
        result = subprocess.run(
            [str(word) for word in command], cwd=self.folder, env=self.environment, timeout=timeout,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if result.returncode:
            raise RuntimeError(f"{command[0]} ended with {result.returncode}:\n{result.stdout}")
        return result.stdout

    def log(self, name: str) -> str:
        return (self.folder / "logs" / name).read_text()

    # The participants.

    def site(self, name: str, port: int, target: float, examples: int, *identity: object) -> None:
        self.start(
            name, PEER, "site", "--name", name, "--server", f"https://127.0.0.1:{port}", "--folder", f"sites/{name}",
            "--target", target, "--examples", examples, "--roots", "ca.pem", *identity)

    def supernode(self, name: str, port: int, target: float, examples: int) -> subprocess.Popen:
        (self.folder / f"flwr-{name}").mkdir(exist_ok=True)
        return self.start(
            name, "flower-supernode", "--superlink", f"127.0.0.1:{port}", "--root-certificates", "ca.pem",
            "--auth-supernode-private-key", f"ssh/{name}", "--port", free_port(),
            "--node-config", f"target={float(target)} examples={examples}",
            FLWR_HOME=str(self.folder / f"flwr-{name}"))

    def server(self, port: int, *arguments: object) -> subprocess.Popen:
        process = self.start(
            "server", PEER, "server", "--folder", "server", "--port", port, "--rounds", ROUNDS, "--cert", "server.pem",
            "--key", "server.key", "--roots", "ca.pem", "--output", "final.safetensors", *arguments)
        wait_for_port(port)
        return process

    def superlink(self, port: int) -> None:
        self.start(
            "superlink", "flower-superlink", "--ssl-certfile", "server.pem", "--ssl-keyfile", "server.key",
            "--ssl-ca-certfile", "ca.pem", "--enable-supernode-auth", "--host", "127.0.0.1", "--port", port)
        (self.folder / "flwr/config.toml").write_text(
            '[superlink]\ndefault = "bench"\n\n[superlink.bench]\n'
            f'address = "127.0.0.1:{port}"\nroot-certificates = "{self.folder / "ca.pem"}"\n')
        wait_for_port(port)

    def register(self, name: str) -> None:
        """Makes a node's key and tells the SuperLink of it."""
        self.signing_key(name)
        self.run("flwr", "supernode", "register", f"ssh/{name}.pub", "bench")

    def run_app(self) -> str:
        """Stock FedAvg on the SuperLink, and its result compared."""
        import numpy
        output = self.folder / "final.npz"
        start = time.monotonic()
        log = self.run(
            "flwr", "run", HERE / "app", "bench", "--stream", "--run-config",
            f'output="{output}" num-server-rounds={ROUNDS}')
        seconds = time.monotonic() - start
        (self.folder / "logs/run").write_text(log)
        final = numpy.load(output)
        assert sorted(final) == ["matrix", "vector"] and final["matrix"].shape == (4, 3), dict(final)
        for name in final:
            assert final[name].dtype == numpy.float32 and (final[name] == EXPECTED).all(), (name, final[name])
        return f"{seconds:.1f} s for the whole run"

    def app(self) -> tuple[Path, Path]:
        """The app bundle, and the model to begin with: what the app's own server begins with."""
        self.run("flwr", "build", "--app", HERE / "app")
        initial = self.folder / "initial.safetensors"
        write_zeros(initial, {"matrix": [4, 3], "vector": [5]})
        return next(self.folder.glob("*.fab")), initial

    def finish(self, server: subprocess.Popen) -> str:
        if server.wait(timeout=300):
            raise RuntimeError("the server ended with an error")
        self.run(PEER, "expect", "--targets", ",".join(map(str, TARGETS)), "--examples", ",".join(map(str, EXAMPLES)),
                 "--rounds", ROUNDS, "--model", "final.safetensors")
        rounds = self.rounds()
        assert len(rounds) == ROUNDS, f"{len(rounds)} rounds"
        return "seconds per round: " + ", ".join(f"{line['seconds']:.1f}" for line in rounds)

    def rounds(self) -> list[dict]:
        """What the server has reported of each round."""
        return [json.loads(line) for line in self.log("server").splitlines() if line.startswith('{"bytes')]

    def end(self) -> None:
        for process in reversed(self.running):
            process.terminate()
        for process in reversed(self.running):
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for_port(port: int) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > end:
                raise RuntimeError(f"nobody listens on port {port}")
            time.sleep(0.2)


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 120
    while not is_so():
        if time.monotonic() > end:
            raise RuntimeError(f"waited in vain until {what}")
        time.sleep(0.1)


def write_zeros(path: Path, shapes: dict[str, list[int]]) -> None:
    """A safetensors file of float32 zeros."""
    header, end = {}, 0
    for name, shape in shapes.items():
        count = 4
        for length in shape:
            count *= length
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + count]}
        end += count
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(end))


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
    trials = [sites_on_a_superlink, one_of_each_on_a_superlink, supernodes_on_a_server, one_of_each_on_a_server]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("only", nargs="*", help=", ".join(trial.__name__ for trial in trials))
    parser.add_argument("--keep", action="store_true", help="leave the folders with logs where they are")
    options = parser.parse_args()
    if not PEER.exists():
        sys.exit("Build it first: swift build -c release --product fleet-peer")
    for trial in trials:
        if options.only and trial.__name__ not in options.only:
            continue
        with new_bench(options.keep) as bench:
            if options.keep:
                print(bench.folder)
            print(f"{trial.__doc__} {ROUNDS} rounds, every weight {EXPECTED}: ", end="", flush=True)
            print(trial(bench), flush=True)


if __name__ == "__main__":
    enter_environment()
    main()
