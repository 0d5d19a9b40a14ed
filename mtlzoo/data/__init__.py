"""Mixtures: several task data sets joined into one `tf.data.Dataset` of (x, {task: y}, {task: weight})."""

from mtlzoo.data import sources as sources
from mtlzoo.data.aligned import aligned as aligned
from mtlzoo.data.describe import describe as describe
from mtlzoo.data.from_table import from_table as from_table
from mtlzoo.data.infer_tasks import infer_tasks as infer_tasks
from mtlzoo.data.label_with import label_with as label_with
from mtlzoo.data.load import is_table as is_table
from mtlzoo.data.load import load as load
from mtlzoo.data.mixed import mixed as mixed
from mtlzoo.data.overlay import overlay as overlay
from mtlzoo.data.paired import paired as paired
from mtlzoo.data.plot_examples import plot_examples as plot_examples
from mtlzoo.data.sampling import annealed as annealed
from mtlzoo.data.sampling import by_temperature as by_temperature
from mtlzoo.data.scaling import Scaling as Scaling
from mtlzoo.data.sources import Splits as Splits
from mtlzoo.data.sources import multitab_rows as multitab_rows
from mtlzoo.data.split import split as split
from mtlzoo.data.start_at import start_at as start_at
from mtlzoo.data.table_encoder import TableEncoder as TableEncoder
