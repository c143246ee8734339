#!/usr/bin/env python3
"""Does Cohort learn what nnU-Net learns? Both train on the same preprocessed folder with the same plan, split, batch size
and number of iterations, and the Dice of their final validations are set side by side.

    .peers/bin/python Benchmarks/dice_parity.py --work FOLDER [--seeds 1 2 3] [--epochs 6] [--iterations 50]

FOLDER is the --work folder of against_nnunet.py after its stages fingerprint and preprocess. About an hour on 4 cores.
A result that is there already is not computed again.
"""
import argparse
import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATASET = "Dataset004_Hippocampus"


def dice(summary):
    content = json.load(open(summary))
    return [content["mean"][label]["Dice"] for label in ("1", "2")] + [content["foreground_mean"]["Dice"]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--peers", type=Path, default=ROOT / ".peers")
    parser.add_argument("--cohort", default=str(ROOT / ".build/release/cohort"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--iterations", type=int, default=50)
    parser.add_argument("--precision", default=None, help="Cohort's --precision (default: Cohort's own choice)")
    a = parser.parse_args()

    folders = {f"nnUNet_{kind}": str(a.work / "nnunet" / kind) for kind in ("raw", "preprocessed", "results")}
    environment = {**os.environ, **folders, "PATH": f"{(a.peers / 'bin').resolve()}:{os.environ['PATH']}",
                   "nnUNet_extTrainer": str(ROOT / "scripts/compare/trainers"), "SHORT_EPOCHS": str(a.epochs),
                   "SHORT_ITERATIONS": str(a.iterations), "SHORT_VAL_ITERATIONS": "10"}
    fold = Path(folders["nnUNet_results"]) / DATASET / "nnUNetTrainerShort__nnUNetPlans__3d_fullres/fold_0"
    rows = []
    if not (fold / "validation/summary.json").exists():
        subprocess.run(["nnUNetv2_train", "4", "3d_fullres", "0", "-tr", "nnUNetTrainerShort", "-device", "cpu"],
                       env=environment, check=True)
    rows.append(("nnU-Net", dice(fold / "validation/summary.json")))
    for seed in a.seeds:
        results = a.work / f"cohort-seed-{seed}"
        fold = results / DATASET / "nnUNetTrainer__nnUNetPlans__3d_fullres/fold_0"
        if not (fold / "validation/summary.json").exists():
            command = [a.cohort, "train", "4", "3d_fullres", "0", "-device", "cpu", "--epochs", str(a.epochs),
                       "--iterations-per-epoch", str(a.iterations), "--val-iterations-per-epoch", "10", "--seed", str(seed)]
            subprocess.run(command + (["--precision", a.precision] if a.precision else []),
                           env={**environment, "nnUNet_results": str(results)}, check=True)
        rows.append((f"Cohort, seed {seed}", dice(fold / "validation/summary.json")))
    print("| | anterior | posterior | mean | difference to nnU-Net |\n|---|---|---|---|---|")
    for name, values in rows:
        print(f"| {name} | " + " | ".join(f"{v:.4f}" for v in values) + f" | {values[2] - rows[0][1][2]:+.4f} |")


if __name__ == "__main__":
    main()
