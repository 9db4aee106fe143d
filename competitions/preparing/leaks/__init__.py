"""The leak report: what in the images gives answers away, or is no image at all.

``find`` looks (pure), ``remedies`` decides what a remedy does to which image, ``keep`` writes the
lines that an organiser reads and settles before the challenge opens.
"""
