"""nnU-Net's own trainer with a length from the environment, and the time of each training step written down.

SHORT_EPOCHS, SHORT_ITERATIONS, SHORT_VAL_ITERATIONS, SHORT_SEED; SHORT_SKIP_VALIDATION=1 leaves out the final validation.
nnU-Net finds it through nnUNet_extTrainer=<this folder>, -tr nnUNetTrainerShort.
"""
import json
import os
import time

import numpy as np
import torch
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer


class nnUNetTrainerShort(nnUNetTrainer):
    def __init__(self, plans, configuration, fold, dataset_json, device=torch.device("cuda")):
        super().__init__(plans, configuration, fold, dataset_json, device)
        self.num_epochs = int(os.environ.get("SHORT_EPOCHS", 2))
        self.num_iterations_per_epoch = int(os.environ.get("SHORT_ITERATIONS", 10))
        self.num_val_iterations_per_epoch = int(os.environ.get("SHORT_VAL_ITERATIONS", 3))
        if "SHORT_SEED" in os.environ:
            torch.manual_seed(int(os.environ["SHORT_SEED"]))
            np.random.seed(int(os.environ["SHORT_SEED"]))
        self.step_times = []

    def train_step(self, batch):
        start = time.perf_counter()
        result = super().train_step(batch)
        self.step_times.append(time.perf_counter() - start)
        return result

    def on_train_end(self):
        super().on_train_end()
        with open(os.path.join(self.output_folder, "step_times.json"), "w") as file:
            json.dump(self.step_times, file)

    def perform_actual_validation(self, save_probabilities: bool = False):
        if os.environ.get("SHORT_SKIP_VALIDATION") != "1":
            super().perform_actual_validation(save_probabilities)
