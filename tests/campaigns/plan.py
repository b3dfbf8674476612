"""How long a campaign runs and from which seed: ORCHARD_CAMPAIGN (ci or full), _SEED and _MINUTES."""

import os
import random
from dataclasses import dataclass
from functools import lru_cache

CI_SEED = 20_240_101


@dataclass(frozen=True)
class Plan:
    """`full`: as `make campaign` runs it; else reduced, and the same every time. `minutes` bounds what repeats."""

    full: bool
    seed: int
    minutes: float

    def dice(self, name: str) -> random.Random:
        """Random choices of one part, the same for the same seed whatever else runs."""
        return random.Random(f"{self.seed}/{name}")

    @property
    def replay(self) -> str:
        """The command that makes the same choices again."""
        return f"make campaign SEED={self.seed}" if self.full else f"make campaign REDUCED=1 SEED={self.seed}"


@lru_cache(maxsize=1)
def plan() -> Plan:
    """The plan of this run, from the environment."""
    full = os.environ.get("ORCHARD_CAMPAIGN", "ci") == "full"
    given = os.environ.get("ORCHARD_CAMPAIGN_SEED", "")
    seed = int(given) if given else (random.SystemRandom().randrange(1, 2**31) if full else CI_SEED)
    minutes = float(os.environ.get("ORCHARD_CAMPAIGN_MINUTES") or (20 if full else 0.25))
    return Plan(full, seed, minutes)
