"""Data sets by name: each source gives tasks and a mixture for train, validation and test."""

from mtlzoo.data.sources._registry import Splits as Splits
from mtlzoo.data.sources._registry import describe as describe
from mtlzoo.data.sources._registry import get as get
from mtlzoo.data.sources._registry import names as names
from mtlzoo.data.sources.digits import digits as digits
