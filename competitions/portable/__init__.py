"""A challenge as one file: out of one installation, into another, with the very same board.

``tables`` says which columns travel, ``exporting`` writes the file, ``importing`` reads it as
hostile, ``cloning`` makes a new draft of a challenge within one installation.
"""
