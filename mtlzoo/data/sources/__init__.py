"""Data sets by name: each source gives tasks and a mixture for train, validation and test."""

from mtlzoo.data.sources._registry import Splits as Splits
from mtlzoo.data.sources._registry import describe as describe
from mtlzoo.data.sources._registry import get as get
from mtlzoo.data.sources._registry import names as names
from mtlzoo.data.sources.census_income import census_income as census_income
from mtlzoo.data.sources.census_income import fake_census as fake_census
from mtlzoo.data.sources.digits import digits as digits
from mtlzoo.data.sources.fake_tfds import fake_tfds as fake_tfds
from mtlzoo.data.sources.multi_fashion import multi_fashion as multi_fashion
from mtlzoo.data.sources.multi_mnist import multi_mnist as multi_mnist
from mtlzoo.data.sources.multitab import multitab as multitab
from mtlzoo.data.sources.multitab import multitab_rows as multitab_rows
from mtlzoo.data.sources.tfds_images import from_tfds as from_tfds
