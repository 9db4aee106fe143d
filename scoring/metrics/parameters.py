"""The parameters that several metrics share, and those that take a sentence to explain."""

from scoring.metrics import parsing
from scoring.metrics.metric import REQUIRED, Parameter


def choices(name: str, meaning: str, *words: str) -> Parameter:
    """A choice of words, of which the first is the default."""
    return Parameter(name, words[0], meaning, parsing.choice(*words), words)


K = Parameter(
    "k", 5, "How many classes of each row count, the best ones first.", parsing.whole_number
)
ADJUSTED = Parameter(
    "adjusted",
    False,
    "Whether a guess by chance is worth 0 and not 1/K.",
    parsing.flag,
    ("true", "false"),
)
POSITIVE = Parameter(
    "positive",
    None,
    "With average=binary, the class that is scored: '1' if there is such a class, "
    "else the last of two.",
    parsing.class_name,
    resolve=parsing.positive_code,
)
BETA_F = Parameter(
    "beta", 2.0, "How many times as much as precision recall is worth.", parsing.factor
)
BETA_PROBABILISTIC = Parameter("beta", 1.0, BETA_F.meaning, parsing.factor)
BINS = Parameter("bins", 15, "The number of bins of equal width.", parsing.whole_number)
COSTS = Parameter(
    "costs",
    REQUIRED,
    "What each mistake costs: a row for each true class, a column for each given one.",
    parsing.costs,
    resolve=parsing.costs_per_class,
)
PARENTS = Parameter(
    "parents",
    REQUIRED,
    "Each class's ancestors in a tree, with '/' between them, the most general one first.",
    parsing.parents,
    resolve=parsing.tree,
)
COLUMN_WEIGHTS = Parameter(
    "weights",
    None,
    "How much each column weighs, one number per class; all the same if left out.",
    parsing.weights,
    resolve=parsing.weights_per_class,
)
MULTI_CLASS = choices(
    "multi_class",
    "Each class against all the rest (ovr), or each pair of classes (ovo); for one label per row.",
    "ovr",
    "ovo",
)
KAPPA_WEIGHTS = choices(
    "weights",
    "Whether a mistake weighs by how far apart the classes are in their order.",
    "none",
    "linear",
    "quadratic",
)

_OVER = (
    "Over what the mean is taken: the classes, all decisions at once (micro), the classes by "
    "their rows (weighted), one class alone (binary) or the rows (samples)."
)
AVERAGE = choices("average", _OVER, "macro", "micro", "weighted", "binary", "samples")
AVERAGE_JACCARD = choices("average", _OVER, "samples", "macro", "micro", "weighted", "binary")
AVERAGE_PRECISION = choices(
    "average",
    "Over what the mean is taken: the columns, all numbers at once (micro), the columns by their "
    "true rows (weighted) or the rows (samples).",
    "macro",
    "micro",
    "weighted",
    "samples",
)
AVERAGE_AREA = choices(
    "average",
    "Whether the classes weigh the same (macro) or by their rows (weighted).",
    "macro",
    "weighted",
)
