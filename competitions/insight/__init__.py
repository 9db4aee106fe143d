"""What a worker finds out about boards a moment after they moved: never in a request.

``board`` tells which teams of the public board cannot be told from the leader, ``final`` the same
of the last one, ``alarms`` whose public score is too good to be true. ``columns`` reads the files.
"""
