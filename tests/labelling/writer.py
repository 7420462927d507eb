"""A program that labels until it is killed: prints each label's key once it is acknowledged.

python -m tests.labelling.writer URL THREADS
"""

from __future__ import annotations

import sys
import threading
import uuid

from tests.labelling.world import BEST_FIRST, SEEN
from tutelage.labelling.queue import claim, submit
from tutelage.labelling.store import Store


def main() -> None:
    store, threads = Store(sys.argv[1]), int(sys.argv[2])

    def label(who: int) -> None:
        while True:
            lease = claim(store, who)
            if lease is None:
                return
            key = f"{who}-{uuid.uuid4().hex}"
            made = submit(store, lease.id, who, key, BEST_FIRST, SEEN)
            sys.stdout.write(f"{key} {made.id}\n")
            sys.stdout.flush()

    running = [threading.Thread(target=label, args=(who,)) for who in range(1, threads + 1)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


if __name__ == "__main__":
    main()
