"""The board as one HTML file that needs no site: its last state, its day and its replay."""

from competitions.boardfile.page import render

__all__ = ["render"]
