"""Run every benchmark, one after the other, and keep each line in results/<claim>.json."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CLAIMS = (
    "sft_speed",
    "reward_speed",
    "rl_step_speed",
    "sampling_speed",
    "pretrain_utilisation",
    "tinyshakespeare",
    "startup",
)


def main() -> int:
    chosen = sys.argv[1:] or CLAIMS
    failed = 0
    for claim in chosen:
        ran = subprocess.run(
            [sys.executable, str(HERE / f"{claim}.py")],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if ran.returncode:
            failed += 1
            continue
        result = json.loads(ran.stdout.splitlines()[-1])
        path = HERE / "results" / f"{claim}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        reached = "reached" if result["ratio"] >= result["target"] else "missed"
        print(f"{result['claim']}: {result['ratio']} × (target {result['target']}, {reached})")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
