"""Cohort's sparse vector and percentile filters beside NVFlare's own, on the same inputs.

NVFlare 2.7.2 (the sparse vector technique's legacy form) and 2.9.0 (the later form) are installed into .build/nvflare, each in
an environment of its own, or taken from NVFLARE_ENVIRONMENTS, a folder with nvflare-2.7.2 and nvflare-2.9.0. Compared are the
share of values that are sent, the scale of the noise, the sizes of what was chosen, and what is sent, the last two by a
two-sample test of Kolmogorov and Smirnov; the percentile filter's result bit by bit.

    swift build -c release --product privacy-peer
    python scripts/compare/privacy_filters.py [privacy-peer] [--small]
"""
import json
import os
import subprocess
import sys
import tempfile

root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
environments = os.environ.get("NVFLARE_ENVIRONMENTS", os.path.join(root, ".build", "nvflare"))
versions = {"legacy": "2.7.2", "flare28": "2.9.0"}


def python(version):
    folder = os.path.join(environments, f"nvflare-{version}")
    program = os.path.join(folder, "bin", "python")
    if not os.path.exists(program):
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([program, "-m", "pip", "install", "-q", f"nvflare=={version}", "numpy"], check=True)
    return program


try:
    import numpy as np
except ImportError:  # the environments have it
    program = python(versions["flare28"])
    os.execv(program, [program, *sys.argv])

arguments = [word for word in sys.argv[1:] if word != "--small"]
peer = arguments[0] if arguments else os.path.join(root, ".build", "release", "privacy-peer")
size = 200_000 if "--small" in sys.argv else 4_702_227
work = tempfile.mkdtemp()
failures = []


def write_safetensors(path, tensors):
    header, offset = {}, 0
    for name, value in tensors.items():
        kind = {"float32": "F32", "int64": "I64"}[str(value.dtype)]
        header[name] = {"dtype": kind, "shape": list(value.shape), "data_offsets": [offset, offset + value.nbytes]}
        offset += value.nbytes
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for value in tensors.values():
            file.write(value.tobytes())


def read_safetensors(path):
    with open(path, "rb") as file:
        data = file.read()
    length = int.from_bytes(data[:8], "little")
    kinds = {"F32": np.float32, "I64": np.int64}
    return {
        name: np.frombuffer(data[8 + length:][slice(*entry["data_offsets"])], kinds[entry["dtype"]]).reshape(
            entry["shape"])
        for name, entry in json.loads(data[8:8 + length]).items()}


def both(name, settings, form, tensors):
    """The filter of NVFlare and ours on the same tensors: both results, and what they said."""
    files = [os.path.join(work, file) for file in ("in.npz", "flare.npz", "in.safetensors", "ours.safetensors")]
    np.savez(files[0], **tensors)
    write_safetensors(files[2], tensors)
    flare = subprocess.run(
        [python(versions[form]), os.path.join(root, "scripts", "compare", "nvflare_filters.py"), name,
         json.dumps(settings), files[0], files[1]], check=True, capture_output=True, text=True).stdout
    ours_settings = {**settings, "form": form} if name == "sparse-vector" else settings
    ours = subprocess.run(
        [peer, name, json.dumps(ours_settings), files[2], files[3]], check=True, capture_output=True,
        text=True).stdout
    with np.load(files[1]) as file:
        theirs = {key: file[key] for key in file.files}
    return theirs, read_safetensors(files[3]), json.loads(flare.splitlines()[-1]), json.loads(ours)


def flat(tensors):
    return np.concatenate([tensors[name].ravel() for name in sorted(tensors) if tensors[name].ndim])


def kolmogorov_smirnov(a, b):
    """The largest distance of two samples' distributions, and the probability of a larger one where both are the same."""
    a, b = np.sort(a.astype(np.float64)), np.sort(b.astype(np.float64))
    points = np.concatenate([a, b])
    distance = np.max(np.abs(
        np.searchsorted(a, points, "right") / a.size - np.searchsorted(b, points, "right") / b.size))
    x = distance * np.sqrt(a.size * b.size / (a.size + b.size))
    terms = [2 * (-1) ** (k - 1) * np.exp(-2 * k * k * x * x) for k in range(1, 101)]
    return distance, float(min(1, max(0, sum(terms)))) if x > 0.2 else 1.0


def require(condition, text):
    if not condition:
        failures.append(text)
        print("  DIFFERS:", text)


random = np.random.default_rng(5)
shapes = [("encoder.0.weight", (32, 4, 3, 3, 3)), ("head.bias", (3,))]
rest = size - sum(int(np.prod(shape)) for _, shape in shapes)
shapes.append(("body.weight", (rest,)))


def tensors(deviation, steps):
    result = {name: (random.standard_normal(shape) * deviation * steps).astype(np.float32) for name, shape in shapes}
    result["norm.num_batches_tracked"] = np.array(57, np.int64)
    return result


brats = {"fraction": 0.9, "epsilon": 0.001, "noise_var": 1.0, "gamma": 1e-4}
cases = [
    ("BraTS setting", brats),
    ("class defaults", {}),
    # The choice depends on the values: its noise has a tenth of γ's scale.
    ("informative choice", {"fraction": 0.1, "noise_var": 5.0, "gamma": 1e-4, "tau": 4.5e-5}),
    ("without replacement", {**brats, "fraction": 0.3, "replace": False}),
]
steps = 40
for form in versions:
    for title, settings in cases:
        if title == "informative choice":
            sent = size * settings["fraction"]
            settings = {**settings, "epsilon": 40 * (sent / 4) ** (1 / 3) if form == "legacy" else 20 * sent}
        values = tensors(2e-5, steps)
        theirs, ours, said, own = both("sparse-vector", {**settings, "steps": steps}, form, values)
        x = flat(values) / steps
        a, b = flat(theirs) / steps, flat(ours) / steps
        gamma = settings.get("gamma", 1e-5)
        shares = [np.mean(a != 0), np.mean(b != 0)]
        print(f"{form} ({versions[form]}), {title}: {size} values")
        print(f"  sent: {shares[0]:.5f} NVFlare, {shares[1]:.5f} ours")
        # The threshold's noise is one draw for all values, so that shares of two runs differ a little.
        require(abs(shares[0] - shares[1]) < 0.004, f"{form}, {title}: share of values sent")
        # Laplace noise's scale is its mean magnitude. Legacy clips after it: what lies within ±γ is seen.
        clipped = np.clip(x, -gamma, gamma)
        if form == "flare28":
            scales = [np.mean(np.abs((y - clipped)[y != 0])) for y in (a, b)]
            expected = 2 * gamma / settings.get("noise_var", 0.1)
            print(f"  noise scale: {scales[0]:.6g} NVFlare, {scales[1]:.6g} ours, {expected:.6g} expected")
            require(abs(scales[1] / scales[0] - 1) < 0.02, f"{form}, {title}: scale of the noise")
        else:
            scales = [np.mean(np.abs(y[y != 0])) for y in (a, b)]
            ends = [np.mean(np.abs(y[y != 0]) > gamma * 0.99999) for y in (a, b)]
            print(f"  mean size: {scales[0]:.6g} NVFlare, {scales[1]:.6g} ours; at ±γ: {ends[0]:.5f}, {ends[1]:.5f}")
            require(abs(scales[1] / scales[0] - 1) < 0.02, f"{form}, {title}: size of what is sent")
            require(abs(ends[0] - ends[1]) < 0.01, f"{form}, {title}: share at ±γ")
        for what, samples in (
            ("values sent", [y[y != 0] for y in (a, b)]), ("sizes of what was chosen", [np.abs(x[y != 0]) for y in (a, b)])):
            # float64 against float32: on a grid that is coarser than both, since many values are exactly ±γ.
            distance, probability = kolmogorov_smirnov(*[np.round(s / (gamma * 1e-4)) for s in samples])
            print(f"  {what}: distance {distance:.6f}, p = {probability:.3f}")
            require(probability > 1e-6, f"{form}, {title}: {what}")
        if form == "flare28":
            print(f"  NVFlare books ε = {said['budget']['epsilon_total']:.6g}")
        print(f"  seconds: {said['seconds']:.2f} NVFlare, {own['seconds']:.3f} ours")
        scalar = "norm.num_batches_tracked"
        require(int(theirs[scalar]) == int(ours[scalar]) == 57, f"{form}, {title}: the scalar")

for form in versions:
    for settings in ({}, {"percentile": 90, "gamma": 3e-5}, {"percentile": 0, "gamma": 1}, {"percentile": 99.9},
                     {"percentile": 33.3, "gamma": 1e-5}, {"percentile": 100}):
        values = tensors(2e-5, steps)
        theirs, ours, said, own = both("percentile", {**settings, "steps": steps}, form, values)
        a, b = flat(theirs), flat(ours)
        differing = int(np.sum(a.astype(np.float32) != b))
        print(f"percentile ({versions[form]}) {settings}: {np.mean(b != 0):.5f} sent, {differing} of {a.size} values differ; "
              f"seconds: {said['seconds']:.3f} NVFlare, {own['seconds']:.3f} ours")
        require(differing == 0, f"percentile {settings}")

# What has no counterpart there: bytes, and the fastest of three times.
write_safetensors(os.path.join(work, "in.safetensors"), tensors(2e-5, steps))
for name, settings in (
    ("top-k", {"fraction": 0.01}), ("top-k", {"fraction": 0.1}), ("top-k", {"fraction": 0.1, "values": "float16"}),
    ("top-k", {"fraction": 0.1, "values": "float16", "folder": os.path.join(work, "rest")}), ("quantise", {"bits": 16}),
    ("quantise", {"bits": 8}), ("quantise", {"bits": 8, "folder": os.path.join(work, "rest")})):
    said = json.loads(subprocess.run(
        [peer, name, json.dumps(settings), os.path.join(work, "in.safetensors"), os.path.join(work, "out.safetensors"),
         "3"], check=True, capture_output=True, text=True).stdout)
    shown = {**settings, "folder": "…"} if "folder" in settings else settings
    print(f"{name} {shown}: {said['bytes']} of {4 * size} bytes, {said['seconds']:.3f} s at the site, "
          f"{said['server_seconds']:.3f} s at the server")

print("FAILED: " + "; ".join(failures) if failures else "equal")
sys.exit(bool(failures))
