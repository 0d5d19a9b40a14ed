"""In what order rows are read: pure functions of the seed and the epoch, so that any epoch can be had again."""

import numpy as np


def generator(seed, *stream):
    """Returns the NumPy generator of a seed and the numbers of a stream."""
    return np.random.default_rng([seed, *stream])


class Passes:
    """The endless order of one data set: one permutation of its rows after the other.

    Args:
        size: number of rows.
        seed: the mixture's seed.
        stream: a number that tells this data set from the others.
        shuffle: False to read the rows in order, again and again.

    Source: sampling without replacement, permutation after permutation.

    >>> sorted(Passes(3, seed=0, stream=0, shuffle=True).rows(3, 3).tolist())
    [0, 1, 2]
    """

    def __init__(self, size, *, seed, stream, shuffle):
        self.size, self.key, self.shuffle = size, (seed, 3, stream), shuffle

    def rows(self, start, count):
        """Returns the rows at the places start … start + count − 1 of the endless order, int64 [count]."""
        if count == 0:
            return np.zeros(0, "int64")
        first, last = start // self.size, (start + count - 1) // self.size
        passes = [self._pass(number) for number in range(first, last + 1)]
        return np.concatenate(passes)[start - first * self.size :][:count]

    def _pass(self, number):
        return generator(*self.key, number).permutation(self.size) if self.shuffle else np.arange(self.size)


class MixedOrder:
    """Which rows of which data set make up an epoch of a mixture.

    Args:
        sizes: rows of each data set.
        sampling: None for every row exactly once, or a function (sizes, epoch) -> probabilities.
        epoch_size: draws in an epoch; ignored if `sampling` is None.
        seed: decides everything.
        shuffle: False for the rows of each data set in order.

    Source: the definition of an epoch in `mtlzoo.data.mixed`.

    >>> sorted(MixedOrder([2, 3], None, None, seed=0, shuffle=True).rows(0).tolist())
    [0, 1, 2, 3, 4]
    """

    def __init__(self, sizes, sampling, epoch_size, *, seed, shuffle):
        self.sizes, self.sampling, self.seed, self.shuffle = np.asarray(sizes), sampling, seed, shuffle
        self.size = int(self.sizes.sum()) if sampling is None else epoch_size
        self.passes = [Passes(int(size), seed=seed, stream=index, shuffle=shuffle) for index, size in enumerate(sizes)]
        self.offsets = np.concatenate([[0], np.cumsum(self.sizes)[:-1]])
        self._starts = [np.zeros(len(self.sizes), "int64")]

    def counts(self, epoch):
        """Returns how often each data set is drawn in the epoch, int64 [data sets]."""
        if self.sampling is None:
            return self.sizes
        probabilities = np.asarray(self.sampling(self.sizes, epoch), "float64")
        return generator(self.seed, 1, epoch).multinomial(self.size, probabilities / probabilities.sum())

    def choices(self, epoch):
        """Returns the index of the data set of each draw of the epoch, int64 [size]."""
        drawn = np.repeat(np.arange(len(self.sizes)), self.counts(epoch))
        return drawn if self.sampling is None and not self.shuffle else generator(self.seed, 2, epoch).permutation(drawn)

    def rows(self, epoch):
        """Returns the rows of the epoch, counted through all data sets, int64 [size]."""
        if self.sampling is None:
            return Passes(self.size, seed=self.seed, stream=0, shuffle=self.shuffle).rows(epoch * self.size, self.size)
        while len(self._starts) <= epoch:
            self._starts.append(self._starts[-1] + self.counts(len(self._starts) - 1))
        choices, order = self.choices(epoch), np.empty(self.size, "int64")
        for index, count in enumerate(self.counts(epoch)):
            order[choices == index] = self.offsets[index] + self.passes[index].rows(int(self._starts[epoch][index]), int(count))
        return order


class PairedOrder:
    """Which row of each data set stands at each place of an epoch of a paired mixture.

    Args:
        sizes: rows of each data set.
        seed: decides everything.
        shuffle: False for the rows of each data set in order.

    Source: the definition of an epoch in `mtlzoo.data.paired`.

    >>> PairedOrder([1, 2], seed=0, shuffle=False).rows(0).tolist()
    [[0, 0], [0, 1]]
    """

    def __init__(self, sizes, *, seed, shuffle):
        self.size = max(sizes)
        self.passes = [Passes(size, seed=seed, stream=index, shuffle=shuffle) for index, size in enumerate(sizes)]

    def rows(self, epoch):
        """Returns the rows of the epoch, int64 [size, data sets]."""
        return np.stack([part.rows(epoch * self.size, self.size) for part in self.passes], axis=1)
