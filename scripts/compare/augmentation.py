"""What batchgeneratorsv2 makes of random volumes with given parameters, and how nnU-Net's whole chain behaves.

    python scripts/compare/augmentation.py FILE.json
    COHORT_AUGMENTATION_REFERENCE=FILE.json swift test -c release --filter AugmentationReferenceTests

writes the cases and compares Cohort with them. Needs nnunetv2 2.8.1.
"""

import json
import sys

import numpy as np
import torch
from batchgeneratorsv2.transforms.intensity.contrast import ContrastTransform
from batchgeneratorsv2.transforms.intensity.gamma import GammaTransform
from batchgeneratorsv2.transforms.noise.gaussian_blur import blur_dimension
from batchgeneratorsv2.transforms.spatial.low_resolution import SimulateLowResolutionTransform
from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
from nnunetv2.training.data_augmentation.compute_initial_patch_size import get_patch_size
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

torch.set_num_threads(1)
random = np.random.RandomState(4)


def volume(shape, channels, labels):
    """White noise, and labels in blocks, so that many voxels lie at a border."""
    image = random.normal(size=(channels, *shape)).astype(np.float32)
    coarse = random.randint(-1, labels, [1 + n // 3 for n in shape])
    index = np.meshgrid(*[np.arange(n) // 3 for n in shape], indexing="ij")
    return torch.from_numpy(image), torch.from_numpy(coarse[tuple(index)].astype(np.int16))[None]


def spatial_case(shape, patch, channels, labels, planar):
    image, seg = volume(shape, channels, labels)
    axes = 2 if planar or len(shape) == 2 else 3
    angle = np.pi if axes == 2 else np.pi / 6
    transform = SpatialTransform(
        patch[-axes:], patch_center_dist_from_border=0, random_crop=False, p_rotation=random.randint(2), rotation=(-angle, angle),
        p_scaling=1, scaling=(0.7, 1.4), p_synchronize_scaling_across_axes=1, border_mode_seg="constant", padding_value_seg=-1)
    drawn = {}
    inner = np.random.uniform
    numbers = []
    np.random.uniform = lambda *a: numbers.append(inner(*a)) or numbers[-1]
    folded = (lambda t: t.reshape(-1, *t.shape[-2:])) if planar else (lambda t: t)
    drawn = transform.get_parameters(image=folded(image))
    np.random.uniform = inner
    rotated = transform.p_rotation == 1
    angles = numbers[3:3 + axes] if rotated else [0.0] * axes
    scale = numbers[-1]
    out = transform._apply_to_image(folded(image), **drawn).reshape(channels, *patch)
    labels_out = transform._apply_to_segmentation(folded(seg), **drawn).reshape(patch)
    return dict(kind="spatial", planar=planar, image=image, labels=seg, patch=patch, angles=angles, scales=[scale] * axes,
                outImage=out, outLabels=labels_out.clamp(min=0))


def intensity_case(kind, shape):
    image, seg = volume(shape, 1, 3)
    image = image * random.uniform(0.5, 30) + random.uniform(-20, 20)
    axes = len(shape)
    if kind == "gamma" or kind == "invertedGamma":
        value = [random.uniform(0.7, 1.5)]
        transform = GammaTransform(value[0], 1.0 if kind == "invertedGamma" else 0.0, False, 1, 1)
        out = transform(image=image.clone())["image"]
    elif kind == "contrast":
        value = [random.uniform(0.75, 1.25)]
        out = ContrastTransform(value[0], True, False)(image=image.clone())["image"]
    elif kind == "blur":
        value = [random.uniform(0.5, 1) for _ in range(axes)]
        out = image.clone()
        for axis in range(axes):
            out = blur_dimension(out, value[axis], axis, force_use_fft=False)
    else:
        value = [random.uniform(0.5, 1)] * axes
        out = SimulateLowResolutionTransform(value[0], False, True, None)(image=image.clone())["image"]
    return dict(kind=kind, planar=False, image=image, labels=seg, patch=list(shape), angles=value, scales=[], outImage=out,
                outLabels=seg[0].clamp(min=0))


def chain_statistics(samples=600):
    """Mean and standard deviation of image and foreground over many samples of nnU-Net's whole chain."""
    patch = [24, 32, 28]
    angle = np.pi / 6
    initial = get_patch_size(patch, (-angle, angle), (-angle, angle), (-angle, angle), (0.85, 1.25))
    grid = np.meshgrid(*[np.arange(n, dtype=np.float64) for n in initial], indexing="ij")
    image = np.sin(0.31 * grid[0]) + np.cos(0.17 * grid[1]) + np.sin(0.23 * grid[2]) + 0.1 * grid[0]
    radius = np.sqrt(sum((g - (n - 1) / 2) ** 2 for g, n in zip(grid, initial)))
    image, seg = torch.from_numpy(image[None]).float(), torch.from_numpy((radius < 9).astype(np.int16))[None]
    transforms = nnUNetTrainer.get_training_transforms(patch, (-angle, angle), None, (0, 1, 2), False)
    figures = []
    for _ in range(samples):
        out = transforms(image=image.clone(), segmentation=seg.clone())
        x = out["image"].double()
        difference = (x[0, :, :, 1:] - x[0, :, :, :-1]).abs().mean()
        figures.append([x.mean().item(), x.std().item(), x.min().item(), x.max().item(), difference.item(),
                        out["segmentation"].double().mean().item()])
    return dict(patch=patch, initial=[int(i) for i in initial], figures=figures)


def plain(value):
    return dict(shape=list(value.shape), values=value.flatten().tolist()) if isinstance(value, torch.Tensor) else value


cases = []
for _ in range(8):
    cases.append(spatial_case([19, 22, 25], [12, 15, 14], 2, 4, False))
    cases.append(spatial_case([7, 30, 27], [7, 18, 16], 1, 3, True))
    cases.append(spatial_case([33, 29], [20, 23], 2, 5, False))
    for kind in ("gamma", "invertedGamma", "contrast", "blur", "lowResolution"):
        cases.append(intensity_case(kind, (11, 13, 17)))
        cases.append(intensity_case(kind, (23, 19)))
document = dict(cases=[{k: plain(v) for k, v in case.items()} for case in cases], chain=chain_statistics())
with open(sys.argv[1], "w") as file:
    json.dump(document, file)
print(f"{len(cases)} cases in {sys.argv[1]}")
