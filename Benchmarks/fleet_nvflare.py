"""Rounds of NVFlare 2.9.0 in POC mode: its server and two clients as processes, with its own certificates.

usage: fleet_nvflare.py FOLDER BYTES ROUNDS, with one array; `fleet.py` runs it, and gets the rounds' seconds and the
peak memory of the server's processes in MB. A round is the time from one model's arrival at a client to the next's.
"""
import json
import os
import sys
import threading
import time
from pathlib import Path


def client(folder):
    import numpy as np
    import nvflare.client as flare

    flare.init()
    marks = []
    while flare.is_running():
        model = flare.receive()
        if model is None:
            break
        marks.append(time.time())
        (folder / f"marks-{flare.get_site_name()}").write_text(json.dumps(marks))
        params = {name: value + np.float32(0.5) * (np.float32(1) - value) for name, value in model.params.items()}
        flare.send(flare.FLModel(params=params, metrics={"accuracy": 0.5}))


def main(folder, size, rounds):
    os.environ["NVFLARE_POC_WORKSPACE"] = str(folder / "poc")
    os.environ["HOME"] = str(folder)
    import numpy as np
    import psutil
    from nvflare.app_common.np.recipes.fedavg import NumpyFedAvgRecipe
    from nvflare.recipe.poc_env import PocEnv

    np.save(folder / "initial.npy", np.random.default_rng(1).random(size // 4, np.float32))
    script = folder / "client.py"
    script.write_text(
        f"import sys\nfrom pathlib import Path\nsys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        f"from fleet_nvflare import client\nclient(Path({str(folder)!r}))\n")
    peak, ended = 0, threading.Event()

    def watch():
        nonlocal peak
        while not ended.wait(0.2):
            total = 0
            for process in psutil.process_iter(["cmdline"]):
                words = " ".join(process.info["cmdline"] or [])
                if str(folder) in words and ("server_train" in words or "runner_process" in words or "/server" in words):
                    try:
                        total += process.memory_info().rss
                    except psutil.Error:
                        pass
            peak = max(peak, total / 1e6)

    watcher = threading.Thread(target=watch)
    watcher.start()
    recipe = NumpyFedAvgRecipe(
        name="rounds", initial_ckpt=str(folder / "initial.npy"), min_clients=2, num_rounds=rounds,
        train_script=str(script))
    environment = PocEnv(num_clients=2)
    try:
        recipe.execute(environment).get_result(timeout=300)
    finally:
        ended.set()
        watcher.join()
        environment.stop(clean_up=True)
    marks = [json.loads(path.read_text()) for path in sorted(folder.glob("marks-*"))][0]
    print("\n" + json.dumps({"all": [b - a for a, b in zip(marks, marks[1:])], "peak": peak}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), int(sys.argv[2]), int(sys.argv[3]))
