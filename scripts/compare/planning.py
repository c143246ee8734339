#!/usr/bin/env python3
"""Plans random datasets with nnU-Net's planners and with Cohort's, and compares the plans field by field.

usage: planning.py [--count 40] [--seed 1] [--cohort PATH]
Run it with the Python of an environment with nnunetv2 2.8.1 (scripts/compare/setup). A dataset is a fingerprint with shapes
and spacings like those of 2D, anisotropic, isotropic, small and very large images, channels and labels (regions, an ignore
label) in random numbers, and one small image for the choice of the reader. Planner, memory target and target spacing vary.
Integers, names and order must be equal, real numbers within 1e-12 of each other. Lists what differs; ends with 1 if anything
does.
"""
import argparse
import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nibabel
import numpy as np

PLANNERS = ["ExperimentPlanner", "ResEncUNetPlanner", "nnUNetPlannerResEncM", "nnUNetPlannerResEncL", "nnUNetPlannerResEncXL"]
CHANNELS = ["CT", "MRI", "T1", "FLAIR", "noNorm", "zscore", "rescale_to_0_1", "rgb_to_0_1", "US"]


def geometry(random, cases):
    """Shapes and spacings (z, y, x) of the cases of one dataset."""
    kind = random.choice(["isotropic", "anisotropic", "flat", "small", "huge", "mixed"])
    size = {"isotropic": (60, 300), "anisotropic": (80, 500), "flat": (64, 1200), "small": (5, 40), "huge": (300, 900),
            "mixed": (16, 600)}[kind]
    median = random.integers(*size, 3)
    spacing = random.uniform(0.4, 2) * np.ones(3) if kind != "mixed" else random.uniform(0.3, 6, 3)
    if kind == "anisotropic":
        axis = random.integers(3)
        factor = random.uniform(1.5, 10)
        median[axis] = max(2, int(median[axis] / factor / random.uniform(0.7, 2)))
        spacing[axis] *= factor
    if kind == "flat":
        median[0], spacing = 1, np.array([999.0, 1, 1])
    shapes, spacings = [], []
    for _ in range(cases):
        shapes.append([max(1, int(n * random.uniform(0.6, 1.5))) if n > 1 else 1 for n in median])
        jitter = random.uniform(0.7, 1.4, 3) if kind != "flat" and random.random() < 0.6 else np.ones(3)
        spacings.append([float(s) for s in spacing * jitter])
    return kind, shapes, spacings


def dataset(random, folder, preprocessed):
    """Writes the raw dataset and its fingerprint; says what kind it is."""
    cases = int(random.choice([3, 10, 40, 300, 2000]))
    kind, shapes, spacings = geometry(random, min(cases, 60))
    names = [str(name) for name in random.choice(CHANNELS, random.integers(1, 6))]
    labels = {"background": 0, **{f"organ {k}": k for k in range(1, int(random.choice([2, 3, 5, 14, 60])))}}
    description = {"channel_names": {str(k): name for k, name in enumerate(names)}, "labels": labels, "numTraining": cases,
                   "file_ending": ".nii.gz"}
    if len(labels) > 3 and random.random() < 0.3:
        description["labels"] = {"background": 0, "whole": [1, 2, 3], "core": [2, 3], "centre": 3}
        description["regions_class_order"] = [1, 2, 3]
        if random.random() < 0.5:
            description["labels"]["ignore"] = 4
    for part in ("imagesTr", "labelsTr"):
        (folder / part).mkdir(parents=True)
    voxels = nibabel.Nifti1Image(np.zeros((4, 4, 4), "u1"), np.eye(4))
    for channel in range(len(names)):
        nibabel.save(voxels, folder / "imagesTr" / f"case_{channel:04d}.nii.gz")
    nibabel.save(voxels, folder / "labelsTr" / "case.nii.gz")
    (folder / "dataset.json").write_text(json.dumps(description))
    intensities = {}
    for channel in range(len(names)):
        fields = ["min", "percentile_00_5", "median", "mean", "percentile_99_5", "max"]
        values = dict(zip(fields, np.sort(random.normal(random.uniform(-500, 500), random.uniform(1, 400), 6))))
        values["std"] = random.uniform(1, 400)
        order = ["mean", "median", "std", "min", "max", "percentile_99_5", "percentile_00_5"]
        intensities[str(channel)] = {field: float(values[field]) for field in order}
    preprocessed.mkdir(parents=True)
    (preprocessed / "dataset_fingerprint.json").write_text(json.dumps({
        "foreground_intensity_properties_per_channel": intensities,
        "median_relative_size_after_cropping": float(random.uniform(0.5, 1)),
        "shapes_after_crop": shapes, "spacings": spacings}))
    return f"{kind}, {cases} cases, {len(names)} channels, {len(description['labels'])} labels"


def differences(a, b, where=""):
    """What differs between two JSON values, by path."""
    if isinstance(a, dict) and isinstance(b, dict):
        if list(a) != list(b):
            yield f"{where}: keys {list(a)} and {list(b)}"
            return
        for key in a:
            yield from differences(a[key], b[key], f"{where}.{key}")
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for index, (x, y) in enumerate(zip(a, b)):
            yield from differences(x, y, f"{where}[{index}]")
    elif isinstance(a, float) and isinstance(b, float):
        if not abs(a - b) <= 1e-12 * max(1, abs(a)):
            yield f"{where}: {a!r} and {b!r}"
    elif type(a) is not type(b) or a != b:
        yield f"{where}: {a!r} and {b!r}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cohort", default=str(Path(__file__).resolve().parents[2] / ".build/release/cohort"))
    args = parser.parse_args()
    random = np.random.default_rng(args.seed)
    work = Path(tempfile.mkdtemp(prefix="planning-"))
    roots = {f"nnUNet_{part}": str(work / part) for part in ("raw", "preprocessed", "results")}
    os.environ.update(roots)
    from nnunetv2.experiment_planning.plan_and_preprocess_api import plan_experiment_dataset
    from nnunetv2.utilities.find_class_by_name import recursive_find_python_class
    import nnunetv2
    import torch
    import warnings
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)

    tally = {"equal": 0, "both refuse": 0, "different": 0}
    for number in range(1, args.count + 1):
        name = f"Dataset{number:03d}_Random"
        raw, preprocessed = work / "raw" / name, work / "preprocessed" / name
        what = dataset(random, raw, preprocessed)
        planner = str(random.choice(PLANNERS))
        memory = float(random.choice([2, 6, 11, 24, 80])) if random.random() < 0.4 else None
        spacing = [round(float(s), 3) for s in random.uniform(0.5, 4, 3)] if random.random() < 0.25 else None
        theirs = None
        with contextlib.redirect_stdout(io.StringIO()):
            found = recursive_find_python_class(
                os.path.join(nnunetv2.__path__[0], "experiment_planning"), planner, "nnunetv2.experiment_planning")
            try:
                _, plans = plan_experiment_dataset(
                    number, found, gpu_memory_target_in_gb=memory, overwrite_target_spacing=spacing)
                theirs = json.loads((preprocessed / f"{plans}.json").read_text())
                (preprocessed / f"{plans}.json").unlink()
            except Exception as error:
                refusal = repr(error)
        command = [args.cohort, "plan-experiment", "-d", str(number), "-pl", planner]
        command += ["-gpu_memory_target", str(memory)] if memory else []
        command += ["-overwrite_target_spacing", *map(str, spacing)] if spacing else []
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
        options = f"{what}; {' '.join(command[4:])}"
        if theirs is None or done.returncode:
            verdict = "both refuse" if theirs is None and done.returncode else "different"
            print(f"{verdict}: {number} ({options}): nnU-Net {refusal if theirs is None else 'plans'}; "
                  f"Cohort {done.stderr.strip() if done.returncode else 'plans'}")
        else:
            ours = json.loads((preprocessed / f"{plans}.json").read_text())
            found = list(differences(theirs, ours))
            verdict = "different" if found else "equal"
            if found:
                print(f"different: {number} ({options})\n  " + "\n  ".join(found[:8]))
        tally[verdict] += 1
        shutil.rmtree(raw)
        shutil.rmtree(preprocessed)
    print(", ".join(f"{count} {verdict}" for verdict, count in tally.items()) + f" of {args.count} random datasets")
    shutil.rmtree(work)
    sys.exit(1 if tally["different"] else 0)


if __name__ == "__main__":
    main()
