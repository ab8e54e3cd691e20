"""Turns of several sides whose medians are compared, like with like: how far the two processors are from each other changes on a
virtual machine, so it is measured around each stretch."""

import collections
import statistics

CORE, CACHE = 20, 100  # nanoseconds a cache line takes: below it, two processors share a core; a last-level cache


def distance(nanoseconds):
    return (nanoseconds > CORE) + (nanoseconds > CACHE)


class Rounds:
    """Rounds, each a side's figure by its name; where `fewest` kept to one distance they alone count."""

    def __init__(self, one_round, fewest, most):
        """`one_round` gives figures by side, and the transfers in nanoseconds before, between and after them. At least `fewest` rounds
        are made, and more, up to `most`, until as many had one distance throughout."""
        done, by_distance, alike = [], collections.defaultdict(list), []
        while len(done) < fewest or (len(alike) < fewest and len(done) < most):
            done.append(one_round())
            distances = {distance(transfer) for transfer in done[-1][1]}
            if len(distances) == 1:
                by_distance[distances.pop()].append(done[-1])
            alike = max(by_distance.values(), key=len, default=[])
        self.count, self.alike = len(done), len(alike)
        self.counting = alike if len(alike) >= fewest else done

    def values(self, name):
        return [figures[name] for figures, _ in self.counting]

    def median(self, name):
        return statistics.median(self.values(name))

    def described(self):
        """Of a row: least, median and greatest transfer of the rounds that count; how many were made, how many of one distance."""
        times = sorted(transfer for _, transfers in self.counting for transfer in transfers)
        return {"transfer_ns": [times[0], statistics.median(times), times[-1]], "rounds": self.count, "rounds_alike": self.alike}
