"""What did the network learn, where does it look, and when is it wrong? One page of pictures.

Read `report.py` for the order of the page, then the module of the question: `answers.py` (what does
it say?), `filters.py` and `feature_maps.py` (what does it see?), `attribution.py` (where does it
look?), `mistakes.py` (what does it mix up?), `calibration.py` (may its confidence be believed?).
"""

from baselines.explain.report import explain

__all__ = ["explain"]
