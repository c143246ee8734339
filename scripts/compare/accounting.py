"""Cohort's accountants beside Google's dp-accounting, over a grid of settings.

Asks `cohort privacy epsilon` for the ε of DP-SGD by Rényi divergences and by privacy loss distributions, and compares both
with the package's own accountants: Rényi within 0.1 %, PLD within 0.5 %.

    python scripts/compare/accounting.py --cohort .build/release/cohort     (pip install dp-accounting)
"""
import argparse
import itertools
import logging
import math
import subprocess
import sys

try:
    from dp_accounting import dp_event, pld, rdp
except ImportError:
    print("skipped: dp-accounting is not installed (pip install dp-accounting)")
    sys.exit(0)

# The vectors of the specification, and a grid around what runs use.
VECTORS = [
    (1, 1.0, 1, 1e-5), (1, 4.0, 50, 1e-5), (1, 6.38, 100, 1e-5), (0.01, 1.1, 10_000, 1e-5),
    (0.0032, 0.852, 78_125, 1e-5), (0.01, 1.3, 30_000, 1e-5), (1 / 60, 1.79, 36_000, 1e-3), (0.25, 2.0, 600, 1e-3)]
GRID = list(itertools.product((0.001, 0.01, 0.1, 0.5, 1), (0.7, 1.0, 2.0, 8.0), (1, 100, 10_000), (1e-3, 1e-5, 1e-7)))
# The orders that both take the best of. Cohort's own more, ∞, is for Laplace noise alone.
ORDERS = [1 + x / 10 for x in range(1, 100)] + list(range(11, 65)) + [80, 96, 128, 192, 256, 384, 512, 1024]


def reference(rate, sigma, steps, delta, largest):
    """Of both accountants; None where ε is too large for the package's grid to fit in memory."""
    event = dp_event.GaussianDpEvent(sigma)
    if rate < 1:
        event = dp_event.PoissonSampledDpEvent(rate, event)
    event = dp_event.SelfComposedDpEvent(event, steps)
    values = []
    for accountant in (rdp.RdpAccountant(ORDERS), pld.PLDAccountant()):
        accountant.compose(event)
        values.append(accountant.get_epsilon(delta))
        if values[-1] > largest:
            return None
    return values


def ours(cohort, rate, sigma, steps, delta):
    output = subprocess.run(
        [*cohort, "privacy", "epsilon", "--sampling-rate", repr(rate), "--noise-multiplier", repr(sigma), "--steps",
         str(steps), "--delta", repr(delta)], check=True, capture_output=True, text=True).stdout
    lines = dict(line.split(": ", 1) for line in output.splitlines() if ": " in line)
    return [math.inf if lines[name] == "∞" else float(lines[name]) for name in ("Rényi", "PLD")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohort", nargs="+", required=True, help="the program, with what comes before its arguments")
    parser.add_argument("--largest", type=float, default=50, help="settings of a larger ε are left out")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)  # orders that do not converge, which both leave out
    worst, compared, bad = [0.0, 0.0], 0, 0
    for setting in VECTORS + GRID:
        expected = reference(*setting, arguments.largest)
        if expected is None:
            continue
        found = ours(arguments.cohort, *setting)
        compared += 1
        for index, (name, tolerance) in enumerate((("Rényi", 1e-3), ("PLD", 5e-3))):
            # Below 0.0001 the printed digits and the grid of losses are what differs.
            error = abs(found[index] - expected[index]) / max(expected[index], 1e-4)
            worst[index] = max(worst[index], error)
            if not error <= tolerance:
                bad += 1
                print(f"q {setting[0]:g}, σ {setting[1]:g}, {setting[2]} steps, δ {setting[3]:g}: {name} {found[index]:.6g}"
                      f" instead of {expected[index]:.6g}")
    print(f"{compared} settings; largest differences: Rényi {worst[0]:.1e}, PLD {worst[1]:.1e} (relative)")
    if bad:
        sys.exit(f"{bad} values differ by more than 0.1 % (Rényi) or 0.5 % (PLD)")


main()
