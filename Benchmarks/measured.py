"""Runs a command and says what it and all its descendants took: wall time, CPU time, peak memory."""
import os
import platform
import subprocess
import threading
import time
from dataclasses import dataclass

import psutil


def processor():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


@dataclass
class Measurement:
    wall: float  # seconds
    cpu: float  # seconds, user and system, of the whole process tree
    peak: float  # MB, proportional set size summed over the tree (shared pages counted once)
    output: str


def measured(command, environment=None, interval=0.1):
    before = os.times()
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    peak, stop = 0, threading.Event()

    def watch():
        nonlocal peak
        while not stop.is_set():
            total = 0
            try:
                parent = psutil.Process(process.pid)
                for member in [parent, *parent.children(recursive=True)]:
                    try:
                        total += member.memory_full_info().pss
                    except (psutil.Error, OSError):
                        pass
            except psutil.Error:
                pass
            peak = max(peak, total)
            stop.wait(interval)

    watcher = threading.Thread(target=watch)
    watcher.start()
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    stop.set()
    watcher.join()
    after = os.times()
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{output[-4000:]}")
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
        # Samples miss short programs; the largest single process is known exactly.
    return Measurement(wall, cpu, max(peak, usage.ru_maxrss * 1024) / 1e6, output)


def figure(value, digits=3):
    """A number of so many digits, without an exponent."""
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:.0f}" if abs(rounded) >= 10 ** (digits - 1) else f"{rounded:.{digits}g}"
