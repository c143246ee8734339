"""Cohort's evaluation against nnU-Net's, and its surface metrics against DeepMind's definitions (areas from MONAI).

Perturbs real labels, lets both score them, and compares the two summary.json field by field.

    python scripts/compare/evaluation.py FOLDER_OF_LABELS [CASES]      (labels 1 and 2, .nii.gz)
"""
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
    os.environ.setdefault(name, tempfile.gettempdir())

import numpy as np
import SimpleITK as sitk
from scipy.ndimage import distance_transform_edt

METRICS = ("Dice", "IoU", "FP", "TP", "FN", "TN", "n_pred", "n_ref")
PLANS = {"configurations": {}, "label_manager": "LabelManager", "image_reader_writer": "SimpleITKIO"}


def perturbed(labels, random):
    """Shifted, thinned out, and now and then without a label."""
    result = np.roll(labels, random.randint(-2, 3, 3), axis=(0, 1, 2))
    result[random.rand(*labels.shape) < 0.05] = 0
    if random.rand() < 0.1:
        result[result == 2] = 0
    return result


def codes(mask):
    mask = np.pad(mask, 1).astype(int)
    cells = 0
    for bit, (z, y, x) in zip(range(7, -1, -1), np.ndindex(2, 2, 2)):
        cells = cells + (mask[z:mask.shape[0] - 1 + z, y:mask.shape[1] - 1 + y, x:mask.shape[2] - 1 + x] << bit)
    return cells


def surface(reference, prediction, spacing, tolerance=1.0):
    from monai.metrics.utils import create_table_neighbour_code_to_surface_area

    if not reference.any() and not prediction.any():
        return math.nan, math.nan
    areas = create_table_neighbour_code_to_surface_area(tuple(map(float, spacing)))[0].numpy().astype(float)
    cells = [codes(reference), codes(prediction)]
    borders = [(c != 0) & (c != 255) for c in cells]
    maps = [distance_transform_edt(~b, sampling=spacing) if b.any() else np.full(b.shape, np.inf) for b in borders]
    distances = [maps[1][borders[0]], maps[0][borders[1]]]
    weights = [areas[c[b]] for c, b in zip(cells, borders)]
    within = sum(w[d <= tolerance].sum() for w, d in zip(weights, distances))
    percentiles = []
    for d, w in zip(distances, weights):
        order = np.lexsort((w, d))
        share = np.cumsum(w[order]) / w.sum() if len(d) else []
        percentiles.append(d[order][min(np.searchsorted(share, 0.95), len(d) - 1)] if len(d) else np.inf)
    return max(percentiles), within / sum(w.sum() for w in weights)


def same(a, b, tolerance=0.0):
    if isinstance(a, float) and math.isnan(a):
        return isinstance(b, float) and math.isnan(b)
    return a == b or abs(a - b) <= tolerance


def main():
    source = os.path.abspath(sys.argv[1])
    work = tempfile.mkdtemp()
    random = np.random.RandomState(0)
    names = sorted(n for n in os.listdir(source) if n.endswith(".nii.gz") and not n.startswith("."))
    names = names[:int(sys.argv[2]) if len(sys.argv) > 2 else 60]
    for suffix in ("", "_regions"):
        for kind in ("references", "predictions"):
            os.makedirs(os.path.join(work, kind + suffix))
        for name in names:
            image = sitk.ReadImage(os.path.join(source, name))
            labels = sitk.GetArrayFromImage(image).astype(np.uint8)
            if suffix:
                image.SetSpacing([s * f for s, f in zip(image.GetSpacing(), (0.7, 1.2, 3.0))])
            prediction = perturbed(labels, random)
            if suffix:
                labels[:, : labels.shape[1] // 4] = 3
            for kind, array in (("references", labels), ("predictions", prediction)):
                written = sitk.GetImageFromArray(array)
                written.CopyInformation(image)
                sitk.WriteImage(written, os.path.join(work, kind + suffix, name))
    base = {"channel_names": {"0": "MRI"}, "numTraining": len(names), "file_ending": ".nii.gz"}
    datasets = {
        "labels": {**base, "labels": {"background": 0, "anterior": 1, "posterior": 2}},
        "regions": {**base, "labels": {"background": 0, "whole": [1, 2], "posterior": [2], "ignore": 3},
                    "regions_class_order": [1, 2]},
    }
    from nnunetv2.evaluation.evaluate_predictions import compute_metrics_on_folder2

    with open(os.path.join(work, "plans.json"), "w") as file:
        json.dump(PLANS, file)
    for kind, dataset in datasets.items():
        suffix = "_regions" if kind == "regions" else ""
        with open(os.path.join(work, f"dataset_{kind}.json"), "w") as file:
            json.dump(dataset, file)
        start = time.time()
        compute_metrics_on_folder2(
            os.path.join(work, "references" + suffix), os.path.join(work, "predictions" + suffix),
            os.path.join(work, f"dataset_{kind}.json"), os.path.join(work, "plans.json"),
            os.path.join(work, f"theirs_{kind}.json"), num_processes=4)
        print(f"nnU-Net, {kind}: {time.time() - start:.2f} s")
    subprocess.run(
        ["swift", "test", "-c", "release", "--filter", "EvaluationTests/exchangeWithNNUNet"], check=True,
        cwd=os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
        env={**os.environ, "COHORT_EVALUATION": work})
    for kind in datasets:
        with open(os.path.join(work, f"theirs_{kind}.json")) as a, open(os.path.join(work, f"ours_{kind}.json")) as b:
            a, b = a.read(), b.read()
        print(f"{kind}: summary.json {'equal byte by byte' if a == b else 'NOT equal byte by byte'} ({len(a)} bytes)")
        a, b = json.loads(a), json.loads(b)
        assert a.keys() == b.keys() and list(a["mean"]) == list(b["mean"])
        for key in a["mean"]:
            assert all(same(a["mean"][key][m], b["mean"][key][m], 1e-12) for m in METRICS), key
        assert all(same(a["foreground_mean"][m], b["foreground_mean"][m], 1e-12) for m in METRICS)
        worst = [0.0, 0.0]
        with open(os.path.join(work, f"ours_surface_{kind}.json")) as file:
            cases = json.load(file)["metric_per_case"]
        for case in cases:
            reference = sitk.ReadImage(case["reference_file"])
            prediction = sitk.GetArrayFromImage(sitk.ReadImage(case["prediction_file"]))
            spacing = reference.GetSpacing()[::-1]
            reference = sitk.GetArrayFromImage(reference)
            for key, metrics in case["metrics"].items():
                members = [int(k) for k in key.strip("(),").replace(" ", "").split(",")]
                counted = reference != 3
                expected = surface(np.isin(reference, members) & counted, np.isin(prediction, members) & counted, spacing)
                for i, (ours, theirs) in enumerate(zip((metrics["HD95"], metrics["NSD"]), expected)):
                    if not same(theirs, ours):
                        worst[i] = max(worst[i], abs(ours - theirs))
        print(f"{kind}: largest difference of HD95 {worst[0]:.2e} mm, of NSD {worst[1]:.2e} over {len(cases)} cases")
        assert worst[0] < 1e-4 and worst[1] < 1e-5
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
