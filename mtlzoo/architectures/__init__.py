"""Architectures: builders that decide which tasks share what."""

from mtlzoo.architectures._registry import describe as describe
from mtlzoo.architectures._registry import get as get
from mtlzoo.architectures._registry import names as names
from mtlzoo.architectures._registry import rebuild as rebuild
from mtlzoo.architectures.adatt import adatt as adatt
from mtlzoo.architectures.aitm import aitm as aitm
from mtlzoo.architectures.attention_sharing import attention_sharing as attention_sharing
from mtlzoo.architectures.cgc import cgc as cgc
from mtlzoo.architectures.chained import chained as chained
from mtlzoo.architectures.conditionals import conditionals as conditionals
from mtlzoo.architectures.conditioned import conditioned as conditioned
from mtlzoo.architectures.cross_stitch import cross_stitch as cross_stitch
from mtlzoo.architectures.dselect_k import dselect_k as dselect_k
from mtlzoo.architectures.esmm import esmm as esmm
from mtlzoo.architectures.hard_sharing import hard_sharing as hard_sharing
from mtlzoo.architectures.hybrid_attention import hybrid_attention as hybrid_attention
from mtlzoo.architectures.learning_to_branch import branches as branches
from mtlzoo.architectures.learning_to_branch import learning_to_branch as learning_to_branch
from mtlzoo.architectures.mmoe import mmoe as mmoe
from mtlzoo.architectures.mtan import mtan as mtan
from mtlzoo.architectures.nddr import nddr as nddr
from mtlzoo.architectures.omoe import omoe as omoe
from mtlzoo.architectures.ple import ple as ple
from mtlzoo.architectures.single_task import single_task as single_task
from mtlzoo.architectures.sluice import sluice as sluice
from mtlzoo.architectures.stem import stem as stem
