"""Small baselines to clone: fetch a challenge, train a network, submit its answers.

Read `__main__.py` for the commands, `networks.py` for the models, `deep.py` for the training loop.
"""
