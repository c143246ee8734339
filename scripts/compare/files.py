"""Cohort's files against the originals: checkpoints, case properties, arrays.

Makes files with PyTorch, NumPy, safetensors and nnU-Net's own trainer, lets Cohort read and write them (the suite
ExchangeTests), and reads the result with the originals.

    python scripts/compare/files.py FOLDER_OF_PREPROCESSED_DATASET     (holds nnUNetPlans.json and dataset.json)
"""
import os
import pickle
import shutil
import subprocess
import sys
import tempfile

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ["nnUNet_compile"] = "f"
source = os.path.abspath(sys.argv[1])
work = tempfile.mkdtemp()
os.environ["nnUNet_raw"] = os.environ["nnUNet_results"] = os.path.join(work, "results")
os.environ["nnUNet_preprocessed"] = os.path.join(work, "preprocessed")
dataset = os.path.join(work, "preprocessed", os.path.basename(source))

import numpy as np
import safetensors.numpy
import torch


def equal(a, b):
    """Equal in value, NumPy arrays and tensors included."""
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(equal, a, b))
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    return a == b


def make_trainer(device="cpu"):
    from batchgenerators.utilities.file_and_folder_operations import load_json
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    plans = load_json(os.path.join(dataset, "nnUNetPlans.json"))
    plans["continue_training"] = False
    trainer = nnUNetTrainer(
        plans, "3d_fullres", 0, load_json(os.path.join(dataset, "dataset.json")), torch.device(device))
    trainer.initialize()
    return trainer


def step(trainer, x):
    trainer.optimizer.zero_grad()
    loss = sum(o.pow(2).mean() for o in trainer.network(x))
    loss.backward()
    trainer.optimizer.step()
    return loss.item()


def main():
    shutil.copytree(source, dataset)
    subprocess.run(["chmod", "-R", "u+w", work], check=True)
    exchange = os.path.join(work, "exchange")
    os.makedirs(exchange)

    torch.manual_seed(0)
    torch.set_num_threads(2)
    trainer = make_trainer()
    x = torch.randn(2, 1, *trainer.configuration_manager.patch_size)
    for _ in range(2):
        step(trainer, x)
    for key in ("train_losses", "val_losses", "lrs", "mean_fg_dice", "epoch_start_timestamps", "epoch_end_timestamps"):
        trainer.logger.log(key, np.float32(0.3), 0)
    trainer.logger.log("dice_per_class_or_region", [np.float64(0.2), np.float64("nan")], 0)
    trainer._best_ema = np.float64(0.3)
    trainer.save_checkpoint(os.path.join(exchange, "theirs.pth"))

    codes = "?,i1,u1,i2,u2,i4,u4,i8,u8,f2,f4,f8".split(",")
    generator = np.random.RandomState(0)
    arrays = {f"a{i}": (generator.rand(3, 4, 5) * 100).astype(code) for i, code in enumerate(codes)}
    safetensors.numpy.save_file(arrays, os.path.join(exchange, "theirs.safetensors"))
    stored = {k: np.asfortranarray(v) if i % 2 else v.astype(v.dtype.newbyteorder(">")) for i, (k, v) in
              enumerate(arrays.items())}
    np.savez_compressed(os.path.join(exchange, "theirs.npz"), **stored)
    cases = os.path.join(dataset, "nnUNetPlans_3d_fullres")
    shutil.copytree(cases, os.path.join(exchange, "cases"))

    subprocess.run(
        ["swift", "test", "-c", "release", "--filter", "ExchangeTests"], check=True,
        cwd=os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
        env={**os.environ, "COHORT_EXCHANGE": exchange})

    theirs = torch.load(os.path.join(exchange, "theirs.pth"), weights_only=False)
    for weights_only in (False, True):
        ours = torch.load(os.path.join(exchange, "ours.pth"), weights_only=weights_only)
        cohort = ours.pop("cohort")
        assert cohort == {"seed": 2**63 - 1}, cohort
        for key in theirs:
            if key != "logging":
                assert equal(theirs[key], ours[key]), key
        assert list(theirs["logging"]) == list(ours["logging"])
        assert np.isnan(ours["logging"]["dice_per_class_or_region"][0][1])
    sizes = [os.path.getsize(os.path.join(exchange, name)) for name in ("theirs.pth", "ours.pth")]
    shared = len({t.untyped_storage().data_ptr() for t in ours["network_weights"].values()})
    print(f"checkpoint equal; {len(ours['network_weights'])} names, {shared} storages; bytes theirs, ours: {sizes}")
    torch.load(os.path.join(exchange, "ours.pth"), weights_only=False, mmap=True)

    other = make_trainer()
    other.load_checkpoint(os.path.join(exchange, "ours.pth"))
    assert other.current_epoch == 1 and other._best_ema == 0.3
    assert step(trainer, x) == step(other, x) and step(trainer, x) == step(other, x)
    print("nnUNetTrainer goes on from it with the same losses")

    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    model = os.path.join(work, "model")
    os.makedirs(os.path.join(model, "fold_0"))
    shutil.copy(os.path.join(exchange, "ours.pth"), os.path.join(model, "fold_0", "checkpoint_final.pth"))
    for name, content in (("plans.json", ours["init_args"]["plans"]), ("dataset.json", ours["init_args"]["dataset_json"])):
        import json
        with open(os.path.join(model, name), "w") as file:
            json.dump(content, file)
    predictor = nnUNetPredictor(device=torch.device("cpu"), perform_everything_on_device=False)
    predictor.initialize_from_trained_model_folder(model, (0,))
    print("nnUNetPredictor loads it")

    for name, reader in (("ours.npz", np.load), ("ours.safetensors", safetensors.numpy.load_file)):
        back = reader(os.path.join(exchange, name))
        for key, value in arrays.items():
            assert back[key].dtype == value.dtype and np.array_equal(back[key], value), (name, key)
    print("npz and safetensors equal")

    for name in os.listdir(cases):
        if name.endswith(".pkl"):
            with open(os.path.join(cases, name), "rb") as a, open(os.path.join(exchange, "cases", name), "rb") as b:
                a, b = pickle.load(a), pickle.load(b)
            assert equal(a, b), name
            assert [type(v) for v in a["spacing"]] == [type(v) for v in b["spacing"]]
    from nnunetv2.training.dataloading.data_loader import nnUNetDataLoader
    from nnunetv2.training.dataloading.nnunet_dataset import nnUNetDatasetBlosc2

    loader = nnUNetDataLoader(
        nnUNetDatasetBlosc2(os.path.join(exchange, "cases")), 2, trainer.configuration_manager.patch_size,
        trainer.configuration_manager.patch_size, trainer.label_manager, oversample_foreground_percent=1.0)
    batch = next(loader)
    assert all((np.asarray(target) > 0).any() for target in batch["target"])
    print("case properties equal; nnU-Net's data loader draws foreground patches by them")
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
