#!/usr/bin/env python3
"""What a round over the network costs at the server: Cohort against Flower 1.41.0 and NVFlare 2.9.0, and beside the floor.

    python3 -m venv .flpeers && .flpeers/bin/pip install flwr==1.41.0 nvflare==2.9.0 numpy psutil
    swift build -c release --product fleet-peer
    .flpeers/bin/python Benchmarks/fleet.py [--out table.md]

Everything runs on this machine over loopback; Cohort over mutual TLS. Sites train in milliseconds. The floor of a round is
what nobody who keeps what is acknowledged can go below: the models to the sites and the updates from them over TLS between
plain sockets, and then the updates and the new model written to the disk with one fsync each. It is measured before and
after each run of Cohort, since disk and cores are shared with whatever else the machine does.
"""
import argparse
import json
import os
import re
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parent))
from measured import figure, processor

ROOT = Path(__file__).resolve().parent.parent
LARGE, TENSORS = 31_000_000 * 4, 108
SMALL = 40_000
PIECE = 1 << 18


class Floor:
    """Times the same bytes over TLS and to the disk."""

    def __init__(self, folder, certificates):
        self.folder = Path(folder)
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.load_cert_chain(f"{certificates}/server.pem", f"{certificates}/server-key.pem")
        self.client = ssl.create_default_context(cafile=f"{certificates}/roots.pem")

    def seconds(self, sites, size):
        """Of the transfer, and of the disk."""
        return self.transfer(sites, size), self.disk(sites, size)

    def transfer(self, sites, size):
        """`size` bytes down to each of the sites at once, and up again, in as many processes as there are cores."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        # Else the last piece of a message waits for what the other end has to say.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        port, workers = listener.getsockname()[1], min(sites, 8)
        counts = [sites // workers + (i < sites % workers) for i in range(workers)]
        children = []
        for count in counts:
            child = os.fork()
            if child == 0:
                try:
                    self.visits(port, count, size)
                finally:
                    os._exit(0)
            children.append(child)
        # Each worker holds one connection, so that no handshake is in the time.
        connections = [self.server.wrap_socket(listener.accept()[0], server_side=True) for _ in counts]
        counts = [int.from_bytes(c.recv(1), "little") for c in connections]
        start = time.perf_counter()
        threads = [threading.Thread(target=self.serve, args=(c, n, size)) for c, n in zip(connections, counts)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        taken = time.perf_counter() - start
        for child in children:
            os.waitpid(child, 0)
        return taken

    def serve(self, connection, count, size):
        piece, buffer = os.urandom(PIECE), bytearray(PIECE)
        for _ in range(count):
            self.send(connection, piece, size)
            self.receive(connection, buffer, size)

    def visits(self, port, count, size):
        plain = socket.create_connection(("127.0.0.1", port))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.client.wrap_socket(plain, server_hostname="localhost") as c:
            piece, buffer = os.urandom(PIECE), bytearray(PIECE)
            c.sendall(bytes([count]))
            for _ in range(count):
                self.receive(c, buffer, size)
                self.send(c, piece, size)

    @staticmethod
    def send(connection, piece, size):
        while size:
            part = memoryview(piece)[:min(size, PIECE)]
            connection.sendall(part)
            size -= len(part)

    @staticmethod
    def receive(connection, buffer, size):
        while size:
            got = connection.recv_into(buffer, min(size, PIECE))
            if not got:
                raise SystemExit("the floor's connection ended early")
            size -= got

    def disk(self, sites, size):
        piece = os.urandom(PIECE)
        start = time.perf_counter()
        for index in range(sites + 1):
            with open(self.folder / "floor", "wb", buffering=0) as file:
                left = size
                while left:
                    left -= file.write(memoryview(piece)[:min(left, PIECE)])
                os.fsync(file.fileno())
        taken = time.perf_counter() - start
        (self.folder / "floor").unlink()
        return taken


class Peak:
    """The most resident memory of processes that match, sampled, in MB."""

    def __init__(self, find):
        self.find, self.value, self.stopped = find, 0, threading.Event()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()

    def watch(self):
        while not self.stopped.wait(0.05):
            total = 0
            for process in self.find():
                try:
                    total += process.memory_info().rss
                except psutil.Error:
                    pass
            self.value = max(self.value, total / 1e6)

    def stop(self):
        self.stopped.set()
        self.thread.join()
        return self.value


class Bench:
    def __init__(self, arguments):
        self.arguments = arguments
        self.folder = Path(arguments.folder or tempfile.mkdtemp(prefix="cohort-fleet-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.certificates = self.folder / "certificates"
        names = ["a", "b"] + [f"s-{i}" for i in range(1, 101)]
        subprocess.run([arguments.peer, "certificates", "--folder", self.certificates, *names], check=True)
        self.floor = Floor(self.folder, self.certificates)
        self.rows, self.notes = [], []

    def cohort(self, sites, size, tensors, rounds, *flags):
        """One run; the seconds of its rounds without the first, which pays for new connections."""
        run = self.folder / "run"
        own = Path(self.arguments.sites_folder) / "cohort-sites" if self.arguments.sites_folder else run
        shutil.rmtree(run, ignore_errors=True)
        run.mkdir()
        # Two sites are two processes; many are one.
        names = ["a", "b"] if sites == 2 else [f"s-{i}" for i in range(1, sites + 1)]
        c = self.certificates
        log = open(run / "server.log", "w+")
        server = subprocess.Popen(
            [self.arguments.peer, "server", "--folder", run / "server", "--port", "0", "--sites", ",".join(names),
             "--rounds", str(rounds), "--cert", c / "server.pem", "--key", c / "server-key.pem", "--roots",
             c / "roots.pem", "--output", run / "final.safetensors", *flags], stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            port = self.port(run / "server.log", server)
            common = ["--server", f"https://127.0.0.1:{port}", "--varied", "--examples", "1", "--bytes", str(size),
                      "--tensors", str(tensors), "--certificates", str(c)]
            kinds = [["--name", n, "--folder", str(own / n), "--target", str(i)] for i, n in enumerate(names)]
            if sites != 2:
                kinds = [["--name", "s", "--count", str(sites), "--folder", str(own / "s"), "--target", "1"]]
            others = [subprocess.Popen([self.arguments.peer, "site", *k, *common], stderr=subprocess.DEVNULL) for k in kinds]
            lines = [json.loads(line) for line in server.stdout]
            _, status, usage = os.wait4(server.pid, 0)
            server.returncode = os.waitstatus_to_exitcode(status)
            if server.returncode != 0:
                raise SystemExit((run / "server.log").read_text()[-2000:])
        finally:
            server.kill()
            for process in others:
                process.kill()
                process.wait()
            log.close()
        for folder in {run, own}:
            shutil.rmtree(folder, ignore_errors=True)
        seconds = [l["seconds"] for l in lines if "round" in l]
        phases = [l["phases"] for l in lines if "round" in l][1:]
        return {"seconds": statistics.median(seconds[1:]), "all": seconds, "peak": lines[-1]["peakMegabytes"],
                "cpu": (usage.ru_utime + usage.ru_stime) / rounds,
                "phases": {k: statistics.median(p[k] for p in phases) for k in phases[0]}}

    @staticmethod
    def port(log, server):
        while server.poll() is None:
            found = re.search(r"listening on port (\d+)", log.read_text())
            if found:
                return int(found.group(1))
            time.sleep(0.02)
        raise SystemExit("the server did not begin:\n" + log.read_text())

    def beside_floor(self, sites, size, tensors, rounds, title, time_goal, memory_goal):
        floors = [self.floor.seconds(sites, size)]
        runs = []
        for _ in range(self.arguments.repeat):
            runs.append(self.cohort(sites, size, tensors, rounds, "--validation-interval", "0"))
            floors.append(self.floor.seconds(sites, size))
            print(title, {k: round(v, 3) for k, v in runs[-1]["phases"].items()},
                  [round(s, 2) for s in runs[-1]["all"]], f"floors (TLS, disk) {[tuple(round(s, 2) for s in f) for f in floors[-2:]]}", f"CPU {runs[-1]['cpu']:.2f}", flush=True)
        seconds = statistics.median(r["seconds"] for r in runs)
        floor = statistics.median(map(sum, floors))
        self.row(title, "seconds a round", "the floor", floor, seconds, "s", time_goal)
        self.row(title, "the server's peak memory", "", None, max(r["peak"] for r in runs), "MB", memory_goal)
        self.notes.append(f"{title}: rounds took {min(min(r['all'][1:]) for r in runs):.3g} to "
                          f"{max(max(r['all'][1:]) for r in runs):.3g} s, the floor {min(map(sum, floors)):.3g} to "
                          f"{max(map(sum, floors)):.3g} s, of which TLS {statistics.median(f[0] for f in floors):.3g} s and the "
                          f"disk {statistics.median(f[1] for f in floors):.3g} s (medians). The server took "
                          f"{statistics.median(r['cpu'] for r in runs):.2g} s of a core's time in a round.")
        return seconds

    def superlink(self, sites, size, tensors, rounds):
        """The same round of a stock SuperLink, in memory and without TLS, with Cohort's sites and stock FedAvg."""
        run = self.folder / "superlink"
        shutil.rmtree(run, ignore_errors=True)
        (run / "flwr").mkdir(parents=True)
        (run / "keys").mkdir()
        environment = os.environ | {
            "FLWR_TELEMETRY_ENABLED": "0", "FLWR_DISABLE_UPDATE_CHECK": "1", "FLWR_HOME": str(run / "flwr"),
            "PATH": f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}"}
        port = free_port()
        (run / "flwr/config.toml").write_text(
            f'[superlink]\ndefault = "bench"\n\n[superlink.bench]\naddress = "127.0.0.1:{port}"\ninsecure = true\n')
        log = open(run / "log", "w+")
        link = subprocess.Popen(["flower-superlink", "--insecure", "--host", "127.0.0.1", "--port", str(port)], cwd=run,
                                env=environment, stdout=log, stderr=subprocess.STDOUT)
        others = []
        try:
            wait_for(port, link)
            tree = psutil.Process(link.pid)
            peak = Peak(lambda: [tree, *tree.children(recursive=True)])
            others.append(subprocess.Popen(
                [self.arguments.peer, "site", "--name", "s", "--count", str(sites), "--folder", run / "s", "--server",
                 f"http://127.0.0.1:{port}", "--target", "1", "--examples", "1", "--bytes", str(size), "--tensors",
                 str(tensors), "--key-file", run / "keys"], stderr=log))
            subprocess.run(
                ["flwr", "run", ROOT / "Benchmarks/fleet_app", "bench", "--stream", "--run-config",
                 f'output="{run / "seconds"}" num-server-rounds={rounds} nodes={sites} bytes={size} tensors={tensors}'],
                cwd=run, env=environment, stdout=log, stderr=subprocess.STDOUT, check=True, timeout=600)
            seconds = json.loads((run / "seconds").read_text())
            memory = peak.stop()
        except Exception as error:
            self.notes.append(f"The SuperLink with {sites} × {size} bytes in {tensors} tensors could not be run: {error}")
            print((run / "log").read_text()[-3000:], flush=True)
            return None
        finally:
            for process in [*others, link]:
                process.kill()
                process.wait()
        shutil.rmtree(run)
        return {"seconds": statistics.median(seconds[1:] or seconds), "all": seconds, "peak": memory}

    def beside_superlink(self, title, ours, sites, size, tensors, rounds, goal):
        theirs = self.superlink(sites, size, tensors, rounds)
        if theirs:
            self.row(title, "seconds a round", f"SuperLink, {tensors} arrays", theirs["seconds"], ours, "s", goal)
            self.notes.append(f"{title}: the SuperLink's rounds with {tensors} arrays took "
                              + ", ".join(f"{s:.3g}" for s in theirs["all"])
                              + f" s, the peak memory of it and the processes that it starts was {theirs['peak']:.0f} MB.")

    def beside_nvflare(self, title, ours, size, rounds):
        folder = self.folder / "nvflare"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        done = subprocess.run([sys.executable, ROOT / "Benchmarks/fleet_nvflare.py", folder, str(size), str(rounds)],
                              cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        shutil.rmtree(folder, ignore_errors=True)
        if done.returncode:
            self.notes.append(f"NVFlare could not be run: {done.stdout[-300:]}")
            return
        theirs = json.loads(done.stdout.strip().splitlines()[-1])
        seconds = statistics.median(theirs["all"])
        self.row(title, "seconds a round", "NVFlare, POC, 1 array", seconds, ours, "s", "at most 0.33×")
        self.notes.append(f"{title}: NVFlare's rounds took " + ", ".join(f"{s:.3g}" for s in theirs["all"])
                          + f" s, the peak memory of its server's processes was {theirs['peak']:.0f} MB.")

    def row(self, what, measure, whose, theirs, ours, unit, goal=""):
        self.rows.append((what, measure, whose, "" if theirs is None else f"{figure(theirs)} {unit}", f"{figure(ours)} {unit}",
                          "" if theirs is None else f"{figure(ours / theirs, 2)}×", goal))
        print(" | ".join(self.rows[-1]), flush=True)

    def table(self):
        lines = [f"{processor()}, {os.cpu_count()} cores, load {os.getloadavg()[1]:.1f}", "",
                 "| what | measure | beside | theirs | Cohort | Cohort / theirs | goal |", "|---|---|---|---|---|---|---|"]
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        return "\n".join(lines + [""] + self.notes) + "\n"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process):
    for _ in range(600):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.1)
    raise SystemExit(f"nothing listens on port {port}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", default=str(ROOT / ".build/release/fleet-peer"))
    parser.add_argument("--folder", help="on the disk that everything is kept on (default: a new temporary one)")
    parser.add_argument("--sites-folder", help="on a disk of the sites' own, such as /dev/shm (default: on the server's)")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", help="large, small or many, with commas between", default="large,small,many")
    parser.add_argument("--alone", action="store_true", help="without Flower and NVFlare")
    parser.add_argument("--out", help="write the table here too")
    # Ended from outside it ends its programs too, which would go on filling the disk.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    bench = Bench(parser.parse_args())
    try:
        measure(bench)
    finally:
        if not bench.arguments.folder:
            shutil.rmtree(bench.folder, ignore_errors=True)


def measure(bench):
    only = bench.arguments.only.split(",")
    if "large" in only:
        ours = bench.beside_floor(2, LARGE, TENSORS, 10, "2 sites × 124 MB", "at most 1.5×", "under 300 MB")
        for tensors in () if bench.arguments.alone else (TENSORS, 1):
            bench.beside_superlink("2 sites × 124 MB", ours, 2, LARGE, tensors, 3, "at most 0.125×")
        if not bench.arguments.alone:
            bench.beside_nvflare("2 sites × 124 MB", ours, LARGE, 4)
    if "small" in only:
        ours = bench.beside_floor(100, SMALL, 10, 4, "100 sites × 40 KB", "under 1.5 s", "under 300 MB")
        if not bench.arguments.alone:
            bench.beside_superlink("100 sites × 40 KB", ours, 100, SMALL, 10, 2, "")
    if "many" in only:
        bench.arguments.repeat = 1
        bench.beside_floor(50, LARGE, TENSORS, 2, "50 sites × 124 MB", "", "as with 2")
    print("\n" + bench.table())
    if bench.arguments.out:
        Path(bench.arguments.out).write_text(bench.table())


if __name__ == "__main__":
    main()
