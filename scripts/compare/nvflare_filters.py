"""One of NVFlare's filters on a file of tensors; privacy_filters.py runs it in an environment that has NVFlare.

    python nvflare_filters.py FILTER SETTINGS INPUT OUTPUT      (INPUT and OUTPUT are .npz; SETTINGS is JSON, with "steps")
"""
import json
import sys
import time

import numpy as np
from nvflare.apis.dxo import DXO, DataKind, MetaKey
from nvflare.apis.fl_context import FLContext
from nvflare.apis.shareable import Shareable
from nvflare.app_common.filters.percentile_privacy import PercentilePrivacy
from nvflare.app_common.filters.svt_privacy import SVTPrivacy

name, settings, source, target = sys.argv[1:5]
settings = json.loads(settings)
steps = settings.pop("steps", 1)
np.random.seed(settings.pop("seed", 1))
result_filter = {"sparse-vector": SVTPrivacy, "percentile": PercentilePrivacy}[name](**settings)
with np.load(source) as file:
    data = {key: file[key] for key in file.files}
dxo = DXO(DataKind.WEIGHT_DIFF, data=data, meta={MetaKey.NUM_STEPS_CURRENT_ROUND: steps})
start = time.perf_counter()
result = result_filter.process_dxo(dxo, Shareable(), FLContext())
seconds = time.perf_counter() - start
np.savez(target, **result.data)
budget = result.meta.get("svt_privacy_budget")
print(json.dumps({"seconds": seconds, "budget": budget}))
