"""The search for groups of tasks. Sets of tasks are bit masks; a model is a group that it trains on and the part of it that it serves."""

import math

import numpy as np

# Relative to the largest gain: what differs by less is equal, and what is charged for each unit of cost, so that of equal choices the
# cheapest is taken.
_SAME, _CHARGE = 1e-12, 1e-10
_WHOLE = 1e-9  # What a budget may lack because of rounding.


class Search:
    """Branch and bound for the models, within a budget, whose gains of served tasks have the greatest sum.

    A node has the tasks not served yet and the budget left; it branches over the part that is served together with the lowest of
    these tasks, and over the number of helpers, tasks of the group that it does not serve. A node is left if one with the same tasks
    had as much budget and value, or by two bounds, both by dynamic programming over sets of tasks: the best sum if helpers
    cost nothing (where they do, it is the sum itself, so that the first descent finds the best), and the best sum if the budget
    can be overdrawn or sold at a price (Lagrange), for several prices.

    Args:
        gains: [2^T, T], what each task gains in each group; where it is no member nothing is read.
        budget: total cost.
        task_cost: what each task more adds to the cost of a model, which is 1 for one task.
    """

    def __init__(self, gains, budget, task_cost):
        self.tasks, self.budget, self.price = gains.shape[1], budget, task_cost
        self.sizes = np.array([mask.bit_count() for mask in range(len(gains))])
        self.largest = np.abs(gains).max() or 1.0
        self.same = _SAME * self.largest
        self.best, self.group = self._served(gains)
        self.reach = self._reach(self.best.max(axis=1))
        self.prices, self.priced = self._priced() if task_cost else (np.zeros(0), np.zeros((0, len(gains))))
        self.found, self.value, self.seen = [], -math.inf, {}

    def run(self):
        """Returns the best models as pairs of masks, group and served."""
        self._visit(len(self.sizes) - 1, self.budget, 0.0, [])
        return self.found

    def _models(self, left, tasks):
        """How many models the budget left can have at most, if it must serve so many tasks; 0 if it cannot."""
        spare = left - self.price * tasks
        most = np.where(spare > -_WHOLE, self.tasks, 0) if self.price == 1 else np.floor(spare / (1 - self.price) + _WHOLE)
        return np.clip(most, 0, self.tasks).astype(int)

    def _served(self, gains):
        """Greatest sum of gains, less the charge, by served set and number of helpers, and its group; −∞ if fewer helpers do as well."""
        helpers = 0
        if self.price:
            helpers = min(self.tasks - 1, math.floor((self.budget - 1 - self.price * (self.tasks - 1)) / self.price + _WHOLE))
        best = np.full((len(gains), helpers + 1), -math.inf)
        group = np.zeros(best.shape, int)
        for mask in np.argsort(self.sizes, kind="stable")[1:]:
            parts, sums = _subsets(int(mask), gains[mask])
            places = self.sizes[mask] - self.sizes[parts] if self.price else np.zeros(len(parts), int)
            keep = places <= helpers
            parts, sums, places = parts[keep], sums[keep], places[keep]
            more = sums > best[parts, places] + self.same
            best[parts[more], places[more]], group[parts[more], places[more]] = sums[more], mask
        best[0] = -math.inf
        best -= _CHARGE * self.largest * (1 + self.price * (self.sizes[:, None] + np.arange(helpers + 1) - 1))
        useful = best[:, 1:] > np.maximum.accumulate(best, axis=1)[:, :-1] + self.same
        best[:, 1:][~useful] = -math.inf
        return best, group

    def _reach(self, best):
        """Greatest sum by number of models at most and set of tasks to serve, if helpers cost nothing."""
        most = int(self._models(self.budget, self.tasks))
        reach = np.full((most + 1, len(best)), -math.inf)
        reach[:, 0] = 0.0
        for mask in range(1, len(best)):
            parts = _with_lowest(mask)
            reach[1:, mask] = (best[parts] + reach[:-1, mask ^ parts]).max(axis=1)
        return reach

    def _priced(self):
        """Prices of budget, and by price and set of tasks to serve the greatest sum less what its models cost at that price."""
        prices = self.largest * np.geomspace(0.01, 4 * self.tasks / self.price, 9)
        for _ in range(2):  # Once over all that may be, then closely around the price with the best bound for all tasks.
            costs = 1 + self.price * (self.sizes[:, None] + np.arange(self.best.shape[1]) - 1)
            best = np.stack([(self.best - price * costs).max(axis=1) for price in prices])
            sums = np.zeros(best.shape)
            for mask in range(1, best.shape[1]):
                parts = _with_lowest(mask)
                sums[:, mask] = (best[:, parts] + sums[:, mask ^ parts]).max(axis=1)
            place = int(np.argmin(sums[:, -1] + prices * self.budget))
            found = prices, sums
            prices = np.geomspace(prices[max(place - 1, 0)], prices[min(place + 1, len(prices) - 1)], 9)
        return found

    def _visit(self, mask, left, value, models):
        if not mask:
            self.found, self.value = models, value
            return
        if any(more >= left and better >= value for more, better in self.seen.get(mask, ())):
            return
        self.seen[mask] = [pair for pair in self.seen.get(mask, ()) if pair[0] > left or pair[1] > value] + [(left, value)]
        parts = _with_lowest(mask)
        rest = mask ^ parts
        helpers = np.arange(self.best.shape[1])
        after = left - 1 - self.price * (self.sizes[parts][:, None] + helpers - 1)
        count = np.minimum(self._models(after, self.sizes[rest][:, None]), len(self.reach) - 1)
        sums = value + self.best[parts] + self.reach[count, rest[:, None]]
        if len(self.prices):
            bound = (self.priced[:, rest, None] + self.prices[:, None, None] * after).min(axis=0)
            sums = np.minimum(sums, value + self.best[parts] + bound)
        sums[after < -_WHOLE] = -math.inf
        for place in np.argsort(-sums, axis=None, kind="stable"):
            part, helper = np.unravel_index(place, sums.shape)
            if sums[part, helper] <= self.value + self.same or sums[part, helper] == -math.inf:
                return
            served = int(parts[part])
            model = (int(self.group[served, helper]), served)
            self._visit(mask ^ served, after[part, helper], value + self.best[served, helper], [*models, model])


def _subsets(mask, gains):
    """All subsets of a mask and the sums of their gains."""
    parts, sums = np.zeros(1, int), np.zeros(1)
    for task in _tasks(mask):
        parts, sums = np.concatenate([parts, parts | 1 << task]), np.concatenate([sums, sums + gains[task]])
    return parts, sums


def _with_lowest(mask):
    """All subsets of a mask that have its lowest task."""
    first, *others = _tasks(mask)
    parts = np.array([1 << first])
    for task in others:
        parts = np.concatenate([parts, parts | 1 << task])
    return parts


def _tasks(mask):
    return [task for task in range(mask.bit_length()) if mask >> task & 1]
