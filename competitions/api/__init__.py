"""The REST door: what programs see of the challenges, as JSON below ``/api/``."""
