"""nnU-Net's training transforms on one thread: augmented samples per CPU-second. usage: nnunet_augmentation.py 40,56,40 100"""
import sys
import time

import numpy as np
import torch
from nnunetv2.training.data_augmentation.compute_initial_patch_size import get_patch_size
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

torch.set_num_threads(1)
torch.manual_seed(1)
np.random.seed(1)
patch = [int(n) for n in sys.argv[1].split(",")]
count = int(sys.argv[2])
angle = (-30 / 360 * 2 * np.pi, 30 / 360 * 2 * np.pi)
initial = get_patch_size(patch, angle, angle, angle, (0.85, 1.25))
stages = int(np.log2(min(patch) / 4)) + 1
scales = [[1 / 2**i] * 3 for i in range(stages - 1)]
transforms = nnUNetTrainer.get_training_transforms(
    patch, angle, scales, (0, 1, 2), False, use_mask_for_norm=[False], foreground_labels=[1, 2])
image = torch.randn([1, *map(int, initial)])
label = (torch.rand([1, *map(int, initial)]) * 3).to(torch.int16)
for axis in (1, 2, 3):  # blocks, as organs are, instead of noise
    label = label.index_select(axis, torch.div(torch.arange(label.shape[axis]), 16, rounding_mode="floor") * 16)
transforms(image=image.clone(), segmentation=label.clone())
start = time.process_time()
for _ in range(count):
    transforms(image=image.clone(), segmentation=label.clone())
print(f"samples per CPU-second: {count / (time.process_time() - start):.3f}")
