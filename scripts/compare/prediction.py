#!/usr/bin/env python3
"""Do Cohort and nnU-Net predict the same from the same model? Both predict a folder of images with one model folder, and
voxels, spacing and origin are compared case by case. Fails below --least (99.9 % of voxels by default).

    scripts/compare/setup .peers
    .peers/bin/python scripts/compare/prediction.py --model RESULTS/DATASET/TRAINER__PLANS__CONFIGURATION --images FOLDER

The model may be nnU-Net's or Cohort's. A trainer of an extension is found through nnUNet_extTrainer.
"""
import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import SimpleITK as sitk

ROOT = Path(__file__).resolve().parents[2]


def predict(command, a, output):
    full = command + ["-i", str(a.images), "-o", str(output), "-m", str(a.model), "-f", *a.folds, "-chk", a.checkpoint,
                      "-device", a.device] + (["--disable_tta"] if a.disable_tta else [])
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for folder in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
        environment[folder] = os.environ.get(folder, str(output))
    start = time.perf_counter()
    subprocess.run(full, check=True, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--cohort", default=f"{ROOT / '.build/release/cohort'} predict-from-modelfolder",
                        help="the command that is compared with nnUNetv2_predict_from_modelfolder")
    parser.add_argument("--folds", nargs="+", default=["0"])
    parser.add_argument("--checkpoint", default="checkpoint_final.pth")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--disable_tta", action="store_true")
    parser.add_argument("--least", type=float, default=0.999)
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        theirs, ours = Path(folder) / "nnunet", Path(folder) / "cohort"
        for output in (theirs, ours):
            output.mkdir()
        seconds = predict(["nnUNetv2_predict_from_modelfolder"], a, theirs), predict(shlex.split(a.cohort), a, ours)
        ending = json.load(open(a.model / "dataset.json"))["file_ending"]
        files = sorted(p.name for p in theirs.iterdir() if p.name.endswith(ending))
        if not files or files != sorted(p.name for p in ours.iterdir() if p.name.endswith(ending)):
            sys.exit(f"the two predicted different cases, or none: {files}")
        worst = 1.0
        for name in files:
            images = [sitk.ReadImage(str(output / name)) for output in (theirs, ours)]
            for what in ("GetSize", "GetSpacing", "GetOrigin", "GetDirection"):
                values = [np.array(getattr(image, what)(), dtype=float) for image in images]
                if not np.allclose(*values, atol=1e-4):
                    sys.exit(f"{name}: {what[3:].lower()} is {values[0]} in nnU-Net's and {values[1]} in Cohort's")
            a_voxels, b_voxels = map(sitk.GetArrayFromImage, images)
            same = float((a_voxels == b_voxels).mean())
            worst = min(worst, same)
            print(f"{name:40} {100 * same:9.4f} % equal, {int((a_voxels != b_voxels).sum())} voxels differ")
        print(f"nnU-Net {seconds[0]:.2f} s, Cohort {seconds[1]:.2f} s: {seconds[0] / seconds[1]:.2f} times faster")
        if worst < a.least:
            sys.exit(f"only {100 * worst:.4f} % of the voxels of a case are equal")


if __name__ == "__main__":
    main()
