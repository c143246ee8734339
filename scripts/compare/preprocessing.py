#!/usr/bin/env python3
"""Preprocesses a raw dataset with nnU-Net and with Cohort, by nnU-Net's fingerprint and plans, and compares every case.

usage: preprocessing.py RAW_DATASET_FOLDER [--configurations 3d_fullres 2d] [--cases 12] [--cohort PATH]
Run it with the Python of an environment with nnunetv2 2.8.1 (scripts/compare/setup). Says the largest difference of the data,
the share of equal labels, and whether crop boxes, shapes and class locations are equal; ends with 1 beyond 1e-4 and 99.99 %.
"""
import argparse
import json
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import blosc2
import numpy as np


def main():
    root = Path(__file__).resolve().parent.parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--configurations", nargs="+", default=["3d_fullres"])
    parser.add_argument("--cases", type=int, default=12)
    parser.add_argument("--cohort", default=str(root / ".build/release/cohort"))
    parser.add_argument("--keep", action="store_true", help="keep the folders that were compared")
    a = parser.parse_args()

    work = Path(tempfile.mkdtemp(prefix="cohort-compare-"))
    name = a.dataset.resolve().name
    raw = work / "raw" / name
    (raw / "imagesTr").mkdir(parents=True)
    (raw / "labelsTr").mkdir()
    description = json.load(open(a.dataset / "dataset.json"))
    ending = description["file_ending"]
    labels = sorted((a.dataset / "labelsTr").glob("*" + ending))
    chosen = labels[:: max(1, len(labels) // a.cases)][: a.cases]
    for label in chosen:
        case = label.name[: -len(ending)]
        shutil.copy(label, raw / "labelsTr")
        for image in (a.dataset / "imagesTr").glob(f"{case}_[0-9][0-9][0-9][0-9]{ending}"):
            shutil.copy(image, raw / "imagesTr")
    description["numTraining"] = len(chosen)
    json.dump(description, open(raw / "dataset.json", "w"))

    scripts = Path(sys.executable).parent
    environments = {}
    for who in ("theirs", "ours"):
        environments[who] = {**os.environ, "nnUNet_raw": str(work / "raw"), "nnUNet_preprocessed": str(work / who),
                             "nnUNet_results": str(work / "results"), "PATH": f"{scripts}:{os.environ['PATH']}"}
        (work / who).mkdir()
    quiet = dict(check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    number = str(int(name[7:10]))
    configurations = ["-c", *a.configurations, "-np", *["2"] * len(a.configurations)]
    subprocess.run([scripts / "nnUNetv2_plan_and_preprocess", "-d", number, "-npfp", "2", *configurations], env=environments["theirs"], **quiet)
    (work / "ours" / name).mkdir()
    for file in ("dataset.json", "dataset_fingerprint.json", "nnUNetPlans.json"):
        shutil.copy(work / "theirs" / name / file, work / "ours" / name)
    subprocess.run([a.cohort, "preprocess", "-d", number, *configurations], env=environments["ours"], **quiet)

    plans = json.load(open(work / "theirs" / name / "nnUNetPlans.json"))
    good = True
    for configuration in a.configurations:
        folder = plans["configurations"][configuration]["data_identifier"]
        largest, equal, total, properties, resampled = 0.0, 0, 0, 0, 0
        for label in chosen:
            case = label.name[: -len(ending)]
            arrays = []
            for who in ("theirs", "ours"):
                base = work / who / name / folder / case
                arrays.append((blosc2.open(f"{base}.b2nd")[:], blosc2.open(f"{base}_seg.b2nd")[:], pickle.load(open(f"{base}.pkl", "rb"))))
            (d1, s1, p1), (d2, s2, p2) = arrays
            assert d1.shape == d2.shape and s1.shape == s2.shape, f"{case}: {d1.shape} against {d2.shape}"
            assert np.isfinite(d1).all() and np.isfinite(d2).all(), f"{case} holds NaN"
            largest = max(largest, float(np.abs(d1 - d2).max()))
            equal += int((s1 == s2).sum())
            total += s1.size
            resampled += tuple(p1["shape_after_cropping_and_before_resampling"]) != d1.shape[1:]
            same = all(np.array_equal(np.array(p1[k]), np.array(p2[k])) for k in (
                "spacing", "shape_before_cropping", "bbox_used_for_cropping", "shape_after_cropping_and_before_resampling"))
            keys = p1["class_locations"].keys()
            if (s1 == s2).all():  # locations follow from the labels
                same = same and keys == p2["class_locations"].keys() and all(
                    np.array_equal(p1["class_locations"][k], p2["class_locations"][k]) for k in keys)
            properties += same
        share = equal / total
        print(f"{name} {configuration}: {len(chosen)} cases, {resampled} resampled; data differs by at most {largest:.2e}; "
              f"{100 * share:.5f} % of labels equal; properties equal in {properties}")
        good = good and largest <= 1e-4 and share >= 0.9999 and properties == len(chosen)
    if not a.keep:
        shutil.rmtree(work)
    else:
        print(work)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
