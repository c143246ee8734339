#!/usr/bin/env python3
"""Cohort against nnU-Net 2.8.1, stage by stage, on one machine in one run.

    scripts/compare/setup .peers
    .peers/bin/python Benchmarks/against_nnunet.py --data path/to/Task04_Hippocampus --peers .peers [--out table.md]

Both programs run with their default settings on the same raw dataset. Wall and CPU time and peak memory are of the whole
process tree. Every stage is run by the two programs one after the other; with --repeat N the best of N is taken for each.
The table goes to the screen and to --out.
"""
import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from measured import measured, processor

ROOT = Path(__file__).resolve().parent.parent
STAGES = ["help", "fingerprint", "preprocess", "augmentation", "train", "predict"]


class Bench:
    def __init__(self, arguments):
        self.arguments = arguments
        self.work = Path(arguments.work or tempfile.mkdtemp(prefix="cohort-bench-"))
        self.cohort = str(Path(arguments.cohort).resolve())
        self.peers = Path(arguments.peers).resolve() / "bin"
        self.rows = []
        self.environments = {}
        for who in ("nnunet", "cohort"):
            folders = {f"nnUNet_{kind}": str(self.work / who / kind) for kind in ("raw", "preprocessed", "results")}
            for folder in folders.values():
                Path(folder).mkdir(parents=True, exist_ok=True)
            self.environments[who] = {**os.environ, **folders, "PATH": f"{self.peers}:{os.environ['PATH']}"}
        self.environments["nnunet"]["nnUNet_extTrainer"] = str(ROOT / "scripts/compare/trainers")

    def raw(self, who):
        return Path(self.environments[who]["nnUNet_raw"]) / "Dataset004_Hippocampus"

    def run(self, who, command):
        best = None
        for _ in range(self.arguments.repeat):
            m = measured(command, self.environments[who])
            if best is None or m.cpu < best.cpu:
                best = m
        return best

    def row(self, stage, what, theirs, ours, unit, goal, larger_is_better=False):
        ratio = ours / theirs if larger_is_better else theirs / ours
        self.rows.append((stage, what, theirs, ours, unit, ratio, goal))
        print(f"{stage:14} {what:12} nnU-Net {theirs:9.3f} {unit:10} Cohort {ours:9.3f}  ratio {ratio:7.2f}  goal {goal}", flush=True)

    def rows_of(self, stage, theirs, ours, cpu_goal, wall_goal="", memory_goal=3):
        self.row(stage, "CPU time", theirs.cpu, ours.cpu, "s", cpu_goal)
        self.row(stage, "wall time", theirs.wall, ours.wall, "s", wall_goal)
        self.row(stage, "peak memory", theirs.peak, ours.peak, "MB", memory_goal)

    # MARK: the dataset, once, for both

    def prepare(self):
        source = Path(self.arguments.data)
        staged = self.work / "Task04_Hippocampus"
        if not staged.exists():
            shutil.copytree(source, staged)
            (staged / "imagesTs").mkdir(exist_ok=True)
        if not self.raw("nnunet").exists():
            subprocess.run([self.peers / "nnUNetv2_convert_MSD_dataset", "-i", staged, "-overwrite_id", "4", "-np", "2"],
                           env=self.environments["nnunet"], check=True, stdout=subprocess.DEVNULL)
        if not self.raw("cohort").exists():
            self.raw("cohort").symlink_to(self.raw("nnunet"))

    # MARK: stages

    def help(self):
        theirs = self.run("nnunet", [str(self.peers / "nnUNetv2_train"), "-h"])
        ours = self.run("cohort", [self.cohort, "train", "--help"])
        self.rows_of("--help", theirs, ours, "", "", "")

    def fingerprint(self):
        theirs = self.run("nnunet", [str(self.peers / "nnUNetv2_extract_fingerprint"), "-d", "4", "--clean", "--no_pbar"])
        ours = self.run("cohort", [self.cohort, "extract-fingerprint", "-d", "4", "--clean", "--no_pbar"])
        self.rows_of("fingerprint", theirs, ours, 30)
        # From here on both work by nnU-Net's fingerprint and plan.
        subprocess.run([self.peers / "nnUNetv2_plan_experiment", "-d", "4"], env=self.environments["nnunet"], check=True,
                       stdout=subprocess.DEVNULL)
        self.share_plans()

    def share_plans(self):
        theirs = Path(self.environments["nnunet"]["nnUNet_preprocessed"]) / "Dataset004_Hippocampus"
        ours = Path(self.environments["cohort"]["nnUNet_preprocessed"]) / "Dataset004_Hippocampus"
        ours.mkdir(parents=True, exist_ok=True)
        for name in ("dataset.json", "dataset_fingerprint.json", "nnUNetPlans.json"):
            shutil.copy(theirs / name, ours / name)

    def preprocess(self):
        flags = ["-d", "4", "-c", "3d_fullres", "--no_pbar"]
        theirs = self.run("nnunet", [str(self.peers / "nnUNetv2_preprocess"), *flags])
        ours = self.run("cohort", [self.cohort, "preprocess", *flags])
        self.rows_of("preprocess", theirs, ours, 8)

    def augmentation(self):
        for patch, samples in (("40,56,40", 400), ("80,160,192", 12)):
            theirs = measured([str(self.peers / "python"), str(ROOT / "Benchmarks/nnunet_augmentation.py"), patch,
                               str(max(6, samples // 4))], self.environments["nnunet"])
            ours = measured([str(ROOT / ".build/release/kernel-benchmarks"), "augmentation", patch, str(samples)],
                            self.environments["cohort"])
            rates = [float(re.search(r"samples per CPU-second: ([\d.]+)", m.output)[1]) for m in (theirs, ours)]
            self.row("augmentation", patch.replace(",", "×"), rates[0], rates[1], "/CPU-s", 6, larger_is_better=True)

    def train(self):
        epochs, iterations = 2, self.arguments.iterations
        environment = self.environments["nnunet"]
        environment.update(SHORT_EPOCHS=str(epochs), SHORT_ITERATIONS=str(iterations), SHORT_VAL_ITERATIONS="2",
                           SHORT_SKIP_VALIDATION="1")
        theirs = measured([str(self.peers / "nnUNetv2_train"), "4", "3d_fullres", "0", "-tr", "nnUNetTrainerShort",
                           "-device", "cpu"], environment)
        folder = Path(environment["nnUNet_results"]) / "Dataset004_Hippocampus/nnUNetTrainerShort__nnUNetPlans__3d_fullres/fold_0"
        their_steps = json.load(open(folder / "step_times.json"))[2:]
        for precision in ("fp32", "bf16"):
            ours = measured([self.cohort, "train", "4", "3d_fullres", "0", "-device", "cpu", "--epochs", str(epochs),
                             "--iterations-per-epoch", str(iterations), "--val-iterations-per-epoch", "2", "--precision",
                             precision, "--skip-final-validation", "--step-times", str(self.work / "steps.json")],
                            self.environments["cohort"])
            our_steps = json.load(open(self.work / "steps.json"))[2:]
            self.row("training step", f"{precision}, median", statistics.median(their_steps), statistics.median(our_steps),
                     "s", 1.5 if precision == "bf16" else "")
            self.row("training", f"{precision} memory", theirs.peak, ours.peak, "MB", 3)

    def predict(self):
        # The same checkpoint for both: nnU-Net's own, under the name that each program expects.
        name = "Dataset004_Hippocampus/nnUNetTrainerShort__nnUNetPlans__3d_fullres"
        model = Path(self.environments["nnunet"]["nnUNet_results"]) / name
        images = self.work / "five"
        if not images.exists():
            images.mkdir()
            for file in sorted((self.raw("nnunet") / "imagesTr").iterdir())[:5]:
                shutil.copy(file, images)
        flags = ["-m", str(model), "-i", str(images), "-f", "0", "-device", "cpu"]
        theirs = self.run("nnunet", [str(self.peers / "nnUNetv2_predict_from_modelfolder"), *flags, "-o", str(self.work / "theirs")])
        ours = self.run("cohort", [self.cohort, "predict-from-modelfolder", *flags, "-o", str(self.work / "ours")])
        self.row("predict", "wall time", theirs.wall, ours.wall, "s", 5)
        self.row("predict", "CPU time", theirs.cpu, ours.cpu, "s", "")
        self.row("predict", "peak memory", theirs.peak, ours.peak, "MB", 3)

    def table(self):
        lines = [f"{processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}", "",
                 "| stage | measure | nnU-Net 2.8.1 | Cohort | ratio | goal |", "|---|---|---|---|---|---|"]
        for stage, what, theirs, ours, unit, ratio, goal in self.rows:
            lines.append(f"| {stage} | {what} | {theirs:.3g} {unit} | {ours:.3g} {unit} | {ratio:.1f}× | {f'{goal}×' if goal else ''} |")
        return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="the Decathlon's Task04_Hippocampus folder")
    parser.add_argument("--peers", default=str(ROOT / ".peers"))
    parser.add_argument("--cohort", default=str(ROOT / ".build/release/cohort"))
    parser.add_argument("--work", help="folder to work in (default: a new temporary one)")
    parser.add_argument("--stages", nargs="+", default=STAGES, choices=STAGES)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--iterations", type=int, default=8, help="training iterations per epoch (2 epochs)")
    parser.add_argument("--out", help="write the table here too")
    bench = Bench(parser.parse_args())
    bench.prepare()
    for stage in bench.arguments.stages:
        getattr(bench, stage)()
    print("\n" + bench.table())
    if bench.arguments.out:
        Path(bench.arguments.out).write_text(bench.table())


if __name__ == "__main__":
    main()
