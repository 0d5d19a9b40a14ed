"""Growth: a trained model gains tasks, and a task's own weights get a file of their own."""

from mtlzoo.growth.add_task import add_task as add_task
from mtlzoo.growth.alone import alone as alone
from mtlzoo.growth.prune import KeepZeros as KeepZeros
from mtlzoo.growth.prune import prune as prune
from mtlzoo.growth.settle import settle as settle
from mtlzoo.growth.task_files import load_task as load_task
from mtlzoo.growth.task_files import save_task as save_task
