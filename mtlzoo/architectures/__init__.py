"""Architectures: builders that decide which tasks share what."""

from mtlzoo.architectures._registry import describe as describe
from mtlzoo.architectures._registry import get as get
from mtlzoo.architectures._registry import names as names
from mtlzoo.architectures._registry import rebuild as rebuild
from mtlzoo.architectures.cross_stitch import cross_stitch as cross_stitch
from mtlzoo.architectures.hard_sharing import hard_sharing as hard_sharing
from mtlzoo.architectures.mmoe import mmoe as mmoe
from mtlzoo.architectures.nddr import nddr as nddr
from mtlzoo.architectures.omoe import omoe as omoe
from mtlzoo.architectures.single_task import single_task as single_task
from mtlzoo.architectures.sluice import sluice as sluice
from mtlzoo.architectures.soft_sharing import soft_sharing as soft_sharing
