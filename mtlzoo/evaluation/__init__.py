"""Evaluation: models judged per task and overall, side by side with baselines, in text, JSON, Markdown and pictures."""

from mtlzoo.evaluation._report import Report as Report
from mtlzoo.evaluation._transfer import Transfer as Transfer
from mtlzoo.evaluation.chance_results import chance_results as chance_results
from mtlzoo.evaluation.compare import compare as compare
from mtlzoo.evaluation.delta_m import delta_m as delta_m
from mtlzoo.evaluation.history import best_epochs as best_epochs
from mtlzoo.evaluation.history import history_frame as history_frame
from mtlzoo.evaluation.history import save_history as save_history
from mtlzoo.evaluation.hypervolume import hypervolume as hypervolume
from mtlzoo.evaluation.mean_interval import mean_interval as mean_interval
from mtlzoo.evaluation.mean_ranks import mean_ranks as mean_ranks
from mtlzoo.evaluation.pareto_front import pareto_front as pareto_front
from mtlzoo.evaluation.plot_transfer import plot_transfer as plot_transfer
from mtlzoo.evaluation.plots import plot_history as plot_history
from mtlzoo.evaluation.plots import plot_report as plot_report
from mtlzoo.evaluation.reference_point import reference_point as reference_point
from mtlzoo.evaluation.report import report as report
from mtlzoo.evaluation.sharing import plot_sharing as plot_sharing
from mtlzoo.evaluation.toy import plot_toy as plot_toy
from mtlzoo.evaluation.toy import toy_losses as toy_losses
from mtlzoo.evaluation.toy import toy_path as toy_path
from mtlzoo.evaluation.transfer import transfer as transfer
