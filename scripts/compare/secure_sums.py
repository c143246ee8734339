"""Secure sums beside TenSEAL and NVFlare's homomorphic filters: parameters, errors, bytes, and seconds of one core (of the processor, so that others on the machine count little).

The same updates in the shapes of FLARE's BraTS network (83 tensors, 4,702,227 values) are sealed by each of some sites,
added, divided and opened: by privacy-benchmarks under masks, under lattice masks, and under CKKS with FLARE's parameters
and with one prime alone, by TenSEAL as one flat vector, and by NVFlare's encryptor, aggregator and decryptor outside of a job. Each opened mean is compared with the plain
one in double precision, and ours with theirs.

    python scripts/compare/secure_sums.py [--program .build/release/privacy-benchmarks] [--sites 4] [--runs 3]
        (in an environment with tenseal==0.3.18, nvflare==2.9.0 and numpy)
"""
import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import json
import logging
import subprocess
import tempfile
import time

import numpy as np
import tenseal as ts
from tenseal import sealapi

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--program", default=".build/release/privacy-benchmarks")
parser.add_argument("--sites", type=int, default=4)
parser.add_argument("--runs", type=int, default=3)
options = parser.parse_args()


def segresnet(f=16, channels=4, labels=3):
    """The shapes of MONAI's SegResNet with blocks [1, 2, 2, 4] down and [1, 1, 1] up."""
    shapes = {"convInit.conv.weight": (f, channels, 3, 3, 3)}

    def block(name, width):
        for i in (1, 2):
            shapes[f"{name}.norm{i}.weight"] = shapes[f"{name}.norm{i}.bias"] = (width,)
            shapes[f"{name}.conv{i}.conv.weight"] = (width, width, 3, 3, 3)

    for i, blocks in enumerate([1, 2, 2, 4]):
        if i:
            shapes[f"down_layers.{i}.0.conv.weight"] = (f << i, f << (i - 1), 3, 3, 3)
        for j in range(blocks):
            block(f"down_layers.{i}.{j + 1}", f << i)
    for i in range(3):
        shapes[f"up_samples.{i}.0.conv.weight"] = (f << (2 - i), f << (3 - i), 1, 1, 1)
        block(f"up_layers.{i}.0", f << (2 - i))
    shapes |= {"conv_final.0.weight": (f,), "conv_final.0.bias": (f,)}
    return shapes | {"conv_final.2.conv.weight": (labels, f, 1, 1, 1), "conv_final.2.conv.bias": (labels,)}


shapes = segresnet()
count = sum(int(np.prod(s)) for s in shapes.values())
assert (len(shapes), count) == (83, 4_702_227), (len(shapes), count)
rng = np.random.default_rng(1)
updates = [rng.normal(0, 0.02, count).astype(np.float32) for _ in range(options.sites)]
weights = np.arange(1, options.sites + 1, dtype=np.float64)
plain = sum(w * u.astype(np.float64) for w, u in zip(weights, updates)) / weights.sum()


class Clock:
    def __init__(self):
        self.seconds = {}

    def __call__(self, step, body):
        start = time.process_time()
        result = body()
        self.seconds.setdefault(step, []).append(time.process_time() - start)
        return result

    def medians(self):
        return {step: float(np.median(times)) for step, times in self.seconds.items()}


def ours(form, folder, files):
    output = os.path.join(folder, form)
    command = "ckks" if form in ("flare", "additive") else "sums"
    text = subprocess.run(
        [options.program, command, "--form", form, "--runs", str(options.runs), "--output", output, *files],
        check=True, capture_output=True, text=True).stdout
    figures = json.loads(text)
    means = {"sum": np.fromfile(output, np.float32)}
    if form == "flare":
        means["product"] = np.fromfile(output + ".product", np.float32)
    return figures, means


def context():
    made = ts.context(
        ts.SCHEME_TYPE.CKKS, poly_modulus_degree=8192, coeff_mod_bit_sizes=[60, 40, 40], n_threads=1,
        encryption_type=ts.ENCRYPTION_TYPE.SYMMETRIC)
    made.global_scale = 2**40
    return made


def tenseal():
    clock, site, bytes_ = Clock(), context(), {}
    server = ts.context_from(site.serialize(save_secret_key=False))
    for _ in range(options.runs):
        total = None
        for update, weight in zip(updates, weights):
            vector = clock("encrypt", lambda: ts.ckks_vector(site, update * weight))
            data = clock("write", vector.serialize)
            bytes_["upload"] = len(data)
            arrived = clock("read", lambda: ts.ckks_vector_from(server, data))
            total = arrived if total is None else clock("add", lambda: total + arrived)
        product = clock("multiply", lambda: total * (1 / weights.sum()))
        data = product.serialize()
        bytes_["download after multiplication"] = len(data)
        opened = clock("decrypt product", lambda: np.array(ts.ckks_vector_from(site, data).decrypt()))
    refused = None
    try:
        product * 0.5
    except Exception as error:
        refused = str(error)
    return clock.medians(), bytes_, opened, refused


def nvflare():
    logging.disable(logging.CRITICAL)
    from nvflare.apis.dxo import DXO, DataKind
    from nvflare.apis.fl_context import FLContext
    from nvflare.app_common.aggregators.weighted_aggregation_helper import WeightedAggregationHelper
    from nvflare.app_opt.he import decomposers
    from nvflare.app_opt.he.model_decryptor import HEModelDecryptor
    from nvflare.app_opt.he.model_encryptor import HEModelEncryptor
    from nvflare.fuel.utils import fobs

    decomposers.register()
    clock, site, nothing, bytes_ = Clock(), context(), FLContext(), {}
    places = np.cumsum([0] + [int(np.prod(s)) for s in shapes.values()])
    helper = WeightedAggregationHelper(weigh_by_local_iter=False)
    for index, update in enumerate(updates):
        encryptor = HEModelEncryptor(weigh_by_local_iter=True)
        encryptor.tenseal_context, encryptor.encrypt_layers, encryptor.n_iter = site, [True], weights[index]
        params = {name: update[a:b].reshape(shapes[name]) for name, a, b in zip(shapes, places, places[1:])}
        sealed, flags = clock("encrypt", lambda: encryptor.encryption(params, nothing))
        data = clock("write", lambda: fobs.dumps(DXO(DataKind.WEIGHTS, data=sealed).to_shareable()))
        bytes_["upload"] = len(data)
        bytes_["upload, ciphertexts alone"] = sum(len(v.serialize()) for v in sealed.values())
        clock("add", lambda: helper.add(data=sealed, weight=weights[index], contributor_name=str(index),
                                        contribution_round=0))
    result = clock("multiply", helper.get_result)
    decryptor = HEModelDecryptor()
    decryptor.tenseal_context = site
    opened = clock("decrypt product", lambda: decryptor.decryption(dict(result), flags, nothing))
    return clock.medians(), bytes_, np.concatenate([np.asarray(opened[name]) for name in shapes])


def error(a, b):
    return float(np.abs(np.asarray(a, np.float64) - b).max())


def show(name, seconds, bytes_):
    print(name)
    for step, value in sorted(seconds.items()):
        print(f"    {step:32}{value:10.3f} s")
    for what, value in sorted(bytes_.items()):
        print(f"    {what:32}{value / 1e6:10.1f} MB   {value / count:.2f} a value")


chain = [m.value() for m in sealapi.CoeffModulus.Create(8192, [60, 40, 40])]
primes = subprocess.run(
    [options.program, "primes", "--degree", "8192", "60", "40", "40"], check=True, capture_output=True, text=True).stdout
assert [int(p) for p in primes.split()] == chain, (primes, chain)
print(f"{count} values, {options.sites} sites, one core; seconds of one site's vector, median of {options.runs}")
print("primes as SEAL's:", *chain)

with tempfile.TemporaryDirectory() as folder:
    files = []
    for index, update in enumerate(updates):
        files.append(os.path.join(folder, f"{index}.f32"))
        update.tofile(files[-1])
    means = {}
    for form in ("masks", "lattice", "flare", "additive"):
        figures, opened = ours(form, folder, files)
        means |= {f"ours, {form}, {how}": mean for how, mean in opened.items()}
        seconds = {k[:-8]: v for k, v in figures.items() if k.endswith(" seconds")}
        bytes_ = {k[:-6]: v for k, v in figures.items() if k.endswith(" bytes")}
        show(f"ours, {form}", seconds, bytes_)
seconds, bytes_, opened, refused = tenseal()
show("TenSEAL, one flat vector", seconds, bytes_)
means["TenSEAL"] = opened
print("    a second multiplication:", refused)
assert refused
seconds, bytes_, opened = nvflare()
show(f"NVFlare's filters, {len(shapes)} tensors", seconds, bytes_)
means["NVFlare"] = opened

print("largest error against the plain mean, and difference to TenSEAL's")
for name, mean in means.items():
    print(f"    {name:32}{error(mean, plain):10.2e}{error(mean, means['TenSEAL']):12.2e}")
    assert len(mean) == count and error(mean, plain) < 1e-6 and error(mean, means["TenSEAL"]) < 1e-6
