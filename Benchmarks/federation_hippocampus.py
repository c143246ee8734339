#!/usr/bin/env python3
"""Federated against centralised against alone on real data: the Decathlon's hippocampus split among four sites.

    python3 Benchmarks/federation_hippocampus.py --data path/to/Task04_Hippocampus --work FOLDER [--seeds 1 2 3]

For every seed one `cohort simulate` trains the federation, a centralised model and every site alone by one plan, with one
batch size and one number of steps, and scores all of them on the same cases, which no one trained on; a second centralised
model gets the steps of all sites together, since the federation sees that many patches. Prints the table of
docs/hippocampus.md: means over cases, averaged over seeds, with the standard deviation between seeds. A seed whose scores
are there already is not run again.
"""
import argparse
import json
import os
import statistics
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--cohort", default=str(ROOT / ".build/release/cohort"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--sites", type=int, default=4)
    parser.add_argument("--test", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--iterations", type=int, default=15)
    parser.add_argument("--batch-size", type=int, default=2)
    a = parser.parse_args()
    a.work.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive",
                   **{f"nnUNet_{part}": str(a.work / part) for part in ("raw", "preprocessed", "results")}}

    def cohort(*arguments):
        subprocess.run([a.cohort, *map(str, arguments)], env=environment, check=True)

    if not (a.work / "raw/Dataset004_Hippocampus").exists():
        cohort("convert-msd-dataset", "-i", a.data)
    tables = []
    for seed in a.seeds:
        output = a.work / f"seed-{seed}"
        if not (output / "scores.json").exists():
            cohort("simulate", "train", "4", "3d_fullres", "0", "--name", f"hippocampus, seed {seed}",
                   "--split", a.sites, "--test", a.test, "--rounds", a.rounds, "--iterations-per-epoch", a.iterations,
                   "--val-iterations-per-epoch", 3, "--batch-size", a.batch_size, "--seed", seed, "--cross-site",
                   "--baselines", "centralised", "centralised-all-steps", "alone", "--output", output)
        tables.append(next(iter(json.loads((output / "scores.json").read_text()).values())))

    names = [row["name"] for row in tables[0]]
    labels = [key for key in tables[0][0]["dice"] if key != "overall"]
    columns = [("dice", "overall"), *(("dice", label) for label in labels), ("hd95", "overall"), *(("hd95", label) for label in labels)]
    print("| | " + " | ".join(f"{'Dice' if metric == 'dice' else 'HD95 (mm)'}{'' if label == 'overall' else ' ' + label}" for metric, label in columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for index, name in enumerate(names):
        cells = []
        for metric, label in columns:
            values = [table[index][metric][label]["mean"] for table in tables if table[index][metric][label]]
            digits = 4 if metric == "dice" else 2
            spread = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
            cells.append(f"{statistics.mean(values):.{digits}f}{spread}" if values else "–")
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
