#!/usr/bin/env python3
"""The server's half of a round, Cohort against Flower 1.41.0 and NVFlare 2.9.0, on one machine in one run.

    python3 -m venv .flpeers && .flpeers/bin/pip install flwr==1.41.0 nvflare==2.9.0 torch numpy ray psutil
    swift build -c release --product federation-benchmarks
    .flpeers/bin/python Benchmarks/federation.py [--out table.md]

Aggregation: 10 updates of 31 million float32 in memory, each program `--repeat` times in turn, `--runs` measurements each
time; the median of the medians counts. Torch's threads wait for each other in a loop and lose all where other work runs, so
NVFlare on torch is measured with several settings of them, and its fastest counts. Rounds: simulated sites whose training costs next to nothing, all of which train and
judge. Cohort writes its run to --folder; Flower keeps nothing. Memory of rounds is that of the whole process tree.
"""
import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from measured import figure, measured, processor

ROOT = Path(__file__).resolve().parent.parent
PEERS = str(ROOT / "Benchmarks/federation_peers.py")
AGGREGATION = {
    "mean": ["nvflare-torch", "nvflare-numpy", "flower-mean", "flower-records"],
    "median": ["flower-median"],
    "trimmed": ["flower-trimmed"],
    "krum": ["flower-krum"],
}
NAMES = {
    "nvflare-torch": "NVFlare, torch", "nvflare-numpy": "NVFlare, NumPy", "flower-mean": "Flower, `aggregate`",
    "flower-records": "Flower, `aggregate_arrayrecords`", "flower-median": "Flower", "flower-trimmed": "Flower",
    "flower-krum": "Flower",
}
TORCH = [{"OMP_NUM_THREADS": str(n), "OMP_WAIT_POLICY": wait} for n in (1, 2, 3, os.cpu_count())
         for wait in ("active", "passive")]
TITLES = {"mean": "mean (FedAvg)", "median": "coordinate median", "trimmed": "trimmed mean, 0.2", "krum": "Krum, 2 faulty"}


class Bench:
    def __init__(self, arguments):
        self.arguments = arguments
        self.folder = arguments.folder or tempfile.mkdtemp(prefix="cohort-rounds-")
        self.rows = []
        self.notes = []

    def cohort(self, *flags):
        m = measured([self.arguments.cohort, *map(str, flags), "--json"])
        return json.loads(m.output), m.peak

    def peer(self, *flags, environment={}):
        m = measured([sys.executable, PEERS, *map(str, flags)], {**os.environ, **environment})
        return json.loads(m.output.strip().splitlines()[-1]), m.peak

    def row(self, what, measure, whose, theirs, ours, unit, goal="", ratio=None):
        ratio = ratio or theirs / ours
        self.rows.append((what, measure, whose, f"{figure(theirs)} {unit}", f"{figure(ours)} {unit}", f"{figure(ratio, 2)}×", goal))
        print(" | ".join(self.rows[-1]), flush=True)

    def aggregation(self):
        runs = self.arguments.runs
        for command, peers in AGGREGATION.items():
            ours, theirs = [], {peer: [] for peer in peers}
            for _ in range(self.arguments.repeat):
                ours.append(self.cohort(command, "--runs", runs)[0])
                for peer in peers:
                    settings = TORCH if peer == "nvflare-torch" else [{}]
                    tries = [self.peer(peer, max(2, runs // 3), environment=e)[0] for e in settings]
                    best = min(range(len(tries)), key=lambda i: tries[i]["seconds"])
                    theirs[peer].append(tries[best])
                    if peer == "nvflare-torch":
                        self.notes.append(f"NVFlare on torch took {tries[best]['seconds']:.3g} s with {settings[best]}, "
                                          f"{max(t['seconds'] for t in tries):.3g} s with its slowest setting.")

            def middle(figures, name):
                return statistics.median(f[name] for f in figures)

            seconds, title = middle(ours, "seconds"), TITLES[command]
            if command == "mean":
                floor = middle(ours, "floor seconds")
                self.row(title, "time", "floor: reading the updates", floor, seconds, "s", "at least 0.67×")
            goals = {"mean": "at least 1×", "median": "at least 10×", "trimmed": "at least 10×", "krum": ""}
            for peer in peers:
                self.row(title, "time", NAMES[peer], middle(theirs[peer], "seconds"), seconds, "s", goals[command])
            memory = "peak MB beside the updates"
            our_memory = max(f[memory] for f in ours)
            model = ours[0]["model MB"]
            goal = f"at most {4 * model:.0f} MB" if command == "mean" else ""
            for peer in peers:
                self.row(title, "memory beside the updates", NAMES[peer], max(f[memory] for f in theirs[peer]),
                         our_memory, "MB", goal)
            if command == "mean":
                self.notes += [f"Times the floor, of each process's medians: "
                              + ", ".join(f"{f['times the floor']:.2f}" for f in ours) + ".",
                              f"Check of the ten updates before: {middle(ours, 'check seconds'):.3g} s. "
                              f"Fastest single mean: {min(f['fastest seconds'] for f in ours):.3g} s, "
                              f"fastest floor: {min(f['fastest floor seconds'] for f in ours):.3g} s."]

    def optimizers(self):
        figures = self.cohort("server-optimizers")[0]
        self.notes.append("One step of a server optimizer: "
                          + ", ".join(f"{name.split()[0]} {value:.3g} s" for name, value in figures.items()) + ".")

    def simulation(self):
        for sites, size, tensors, time_goal, memory_goal in (
            (1000, 40960, 10, "under 1 s", "under 200 MB"),
            (10, 120_000_000, 74, "under 2 s beside writing", "under 2 GB"),
        ):
            title = f"round, {sites} × {figure(size / 1e6, 2)} MB"
            ours, our_peak = self.cohort("round", "--sites", sites, "--bytes", size, "--tensors", tensors,
                                         "--folder", self.folder)
            try:
                theirs, their_peak = self.peer("flower-simulation", sites, size, 4)
            except SystemExit as error:
                self.notes.append(f"Flower's simulation of {title} could not be run: {str(error)[-300:]}")
                continue
            self.row(title, "time", "Flower's simulation", theirs["seconds"], ours["seconds"], "s",
                     time_goal if sites == 1000 else "")
            if sites == 10:
                self.row(title, "time beside writing one model", "Flower's simulation", theirs["seconds"],
                         ours["seconds beside writing"], "s", time_goal)
            self.row(title, "peak memory", "Flower's simulation", their_peak, our_peak, "MB", memory_goal)
            self.notes.append(f"{title}: " + ", ".join(
                f"{name.removesuffix(' seconds')} {ours[name]:.3g} s" for name in (
                    "training seconds", "aggregation seconds", "validation seconds", "saving seconds",
                    "writing one model seconds")) + ".")

    def table(self):
        lines = [f"{processor()}, {os.cpu_count()} cores, load {os.getloadavg()[1]:.1f}", "",
                 "| what | measure | beside | theirs | Cohort | ratio | goal |", "|---|---|---|---|---|---|---|"]
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        return "\n".join(lines + [""] + self.notes) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohort", default=str(ROOT / ".build/release/federation-benchmarks"))
    parser.add_argument("--folder", help="on the disk that runs are kept on (default: a new temporary one)")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--out", help="write the table here too")
    bench = Bench(parser.parse_args())
    bench.aggregation()
    bench.optimizers()
    bench.simulation()
    print("\n" + bench.table())
    if bench.arguments.out:
        Path(bench.arguments.out).write_text(bench.table())


if __name__ == "__main__":
    main()
