"""How long until something happens: importing sslkit (goal: 0.2 s) and `sslkit list` (0.5 s), neither of which may import torch."""
import subprocess
import sys
import time


def seconds(code: str, repeats: int = 5) -> float:
    "The quickest of a few fresh processes, the empty process subtracted."
    def one(c):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", c], check=True, capture_output=True)
        return time.perf_counter() - start
    return min(one(code) for _ in range(repeats)) - min(one("pass") for _ in range(repeats))


def main() -> dict[str, float]:
    found = {"import sslkit": seconds("import sslkit, sys; assert 'torch' not in sys.modules"),
             "sslkit list": seconds("import sys; from sslkit.core.cli import app; app(['list'], standalone_mode=False); assert 'torch' not in sys.modules")}
    for name, goal in (("import sslkit", 0.2), ("sslkit list", 0.5)): print(f"{name:15s} {found[name]:6.3f} s   goal {goal} s   {'ok' if found[name] <= goal else 'MISSED'}")
    return found


if __name__ == "__main__": main()
