"""The drawn signs, each the ``d`` of one stroked path in a 16 by 16 view box."""

PATHS = {
    "queued": "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 0 0 0-11M8 5v3.2l2 1.1",
    "running": "M8 2.5A5.5 5.5 0 1 1 2.5 8",
    "scored": "M3.5 8.5l3 3 6-7",
    "invalid": "M8 2.5l6 11H2zM8 6.7v3M8 11.7v.1",
    "failed": "M4.5 4.5l7 7M11.5 4.5l-7 7",
    "crashed": "M9 2.5L5 9h6l-4 5.5",
    "timed_out": "M4.5 2.5h7M4.5 13.5h7M5.5 2.5c0 4 5 7 5 11M10.5 2.5c0 4-5 7-5 11",
    "out_of_memory": "M3 5h10v6H3zM5.5 5V3M8 5V3M10.5 5V3M5.5 13v-2M8 13v-2M10.5 13v-2",
    "cancelled": "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 0 0 0-11M4.2 4.2l7.6 7.6",
    "download": "M8 2.5v7.5M4.8 7l3.2 3.2L11.2 7M3 13.5h10",
    "arrow": "M3 8h10M9 4l4 4-4 4",
}

# What people read; the key is the state the database knows.
STATUS_WORDS = {
    "received": "Received",
    "queued": "Queued",
    "running": "Running",
    "scored": "Scored",
    "invalid": "Your file",
    "failed": "Our fault",
    "crashed": "Crashed",
    "timed_out": "Timed out",
    "out_of_memory": "Out of memory",
    "cancelled": "Cancelled",
}


def status_kind(status: str) -> str:
    """Which of the pills a state wears: *received* is only the first moment of *queued*."""
    return "queued" if status == "received" else status
