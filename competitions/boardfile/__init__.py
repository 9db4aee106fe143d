"""The board as one HTML file that needs no site: its last state, its day and its replay."""

from competitions.boardfile.page import kept, render

__all__ = ["kept", "render"]
