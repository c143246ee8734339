#!/usr/bin/env python3
"""Reads and writes odd image files with nnU-Net's reader classes and with Cohort's, and compares voxels and geometry.

usage: readers.py [--fixtures FOLDER] [--count 60] [--seed 1] [--cohort PATH]
Run it with the Python of an environment with nnunetv2 2.8.1 (scripts/compare/setup). Makes NIfTI files of random type, byte
order, slope, quaternion and matrix (skewed ones too), MetaImage, NRRD, PNG and TIFF files, and takes what is in FOLDER. A
file counts as equal when both read it to the same shape, spacing (1e-6) and voxels (1e-6 of the range), or both refuse it;
labels that both write must come back with the same voxels and the same place in the world. What only Cohort reads (ITK knows
no NIfTI-2) is counted apart. Lists what differs; ends with 1 if anything does.
"""
import argparse
import contextlib
import io
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk
import tifffile
from scipy.spatial.transform import Rotation
from skimage import io as skio

from nnunetv2.imageio.natural_image_reader_writer import NaturalImage2DIO
from nnunetv2.imageio.nibabel_reader_writer import NibabelIO, NibabelIOWithReorient
from nnunetv2.imageio.simpleitk_reader_writer import SimpleITKIO, SimpleITKIOWithReorient
from nnunetv2.imageio.tif_reader_writer import Tiff3DIO

warnings.filterwarnings("ignore")
sitk.ProcessObject.SetGlobalWarningDisplay(False)
ITK, NIB = (SimpleITKIO, SimpleITKIOWithReorient), (NibabelIO, NibabelIOWithReorient)


def nifti(random, path, kind):
    """One NIfTI file of a kind: labels (for writing) or any values."""
    axes = 3 if kind == "label" else int(random.choice([2, 3, 3, 3, 4]))
    shape = [int(n) for n in random.integers(3, 9, axes)]
    types = ["u1", "i2", "u2"] if kind == "label" else ["u1", "i1", "i2", "u2", "i4", "u4", "f4", "f8"]
    dtype = np.dtype(random.choice(types)).newbyteorder(random.choice(["<", ">"]))
    low, high = (0, 5) if kind == "label" else (0 if dtype.kind == "u" else -100, 100)
    values = random.integers(low, high, shape).astype(dtype)
    image = nibabel.Nifti1Image(values, None) if random.random() < 0.8 or kind == "label" else nibabel.Nifti2Image(values, None)
    header = type(image).header_class(endianness=">" if dtype.byteorder == ">" else "<")
    header.set_data_dtype(dtype)
    header.set_data_shape(shape)
    zooms = [float(z) for z in random.uniform(0.3, 4, axes)]
    header.set_zooms(zooms)
    perm = random.permutation(3)
    rotation = np.eye(3)[:, perm] * random.choice([-1, 1], 3)
    tilt = random.choice(["none", "small", "any"])
    if tilt != "none":
        rotation = Rotation.from_rotvec(random.normal(size=3) * (0.02 if tilt == "small" else 2)).as_matrix() @ rotation
    spatial = np.array((zooms + [1, 1, 1])[:3]) if axes > 2 else np.array(zooms[:2] + [1])
    affine = np.eye(4)
    affine[:3, :3] = rotation * spatial
    affine[:3, 3] = random.uniform(-100, 100, 3)
    codes = [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (2, 4), (1, 2)][random.integers(7)]
    if kind == "skewed":
        affine[:3, 0] += affine[:3, 1] * random.choice([1e-6, 1e-5, 5e-5, 2e-4, 1e-3, 0.1])
        codes = [(0, 1), (0, 2), (1, 1), (1, 2)][random.integers(4)]
    if codes[0]:
        header.set_qform(affine, codes[0], strip_shears=True)
    if codes[1]:
        header.set_sform(affine, codes[1])
    if axes > 2 and random.random() < 0.5 and not codes[0]:
        header.set_zooms(zooms)  # the matrix may disagree with pixdim
    if kind != "label" and random.random() < 0.3 and dtype.kind in "iu":
        header["scl_slope"], header["scl_inter"] = random.choice([0, 1, 0.5, 2.25]), random.choice([0, -7, 1000.5])
    raw = header.binaryblock + b"\0\0\0\0" * (1 if len(header.binaryblock) in (348, 540) else 0)
    header["vox_offset"] = len(raw)
    raw = header.binaryblock + raw[len(header.binaryblock):]
    content = raw + values.tobytes(order="F")
    if str(path).endswith(".gz"):
        import gzip
        content = gzip.compress(content)
    path.write_bytes(content)


def itk_image(random, label):
    axes = int(random.choice([2, 3, 3, 3]))
    shape = [int(n) for n in random.integers(3, 9, axes)]
    dtype = np.dtype(random.choice(["u1", "i2", "u2"] if label else ["u1", "i1", "i2", "u2", "i4", "u4", "f4", "f8"]))
    image = sitk.GetImageFromArray(random.integers(0, 5 if label else 100, shape).astype(dtype))
    image.SetSpacing([float(v) for v in random.uniform(0.3, 4, axes)])
    image.SetOrigin([float(v) for v in random.uniform(-100, 100, axes)])
    if axes == 3:
        rotation = np.eye(3)[:, random.permutation(3)] * random.choice([-1, 1], 3)
        if random.random() < 0.6:
            rotation = Rotation.from_rotvec(random.normal(size=3)).as_matrix() @ rotation
        image.SetDirection(rotation.ravel().tolist())
    return image


def make(folder, count, seed):
    """Yields (file, readers, whether it holds labels)."""
    random = np.random.default_rng(seed)
    for number in range(count):
        for kind in ("any", "skewed", "label"):
            ending = str(random.choice([".nii", ".nii.gz"]))
            path = folder / f"nifti_{kind}_{number:03d}{ending}"
            nifti(random, path, kind)
            yield path, (*ITK, *NIB), kind == "label"
    for number in range(count // 2):
        for ending, label in itertools.product((".mha", ".mhd", ".nrrd", ".nhdr"), (False, True)):
            path = folder / f"itk_{label}_{number:03d}{ending}"
            sitk.WriteImage(itk_image(random, label), str(path), bool(random.random() < 0.5))
            yield path, ITK, label
    for number in range(count // 4):
        shape = tuple(int(n) for n in random.integers(3, 20, 2))
        for name, dtype, channels in (("grey8", np.uint8, ()), ("grey16", np.uint16, ()), ("rgb", np.uint8, (3,)),
                                      ("rgba", np.uint8, (4,)), ("rgb16", np.uint16, (3,))):
            high = 256 if dtype == np.uint8 else 65536
            pixels = random.integers(0, high, shape + channels).astype(dtype)
            for ending in (".tif",) if name == "rgb16" else (".png", ".tif"):
                path = folder / f"{name}_{number:03d}{ending}"
                (tifffile.imwrite if ending == ".tif" else skio.imsave)(str(path), pixels)
                yield path, (NaturalImage2DIO,), not channels
        for dtype in (np.uint8, np.uint16, np.int16, np.float32):
            path = folder / f"stack_{np.dtype(dtype).name}_{number:03d}_0000.tif"
            stack = random.integers(0, 100, (int(random.integers(5, 9)), *shape)).astype(dtype)
            tifffile.imwrite(path, stack, compression=random.choice([None, "zlib", "lzw"]), photometric="minisblack",
                             byteorder=random.choice(["<", ">"]))
            if random.random() < 0.5:
                json.dump({"spacing": [2.5, 0.5, 0.75]}, open(folder / f"{path.name[:-9]}.json", "w"))
            yield path, (Tiff3DIO,), dtype in (np.uint8, np.uint16)


def placed(path, reader):
    """Voxels of a written segmentation and where its corners lie."""
    if reader in (NaturalImage2DIO,):
        return np.asarray(skio.imread(str(path))), None
    if reader is Tiff3DIO:
        return tifffile.imread(path), json.load(open(str(path)[:-4] + ".json"))["spacing"]
    if reader in NIB:
        image = nibabel.load(path)
        return np.asarray(image.dataobj), image.affine
    image = sitk.ReadImage(str(path))
    corners = list(itertools.product(*[(0, n - 1) for n in image.GetSize()]))
    return sitk.GetArrayFromImage(image), [image.TransformIndexToPhysicalPoint(c) for c in corners]


def main():
    root = Path(__file__).resolve().parent.parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fixtures", type=Path)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cohort", default=str(root / ".build/release/cohort"))
    a = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="cohort-readers-"))
    cases = list(make(work, a.count, a.seed))
    for path in sorted(a.fixtures.rglob("*")) if a.fixtures else []:
        name = path.name.lower()
        if name.endswith((".nii", ".nii.gz", ".hdr", ".img", ".img.gz")):
            cases.append((path, (*ITK, *NIB), False))
        elif name.endswith((".mha", ".mhd", ".nrrd", ".nhdr")):
            cases.append((path, ITK, False))
    count = {"equal": 0, "both refuse": 0, "only Cohort reads": 0, "written alike": 0, "DIFFERENT": 0}

    def different(path, reader, what):
        count["DIFFERENT"] += 1
        print(f"{path.name} with {reader.__name__}: {what}")

    for path, readers, is_label in cases:
        for reader in readers:
            theirs, why = None, ""
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    theirs, properties = reader().read_images([str(path)])
            except Exception as error:  # whatever the original cannot read
                why = f"{type(error).__name__}: {error}".split("\n")[-1][:200]
            npy, ours = work / "ours.npy", None
            run = subprocess.run([a.cohort, "inspect", "--json", "--reader", reader.__name__, "--npy", npy, path],
                                 capture_output=True, text=True)
            if run.returncode not in (0, 1):
                different(path, reader, f"Cohort ended with {run.returncode}: {run.stderr}")
                continue
            if run.returncode == 0:
                ours, said = np.load(npy), json.loads(run.stdout)
            if theirs is None and ours is None:
                count["both refuse"] += 1
                continue
            if theirs is None:
                count["only Cohort reads"] += 1
                print(f"({path.name} with {reader.__name__}: only Cohort reads it; {why})")
                continue
            if ours is None and "colours" in run.stderr:  # nnU-Net takes the slices of a colour volume for channels
                count["both refuse"] += 1
                continue
            if ours is None:
                different(path, reader, f"only nnU-Net reads it: {run.stderr.strip()}")
                continue
            spacing = [float(v) for v in properties["spacing"]]
            if theirs.shape != ours.shape:
                different(path, reader, f"shape {theirs.shape} against {ours.shape}")
            elif not np.allclose(spacing, said["spacing"], rtol=1e-6, atol=0):
                different(path, reader, f"spacing {spacing} against {said['spacing']}")
            elif not np.allclose(theirs, ours, rtol=0, atol=1e-6 * max(1, float(np.nanmax(np.abs(theirs)))), equal_nan=True):
                different(path, reader, f"voxels differ by up to {np.nanmax(np.abs(theirs - ours))}")
            else:
                count["equal"] += 1
                if not is_label:
                    continue
                ending = ".nii.gz" if path.name.endswith(".nii.gz") else path.suffix
                one, two = work / f"theirs{ending}", work / f"ours{ending}"
                labels = theirs[0].astype(np.uint16)
                try:
                    with contextlib.redirect_stdout(io.StringIO()):
                        reader().write_seg(labels, str(one), properties)
                except Exception as error:
                    print(f"({path.name} with {reader.__name__}: nnU-Net cannot write it: {error})")
                    continue
                run = subprocess.run([a.cohort, "inspect", "--reader", reader.__name__, "--rewrite", two, path], capture_output=True, text=True)
                if run.returncode:
                    different(path, reader, f"Cohort cannot write it: {run.stderr.strip()}")
                    continue
                (v1, g1), (v2, g2) = placed(one, reader), placed(two, reader)
                if v1.shape != v2.shape or v1.dtype != v2.dtype or (v1 != v2).any():
                    different(path, reader, f"written voxels differ ({v1.shape} {v1.dtype} against {v2.shape} {v2.dtype})")
                elif g1 is not None and not np.allclose(g1, g2, rtol=1e-5, atol=1e-4):
                    different(path, reader, f"written geometry differs:\n{np.asarray(g1)}\n{np.asarray(g2)}")
                else:
                    count["written alike"] += 1
    print(", ".join(f"{what}: {n}" for what, n in count.items()))
    shutil.rmtree(work)
    sys.exit(1 if count["DIFFERENT"] else 0)


if __name__ == "__main__":
    main()
