#!/usr/bin/env python3
"""Does nnU-Net load a model folder, and go on training from its checkpoint? Meant for folders that Cohort made.

    .peers/bin/python scripts/compare/checkpoints.py --model RESULTS/DATASET/TRAINER__PLANS__CONFIGURATION [--fold 0]

Loads the checkpoint into nnU-Net's predictor and into a fresh nnU-Net trainer (weights, optimizer, log), takes one step on
random data, saves it again with nnU-Net, and compares what was read with what was written.
"""
import argparse
import json
import os
import sys
import tempfile
from pathlib import Path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--fold", default="0")
    parser.add_argument("--checkpoint", default="checkpoint_final.pth")
    a = parser.parse_args()
    scratch = tempfile.TemporaryDirectory()
    for folder in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
        os.environ[folder] = scratch.name

    import torch
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
    from nnunetv2.utilities.find_objects import recursive_find_trainer_class_by_name

    file = a.model / f"fold_{a.fold}" / a.checkpoint
    stored = torch.load(file, map_location="cpu", weights_only=False)
    fold = a.fold if a.fold == "all" else int(a.fold)
    predictor = nnUNetPredictor(device=torch.device("cpu"), allow_tqdm=False)
    predictor.initialize_from_trained_model_folder(str(a.model), (fold,), a.checkpoint)
    patch = predictor.configuration_manager.patch_size
    channels = len(predictor.dataset_json.get("channel_names", predictor.dataset_json.get("modality")))
    with torch.no_grad():
        output = predictor.network(torch.zeros(1, channels, *patch))
    print(f"nnUNetPredictor: {stored['trainer_name']}, output {tuple(output.shape)}, finite {bool(output.isfinite().all())}")

    plans = json.load(open(a.model / "plans.json"))
    plans["continue_training"] = False
    base = Path(scratch.name) / plans["dataset_name"]
    configuration = stored["init_args"]["configuration"]
    identifier = predictor.configuration_manager.data_identifier
    (base / identifier).mkdir(parents=True)
    (base / identifier / "case.b2nd").touch()  # names nnU-Net's kind of dataset
    trainer_class = recursive_find_trainer_class_by_name(stored["trainer_name"]) or nnUNetTrainer
    trainer = trainer_class(plans, configuration, fold, predictor.dataset_json, torch.device("cpu"))
    trainer.load_checkpoint(str(file))
    weights = trainer.network.state_dict()
    if list(weights) != list(stored["network_weights"]):
        sys.exit("the names of the state dict, or their order, are not nnU-Net's")
    if not all(torch.equal(weights[name], stored["network_weights"][name]) for name in weights):
        sys.exit("weights changed on their way")
    storages = {tensor.untyped_storage().data_ptr() for tensor in stored["network_weights"].values()}
    print(f"nnUNetTrainer: epoch {trainer.current_epoch}, {len(weights)} names over {len(storages)} tensors, optimizer state of "
          f"{len(trainer.optimizer.state)} parameters, {len(trainer.logger.get_value('train_losses', None))} epochs logged")
    if len(storages) != len(list(trainer.network.parameters())):
        sys.exit("aliases of a tensor do not share their storage")
    trainer.network.train()
    target = [torch.zeros(1, 1, *o.shape[2:]) for o in trainer.network(torch.zeros(1, channels, *patch))]
    loss = trainer.train_step({"data": torch.randn(1, channels, *patch), "target": target})["loss"]
    again = Path(scratch.name) / "again.pth"
    trainer.save_checkpoint(str(again))
    keys = torch.load(again, map_location="cpu", weights_only=False).keys()
    missing = set(keys) - set(stored.keys())
    print(f"one more step: loss {float(loss):.4f}; saved again")
    if missing:
        sys.exit(f"nnU-Net writes {sorted(missing)}, which this checkpoint lacks")
    if file.stat().st_size > 1.05 * again.stat().st_size:
        sys.exit(f"{file.stat().st_size} bytes, where nnU-Net needs {again.stat().st_size}")


if __name__ == "__main__":
    main()
