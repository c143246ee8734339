#!/usr/bin/env python3
"""What privacy costs on real data: the Decathlon's hippocampus at four sites, trained five ways.

    python3 Benchmarks/privacy_hippocampus.py --data path/to/Task04_Hippocampus --work FOLDER [--seeds 1 2 3]

For every seed and setting one `cohort simulate` trains the federation by one plan and one number of rounds and steps, and scores
its model on the same cases, which no one trained on: without privacy; with DP-SGD on records at ε 8 and 3; with FLARE's legacy
SVT at the published BraTS setting; with updates that the server sees only the sum of. Prints a table of Dice, with the ε that each
site's ledger holds at the end, and what the run's report says of SVT. Means over cases, averaged over seeds, with the standard
deviation between seeds. What has scores already is not run again.

DP-SGD gets larger batches (--expected-batch), since its noise is divided by them, and a smaller learning rate, since with nnU-Net's
own (and momentum 0.99) the noise of the steps outgrows the weights.
"""
import argparse
import html
import json
import os
import re
import statistics
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def settings(a):
    """Name, parts of the run file, for each row."""
    equal = {"weights": "uniform"}

    def records(epsilon):
        return {"strategy": equal, "learning_rate": a.private_learning_rate, "privacy": {
            "differential_privacy": {
                "unit": "record", "epsilon": epsilon, "delta": a.delta, "clipping_norm": a.clipping_norm,
                "expected_batch": a.expected_batch, "releases": ["fingerprint", "metrics"]}}}

    # Fraction, epsilon, noise_var and gamma of the BraTS job up to FLARE 2.7; tau is the filter's own.
    svt = {"form": "legacy", "fraction": 0.9, "epsilon": 0.001, "noise_var": 1.0, "gamma": 0.0001}
    return {
        "no privacy": {"strategy": equal},
        "record-level DP, ε 8": records(8),
        "record-level DP, ε 3": records(3),
        "legacy SVT, BraTS setting": {"strategy": {**equal, "update": "difference", "filters": [{"svt": svt}]}},
        "secure aggregation (masks)": {
            "strategy": {**equal, "update": "difference", "minimum_sites": a.sites, "secure_aggregation": "masks"}},
    }


def run_file(a, name, seed, parts, output):
    """JSON, which is YAML."""
    training = {"rounds": a.rounds, "iterations_per_epoch": a.iterations, "validation_iterations_per_epoch": 3,
                "batch_size": a.batch_size, "seed": seed}
    if "learning_rate" in parts:
        training["initial_learning_rate"] = parts["learning_rate"]
    return json.dumps({
        "name": f"{name}, seed {seed}", "split": {"dataset": 4, "sites": a.sites, "test": a.test}, "training": training,
        "strategy": parts["strategy"], "validation": {"overlays": 0, "every": 5}, "output": str(output),
        **({"privacy": parts["privacy"]} if "privacy" in parts else {})}, ensure_ascii=False, indent=1)


def stated_of_svt(output):
    """The ε that FLARE's later accounting would book for the network as it is, from the run's report."""
    text = html.unescape((output / "report.html").read_text())
    found = re.search(r"gives no differential privacy.*?would book (ε = \S+ a round and \S+ in \d+ rounds)", text)
    return f"none holds; FLARE 2.8 would book {found.group(1)}" if found else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--cohort", default=str(ROOT / ".build/release/cohort"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--only", nargs="+", help="rows by a part of their names")
    parser.add_argument("--sites", type=int, default=4)
    parser.add_argument("--test", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--iterations", type=int, default=15)
    parser.add_argument("--batch-size", type=int, default=2)
    parser.add_argument("--expected-batch", type=float, default=4)
    parser.add_argument("--clipping-norm", type=float, default=1)
    parser.add_argument("--private-learning-rate", type=float, default=0.001)
    parser.add_argument("--delta", type=float, default=1e-3)
    a = parser.parse_args()
    a.work = a.work.resolve()
    a.work.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive",
                   **{f"nnUNet_{part}": str(a.work / part) for part in ("raw", "preprocessed", "results")}}
    if not (a.work / "raw/Dataset004_Hippocampus").exists():
        subprocess.run([a.cohort, "convert-msd-dataset", "-i", str(a.data)], env=environment, check=True)

    labels, rows = None, []
    for name, parts in settings(a).items():
        if a.only and not any(part in name for part in a.only):
            continue
        tables, spent, said = [], [], ""
        for seed in a.seeds:
            output = a.work / re.sub(r"\W+", "-", name) / f"seed-{seed}"
            output.mkdir(parents=True, exist_ok=True)
            log = output / "simulate.log"
            if not (output / "scores.json").exists():
                file = output.with_suffix(".yaml")
                file.write_text(run_file(a, name, seed, parts, output))
                print(f"{name}, seed {seed}: {log}", flush=True)
                with log.open("a") as lines:
                    subprocess.run([a.cohort, "simulate", str(file)], env=environment, check=True, stdout=lines,
                                   stderr=subprocess.STDOUT)
            tables.append(next(iter(json.loads((output / "scores.json").read_text()).values()))[0])
            lines = log.read_text().splitlines()
            spent += [float(found.group(1)) for line in lines if (found := re.search(r": ε ([\d.]+) is spent", line))]
            said = stated_of_svt(output) or said
        labels = labels or [key for key in tables[0]["dice"] if key != "overall"]
        cells = []
        for label in ["overall", *labels]:
            values = [table["dice"][label]["mean"] for table in tables]
            spread = f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else ""
            cells.append(f"{statistics.mean(values):.4f}{spread}")
        epsilon = f"{max(spent):.2f} (δ {a.delta:g})" if spent else said if "SVT" in name else "none promised"
        rows.append([name, *cells, epsilon])

    steps = a.rounds * a.iterations
    print(f"\n{a.sites} sites, {a.rounds} rounds of {a.iterations} steps ({steps} in all), seeds {a.seeds}\n")
    print("| | Dice | " + " | ".join(f"Dice {label}" for label in labels or []) + " | ε spent |")
    print("|---" * ((len(labels) if labels else 0) + 3) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
