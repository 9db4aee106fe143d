"""Every metric in one table; a new metric is a function and a row here."""

from dataclasses import replace
from math import log

from scoring.metrics import parameters
from scoring.metrics.accuracy import accuracy, balanced_accuracy, right
from scoring.metrics.agreement import cohen_kappa, matthews_corrcoef
from scoring.metrics.auc import mean_column_roc_auc, roc_auc, weighted_roc_auc
from scoring.metrics.average_precision import (
    average_precision,
    label_ranking_average_precision,
    label_rankings,
)
from scoring.metrics.costs import (
    cost_weighted_accuracy,
    cost_weighted_rows,
    hierarchical_accuracy,
    hierarchical_rows,
)
from scoring.metrics.f_scores import f1, fbeta, jaccard, precision, recall
from scoring.metrics.metric import Accepts, Metric
from scoring.metrics.multilabel import (
    column_log_losses,
    hamming_loss,
    hamming_losses,
    mean_column_log_loss,
    right_sets,
    subset_accuracy,
)
from scoring.metrics.probabilistic import probabilistic_f1
from scoring.metrics.probabilities import (
    CLIP,
    brier,
    brier_distances,
    ece,
    log_loss,
    log_losses,
)
from scoring.metrics.ranked import map_at_k, reciprocal_ranks
from scoring.metrics.top_k import top_k_accuracy, top_k_error, top_k_hits, top_k_misses

_LABELS = Accepts("labels", "codes")
_RANKED = Accepts("ranked", "codes")
_SETS = Accepts("sets", "matrix")
_MARKS = Accepts("probabilities", "matrix", "binary")
_SHARES = Accepts("probabilities", "codes", "shares")
_CHANCE = Accepts("score", "positive", "unit")
_SCORE = Accepts("score", "positive")
_CHANCE_ASKED = replace(_CHANCE, asked=True)
_SCORE_ASKED = replace(_SCORE, asked=True)
_COLUMNS = Accepts("probabilities", "either")
_TOP_K = (Accepts("probabilities", "codes"), _RANKED, Accepts("labels", "codes", when=(("k", 1),)))

_SHARE = (0.0, 1.0)
_LOSS = (0.0, -log(CLIP))

_ALL = (
    Metric(
        "accuracy",
        "Accuracy",
        "maximize",
        (_LABELS,),
        accuracy,
        _SHARE,
        "share of rows with the right class",
        rows=right,
        interval="wilson",
    ),
    Metric(
        "balanced_accuracy",
        "Balanced accuracy",
        "maximize",
        (_LABELS,),
        balanced_accuracy,
        (-1.0, 1.0),  # below 0 only where it is adjusted
        "mean recall over the true classes (Brodersen et al. 2010)",
        (parameters.ADJUSTED,),
    ),
    Metric(
        "top_k_accuracy",
        "Top-k accuracy",
        "maximize",
        _TOP_K,
        top_k_accuracy,
        _SHARE,
        "share of rows with the true class among the first k",
        (parameters.K,),
        top_k_hits,
        "wilson",
    ),
    Metric(
        "top_k_error",
        "Top-k error",
        "minimize",
        _TOP_K,
        top_k_error,
        _SHARE,
        "share of rows without the true class among the first k (Russakovsky et al. 2015)",
        (parameters.K,),
        top_k_misses,
        "wilson",
    ),
    Metric(
        "precision",
        "Precision",
        "maximize",
        (_LABELS, _SETS, _MARKS),
        precision,
        _SHARE,
        "TP / (TP + FP) (van Rijsbergen 1979)",
        (parameters.AVERAGE, parameters.POSITIVE),
    ),
    Metric(
        "recall",
        "Recall",
        "maximize",
        (_LABELS, _SETS, _MARKS),
        recall,
        _SHARE,
        "TP / (TP + FN) (van Rijsbergen 1979)",
        (parameters.AVERAGE, parameters.POSITIVE),
    ),
    Metric(
        "f1",
        "F1",
        "maximize",
        (_LABELS, _SETS, _MARKS),
        f1,
        _SHARE,
        "2TP / (2TP + FP + FN) (van Rijsbergen 1979)",
        (parameters.AVERAGE, parameters.POSITIVE),
    ),
    Metric(
        "fbeta",
        "F-beta",
        "maximize",
        (_LABELS, _SETS, _MARKS),
        fbeta,
        _SHARE,
        "(1 + b^2) TP / ((1 + b^2) TP + b^2 FN + FP) (van Rijsbergen 1979)",
        (parameters.AVERAGE, parameters.POSITIVE, parameters.BETA_F),
    ),
    Metric(
        "jaccard",
        "Jaccard index",
        "maximize",
        (_SETS, _LABELS, _MARKS),
        jaccard,
        _SHARE,
        "TP / (TP + FP + FN) (Jaccard 1901)",
        (parameters.AVERAGE_JACCARD, parameters.POSITIVE),
    ),
    Metric(
        "log_loss",
        "Log loss",
        "minimize",
        (_SHARES, _CHANCE),
        log_loss,
        _LOSS,
        "mean -ln p of the true class; rows divided by their sum, p clipped to [1e-15, 1 - 1e-15]",
        rows=log_losses,
    ),
    Metric(
        "brier",
        "Brier score",
        "minimize",
        (_SHARES, _CHANCE_ASKED),
        brier,
        (0.0, 2.0),
        "mean squared distance of the probabilities from the truth, summed over the classes "
        "(Brier 1950)",
        rows=brier_distances,
    ),
    Metric(
        "ece",
        "Expected calibration error",
        "minimize",
        (_SHARES,),
        ece,
        _SHARE,
        "mean distance of confidence from accuracy over bins of equal width (Guo et al. 2017)",
        (parameters.BINS,),
    ),
    Metric(
        "roc_auc",
        "Area under the ROC curve",
        "maximize",
        (_COLUMNS, _SCORE),
        roc_auc,
        _SHARE,
        "share of the pairs of a right and a wrong row that are in order, ties half "
        "(Hanley & McNeil 1982); ovo: Hand & Till 2001",
        (parameters.MULTI_CLASS, parameters.AVERAGE_AREA),
    ),
    Metric(
        "average_precision",
        "Average precision",
        "maximize",
        (_COLUMNS, _SCORE_ASKED),
        average_precision,
        _SHARE,
        "sum of precision times the gain in recall, without interpolation (Buckley & Voorhees "
        "2000)",
        (parameters.AVERAGE_PRECISION,),
    ),
    Metric(
        "weighted_roc_auc",
        "Weighted area under the ROC curve",
        "maximize",
        (_SCORE,),
        weighted_roc_auc,
        _SHARE,
        "area under the ROC curve, twice its weight below a true-positive rate of 0.4 (ALASKA2 "
        "2020)",
    ),
    Metric(
        "probabilistic_f1",
        "Probabilistic F1",
        "maximize",
        (_SCORE,),
        probabilistic_f1,
        _SHARE,
        "F from sums of probabilities (Yacouby & Axman 2020)",
        (parameters.BETA_PROBABILISTIC,),
    ),
    Metric(
        "matthews_corrcoef",
        "Matthews correlation coefficient",
        "maximize",
        (_LABELS,),
        matthews_corrcoef,
        (-1.0, 1.0),
        "the correlation R_K of two labellings (Gorodkin 2004)",
    ),
    Metric(
        "cohen_kappa",
        "Cohen's kappa",
        "maximize",
        (_LABELS,),
        cohen_kappa,
        (-1.0, 1.0),
        "1 - observed / expected disagreement (Cohen 1960; weighted: Cohen 1968)",
        (parameters.KAPPA_WEIGHTS,),
    ),
    Metric(
        "cost_weighted_accuracy",
        "Cost-weighted accuracy",
        "maximize",
        (_LABELS,),
        cost_weighted_accuracy,
        _SHARE,
        "1 - mean cost / highest cost (Elkan 2001)",
        (parameters.COSTS,),
        cost_weighted_rows,
    ),
    Metric(
        "hierarchical_accuracy",
        "Hierarchical accuracy",
        "maximize",
        (_LABELS,),
        hierarchical_accuracy,
        _SHARE,
        "mean share of the path to the class that is found (after Wu & Palmer 1994)",
        (parameters.PARENTS,),
        hierarchical_rows,
    ),
    Metric(
        "map_at_k",
        "Mean average precision at k",
        "maximize",
        (_RANKED,),
        map_at_k,
        _SHARE,
        "mean of 1 / place of the true class among the first k, else 0 (Voorhees 1999)",
        (parameters.K,),
        reciprocal_ranks,
    ),
    Metric(
        "mean_column_roc_auc",
        "Mean column-wise area under the ROC curve",
        "maximize",
        (Accepts("probabilities", "matrix"), _SCORE),
        mean_column_roc_auc,
        _SHARE,
        "mean over the columns of the area under the ROC curve (Hanley & McNeil 1982)",
    ),
    Metric(
        "mean_column_log_loss",
        "Mean column-wise log loss",
        "minimize",
        (Accepts("probabilities", "matrix", "unit"),),
        mean_column_log_loss,
        _LOSS,
        "weighted mean over the columns of binary log loss, p clipped to [1e-15, 1 - 1e-15]",
        (parameters.COLUMN_WEIGHTS,),
        column_log_losses,
    ),
    Metric(
        "hamming_loss",
        "Hamming loss",
        "minimize",
        (_SETS, _MARKS),
        hamming_loss,
        _SHARE,
        "share of the rows' labels that are wrong (Schapire & Singer 1999)",
        rows=hamming_losses,
    ),
    Metric(
        "subset_accuracy",
        "Subset accuracy",
        "maximize",
        (_SETS, _MARKS),
        subset_accuracy,
        _SHARE,
        "share of rows whose set is right as a whole",
        rows=right_sets,
        interval="wilson",
    ),
    Metric(
        "label_ranking_average_precision",
        "Label ranking average precision",
        "maximize",
        (Accepts("probabilities", "matrix"),),
        label_ranking_average_precision,
        _SHARE,
        "mean share of true labels at or above each true label (Tsoumakas, Katakis & Vlahavas "
        "2010)",
        rows=label_rankings,
    ),
)
METRICS: dict[str, Metric] = {metric.key: metric for metric in _ALL}
