"""A shop of made-up customers with the mess of real data, and, worked out another way, what an audience must hold.

The expectation shares no code with tdr: plain Python, row by row, so that the two can disagree.
"""

from __future__ import annotations

import csv
import hashlib
import random
import re
from dataclasses import dataclass
from pathlib import Path

FAMILY = ["佐藤", "鈴木", "高橋", "田中", "伊藤", "Doe", "Miller", "Okafor", "Nguyen", "Çelik"]
GIVEN = ["花子", "健司", "さくら", "陽翔", "葵", "Jane", "Tom", "Amara", "Linh", "Ömer"]
DOMAINS = ["example.com", "example.co.jp", "example.org", "mail.example.net"]
FIRST, LAST = "2026-03-01", "2026-05-31"
HEX64 = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class Shop:
    """What was written, and what must come of it. *members* are SHA-256 hex digests of the spring buyers."""

    rows: int
    buyers: int
    invalid: int
    members: frozenset[str]
    addresses: tuple[str, ...]
    """A few plain addresses, to look for where none may be."""


def write(path: Path, rows: int, seed: int = 20260301) -> Shop:
    """Write *rows* customers to *path* as CSV; the same seed gives the same file."""
    dice = random.Random(seed)
    members: set[str] = set()
    addresses: list[str] = []
    buyers = invalid = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["customer_id", "name", "email", "last_purchase", "orders"])
        for number in range(rows):
            email = _email(dice, number)
            day = f"2026-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"
            name = f"{dice.choice(FAMILY)} {dice.choice(GIVEN)}"
            writer.writerow([f"{number:07}", name, email, day, dice.randint(1, 40)])
            if not FIRST <= day <= LAST:
                continue
            buyers += 1
            digest = _member(email)
            if digest is None:
                invalid += 1
                continue
            members.add(digest)
            if len(addresses) < 50 and "@" in email:
                addresses.append(email.strip())
    return Shop(rows, buyers, invalid, frozenset(members), tuple(addresses))


def _email(dice: random.Random, number: int) -> str:  # noqa: PLR0911 - one kind of mess a line
    """Mostly good addresses; some in capitals, with blanks, hashed already, twice, empty or no address at all."""
    plain = f"customer{number}@{dice.choice(DOMAINS)}"
    kind = dice.random()
    if kind < 0.70:
        return plain
    if kind < 0.80:
        return plain.replace("customer", "Customer.").upper()
    if kind < 0.85:
        return f"  {plain}\t"
    if kind < 0.88:
        return hashlib.sha256(plain.encode()).hexdigest()
    if kind < 0.91:
        return hashlib.sha256(plain.encode()).hexdigest().upper()
    if kind < 0.94:
        return f"regular{dice.randint(0, 500)}@example.com"
    if kind < 0.96:
        return ""
    if kind < 0.98:
        return dice.choice(["n/a", "unknown", f"customer{number}\uff20example.com", f"customer{number}.example.com"])
    return hashlib.md5(plain.encode(), usedforsecurity=False).hexdigest()


def _member(email: str) -> str | None:
    """The digest an address stands for, or None when it stands for nobody."""
    text = email.strip().lower()
    if HEX64.fullmatch(text):
        return text
    if text.count("@") != 1 or " " in text:
        return None
    return hashlib.sha256(text.encode()).hexdigest()
