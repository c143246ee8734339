#!/usr/bin/env python3
"""Two MR and two CT sites in one federation with a shared backbone, beside each site alone, on real data.

    python3 Benchmarks/federation_mr_ct.py --mr path/to/Task04_Hippocampus --ct path/to/Dataset101_HeadNeckCT --work FOLDER

The hippocampus (MR) and the head-and-neck CTs are each split between two sites, with cases kept apart for testing. The CT sites
resample to a coarse spacing, so that a CPU can carry them; one network is planned for all. Input convolution and heads are
averaged within a modality, the backbone over all, both modalities weighing alike. Prints a table for each modality.
"""
import argparse
import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUN = """
name: MR and CT
sites:
  - {{name: mr_a, dataset: 301}}
  - {{name: mr_b, dataset: 302}}
  - {{name: ct_a, dataset: 311, target_spacing: [6, 6, 6]}}
  - {{name: ct_b, dataset: 312, target_spacing: [6, 6, 6]}}
training:
  rounds: {rounds}
  iterations_per_epoch: {iterations}
  validation_iterations_per_epoch: 4
  warm_up_rounds: 1
  batch_size: 2
  seed: {seed}
strategy:
  modality_weights: {{MR: 0.5, CT: 0.5}}
  model_of_each_modality: true
sharing: {{mode: backbone}}
validation: {{cross_site: true}}
baselines: [alone]
output: {output}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mr", type=Path, required=True)
    parser.add_argument("--ct", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--cohort", default=str(ROOT / ".build/release/cohort"))
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--iterations", type=int, default=15)
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    raw, output = a.work / "raw", a.work / "run"
    raw.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive",
                   **{f"nnUNet_{part}": str(a.work / part) for part in ("raw", "preprocessed", "results")}}

    def cohort(*arguments):
        subprocess.run([a.cohort, *map(str, arguments)], env=environment, check=True)

    if not (raw / "Dataset004_Hippocampus").exists():
        cohort("convert-msd-dataset", "-i", a.mr)
    if not (raw / a.ct.name).exists():
        (raw / a.ct.name).symlink_to(a.ct.resolve())
    for dataset, test, first in ((4, 20, 301), (101, 4, 311)):
        if not list(raw.glob(f"Dataset{first}_*")):
            cohort("datasets", "split", dataset, "--sites", 2, "--test", test, "--first-id", first)
    run = a.work / "run.yaml"
    run.write_text(RUN.format(rounds=a.rounds, iterations=a.iterations, seed=a.seed, output=output))
    cohort("simulate", run)
    for cases, rows in json.loads((output / "scores.json").read_text()).items():
        labels = [key for key in rows[0]["dice"] if key != "overall"]
        print(f"\n{cases} ({rows[0]['cases']})\n\n| | Dice | " + " | ".join(labels) + " | HD95 (mm) |\n" + "|---" * (len(labels) + 3) + "|")
        for row in rows:
            values = [row["dice"]["overall"], *(row["dice"][label] for label in labels)]
            hd = row["hd95"]["overall"]
            print(f"| {row['name']} | " + " | ".join(f"{v['mean']:.4f}" if v else "–" for v in values) + f" | {hd['mean']:.1f} |" if hd else "| – |")


if __name__ == "__main__":
    main()
