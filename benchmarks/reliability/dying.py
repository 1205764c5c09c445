"""`patronage serve` that kills itself when it comes to a window for the nth time.

python dying.py WINDOW N serve …
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from live.dying import die_in
from patronage.cli import main
from patronage.live.online_store import InProcessStore
from patronage.live.redis_store import RedisStore

if __name__ == "__main__":
    die_in(
        sys.argv[1],
        int(sys.argv[2]),
        online=RedisStore if "--online" in sys.argv else InProcessStore,
    )
    sys.argv[1:] = sys.argv[3:]
    main()
