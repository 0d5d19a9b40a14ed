"""Balancers: ways of weighing the tasks while they are trained."""

from mtlzoo.balancing._base import Balancer as Balancer
from mtlzoo.balancing._base import GramBalancer as GramBalancer
from mtlzoo.balancing._registry import describe as describe
from mtlzoo.balancing._registry import get as get
from mtlzoo.balancing._registry import names as names
from mtlzoo.balancing.aggregate import aggregate as aggregate
from mtlzoo.balancing.competitive import Competitive as Competitive
from mtlzoo.balancing.cosmos import COSMOS as COSMOS
from mtlzoo.balancing.dwa import DWA as DWA
from mtlzoo.balancing.energy import Energy as Energy
from mtlzoo.balancing.equal import EqualWeights as EqualWeights
from mtlzoo.balancing.famo import FAMO as FAMO
from mtlzoo.balancing.fixed import FixedWeights as FixedWeights
from mtlzoo.balancing.geometric_mean import GeometricMean as GeometricMean
from mtlzoo.balancing.go4align import GO4Align as GO4Align
from mtlzoo.balancing.gradvac import GradVac as GradVac
from mtlzoo.balancing.imtl_g import IMTLG as IMTLG
from mtlzoo.balancing.imtl_l import IMTLL as IMTLL
from mtlzoo.balancing.pbi import PBI as PBI
from mtlzoo.balancing.pcgrad import PCGrad as PCGrad
from mtlzoo.balancing.rlw import RLW as RLW
from mtlzoo.balancing.scale_invariant import ScaleInvariant as ScaleInvariant
from mtlzoo.balancing.stch import STCH as STCH
from mtlzoo.balancing.stch_staged import StagedSTCH as StagedSTCH
from mtlzoo.balancing.uncertainty_weighting import UncertaintyWeighting as UncertaintyWeighting
from mtlzoo.balancing.uwso import UWSO as UWSO
