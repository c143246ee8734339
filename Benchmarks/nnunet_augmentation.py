"""Augmented samples per CPU-second of nnU-Net's own data loader and transforms, on one thread.

usage: nnunet_augmentation.py 40,56,40 400      (patch, samples)
`kernel-benchmarks augmentation` measures the same cases in Cohort; they are in memory, so nothing is said about files.
"""

import sys
import time

import numpy as np
import torch
from acvl_utils.cropping_and_padding.bounding_boxes import crop_and_pad_nd
from nnunetv2.training.data_augmentation.compute_initial_patch_size import get_patch_size
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

torch.set_num_threads(1)


def case(shape):
    """A smooth image, and one ball of each of two labels."""
    grid = np.meshgrid(*[np.arange(n, dtype=np.float32) for n in shape], indexing="ij")
    image = np.sin(0.31 * grid[0]) + np.cos(0.17 * grid[1]) + np.sin(0.23 * grid[2])
    distance = [
        np.sqrt(sum(((g - n * c) / n) ** 2 for g, n in zip(grid, shape))) for c in (0.4, 0.62)
    ]
    labels = np.where(distance[0] < 0.18, 1, np.where(distance[1] < 0.12, 2, 0)).astype(np.int16)
    return image[None].astype(np.float32), labels[None]


def measure(patch, shape, samples):
    image, labels = case(shape)
    angle = 30 / 360 * 2 * np.pi
    initial = get_patch_size(patch, (-angle, angle), (-angle, angle), (-angle, angle), (0.85, 1.25))
    scales = [[1 / 2**i] * 3 for i in range(4)]
    transforms = nnUNetTrainer.get_training_transforms(patch, (-angle, angle), scales, (0, 1, 2), False)
    margin = np.maximum(initial - np.array(patch), initial - np.array(shape))
    low = [-m // 2 for m in margin]
    high = [s + m // 2 + m % 2 - i for s, m, i in zip(shape, margin, initial)]

    def sample():
        start = [np.random.randint(a, b + 1) for a, b in zip(low, high)]
        box = [[a, a + i] for a, i in zip(start, initial)]
        data = torch.from_numpy(crop_and_pad_nd(image, box, 0)).float()
        seg = torch.from_numpy(crop_and_pad_nd(labels, box, -1)).to(torch.int16)
        return transforms(image=data, segmentation=seg)

    with torch.no_grad():
        for _ in range(max(5, samples // 5)):
            sample()
        begin = time.process_time()
        for _ in range(samples):
            sample()
        rate = samples / (time.process_time() - begin)
    print(f"samples per CPU-second: {rate:.3f}", flush=True)


if __name__ == "__main__":
    patch = [int(n) for n in sys.argv[1].split(",")]
    measure(patch, [36, 52, 38] if patch[0] < 60 else [120, 260, 320], int(sys.argv[2]))
