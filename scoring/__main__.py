"""python -m scoring check | score | compare | split | metrics"""

from scoring.terminal import app

if __name__ == "__main__":
    app()
