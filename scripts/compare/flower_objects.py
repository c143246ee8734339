"""Cohort's objects against those of Flower's own classes, and its .proto files against the descriptors in the wheel.

Makes random messages with flwr, lets Cohort read and write them again and make some of its own (the suite
FlowerExchangeTests, built in release), and reads those with flwr. Bytes and ids must be equal both ways.

    python scripts/compare/flower_objects.py        (in an environment with flwr==1.41.0)
"""
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

os.environ["FLWR_TELEMETRY_ENABLED"] = "0"
os.environ["FLWR_DISABLE_UPDATE_CHECK"] = "1"

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Error, Message, MetricRecord, RecordDict
from flwr.app.metadata import Metadata
from flwr.proto import (
    error_pb2, fab_pb2, fleet_pb2, heartbeat_pb2, message_pb2, node_pb2, recorddict_pb2, run_pb2, transport_pb2)
from flwr.supercore.inflatable.inflatable_object import get_all_nested_objects
from flwr.supercore.inflatable.inflatable_utils import inflate_object_from_contents
from google.protobuf import descriptor as pb

root = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
work = tempfile.mkdtemp()
rng = random.Random(5)


def check_protocol():
    """Every field of our .proto files has the number, type and label that Flower gives it."""
    scalar = {getattr(pb.FieldDescriptor, n): n[5:].lower() for n in dir(pb.FieldDescriptor) if n.startswith("TYPE_")}
    modules = {
        "error": error_pb2, "fab": fab_pb2, "fleet": fleet_pb2, "heartbeat": heartbeat_pb2, "message": message_pb2,
        "node": node_pb2, "recorddict": recorddict_pb2, "run": run_pb2, "transport": transport_pb2}
    count = 0
    for name, module in modules.items():
        text = open(f"{root}/Sources/Fleet/Protocol/flwr/proto/{name}.proto").read()
        text = re.sub(r"//.*", "", text)
        path = []
        for token in re.finditer(
                r"message (\w+) \{|oneof (\w+) \{|(optional |repeated )?(map<\w+, \w+>|\w+) (\w+) = (\d+);|\}", text):
            message, oneof, label, kind, field, number = token.groups()
            if message or oneof:
                path.append(message or "")
            elif field:
                names = [p for p in path if p]
                theirs = module.DESCRIPTOR.message_types_by_name[names[0]]
                for inner in names[1:]:
                    theirs = theirs.nested_types_by_name[inner]
                theirs = theirs.fields_by_name[field]
                is_map = theirs.message_type is not None and theirs.message_type.GetOptions().map_entry
                assert theirs.number == int(number), (name, names, field)
                assert is_map == kind.startswith("map<"), (name, names, field)
                if not is_map:
                    found = theirs.message_type.name if theirs.message_type else scalar[theirs.type]
                    assert found == kind, (name, names, field, found)
                    assert theirs.is_repeated == (label == "repeated "), (name, names, field)
                count += 1
            else:
                path.pop()
    return count


def random_records(index):
    records = RecordDict()
    for name in ["arrays", "größe \"\\ \U0001f600", "c\n\x7f"][:rng.randint(0, 3)]:
        arrays = {}
        for place in range(rng.randint(0, 4)):
            dtype = rng.choice(["f8", "f4", "f2", "i8", "i4", "u1", "?"])
            shape = tuple(rng.randint(0, 5) for _ in range(rng.randint(0, 4)))
            # ascontiguousarray makes a vector of a scalar.
            array = np.asarray(np.array(np.random.RandomState(index).randint(0, 2, shape), dtype), order="C")
            arrays[f"layer.{place}"] = Array(array)
        records[name] = ArrayRecord(arrays)
    if index == 0:
        records["large"] = ArrayRecord({"w": Array(np.arange(3_000_000, dtype="f4")), "z": Array(np.zeros(4_000_000, "f4"))})
    records["m"] = MetricRecord({
        "d": rng.random(), "i": rng.randint(-2**63, 2**63 - 1), "u": rng.randint(2**63, 2**64 - 1),
        "ds": [0.0, -0.0, float("inf")], "is": [0, -2**63], "us": [2**64 - 1, 1], "none": []})
    records["s"] = ConfigRecord({
        "d": 0.0, "i": 0, "b": False, "s": "", "y": b"", "ds": [1.0], "is": [index], "us": [2**64 - 1],
        "bs": [False, True], "ss": ["é", ""], "ys": [b"\xff", b""], "none": []})
    return records


def random_message(index):
    metadata = Metadata(
        run_id=rng.randint(0, 2**64 - 1), message_id="", src_node_id=1, dst_node_id=rng.randint(0, 2**64 - 1),
        reply_to_message_id="" if index % 2 else "ab" * 32, group_id=str(index), created_at=1.8e9 + index, ttl=3600.5,
        message_type="train", src_task_id=None, dst_task_id=0 if index % 3 else None)
    if index % 8 == 7:
        return Message(metadata=metadata, error=Error(code=index - 20, reason=f"index {index}"))
    return Message(metadata=metadata, content=random_records(index))


print(check_protocol(), "fields as in the wheel")
for index in range(40):
    message = random_message(index)
    folder = os.path.join(work, "theirs", message.object_id)
    os.makedirs(folder)
    for name, item in get_all_nested_objects(message).items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(item.deflate())

subprocess.run(
    ["swift", "test", "-c", "release", "--filter", "FlowerExchangeTests"], cwd=root, check=True,
    env=dict(os.environ, COHORT_FLOWER_EXCHANGE=work), stdout=sys.stderr)

ours = os.path.join(work, "ours")
objects = 0
for name in os.listdir(ours):
    contents = {}
    for item in os.listdir(os.path.join(ours, name)):
        with open(os.path.join(ours, name, item), "rb") as file:
            contents[item] = file.read()
    message = inflate_object_from_contents(name, dict(contents))
    if message.has_content():
        for record in message.content.array_records.values():
            for array in record.values():
                value = array.numpy()
                assert str(value.dtype) == array.dtype and value.shape == array.shape
    again = {key: item.deflate() for key, item in get_all_nested_objects(message).items()}
    assert again == contents, name
    objects += len(contents)
assert len(os.listdir(ours)) == 40
print(len(os.listdir(ours)), "messages of ours,", objects, "objects: equal bytes and ids in flwr")
shutil.rmtree(work)
