"""A folder with an authority, keys and processes, and what is expected of them."""
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
PEER = REPOSITORY / ".build/release/fleet-peer"
COHORT = REPOSITORY / ".build/release/cohort"
ROUNDS = 3
# Two participants: target and examples of each. The mean is 3.25, and every step is exact in float32.
TARGETS, EXAMPLES = (1, 4), (1, 3)
EXPECTED = 2.84375


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
