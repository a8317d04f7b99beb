"""A copy of the record, kept as the documentation tells a client to."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from typing import Any

from tests.studio import Api


class Replica:
    def __init__(self, api: Api, limit: int = 200) -> None:
        self._api = api
        self._limit = limit
        self.cursor: str | None = None
        self.rows: dict[str, dict[str, Any]] = defaultdict(dict)
        self.sequences: list[int] = []

    def follow(self) -> list[Any]:
        """Read on until there is no more; answers the changes."""
        heard: list[Any] = []
        more = True
        while more:
            query = {"limit": self._limit} | ({"after": self.cursor} if self.cursor else {})
            result = self._api("GET", "/changes", params=query)
            assert result.status_code == 200, result.text
            for change in result.json["data"]:
                self.sequences.append(change["sequence"])
                if change["deleted"]:
                    assert change["data"] is None
                    self.rows[change["resource"]].pop(change["id"], None)
                else:
                    assert change["data"]["id"] == change["id"]
                    self.rows[change["resource"]][change["id"]] = change["data"]
            heard += result.json["data"]
            self.cursor = result.json["pagination"]["nextCursor"]
            more = result.json["pagination"]["hasMore"]
        return heard

    def digests(self, resources: list[str]) -> dict[str, Any]:
        """Written as a client in another language would: sorted keys, no blanks."""
        return {resource: _digest(self.rows[resource]) for resource in resources}


def _digest(rows: dict[str, Any]) -> dict[str, Any]:
    summed = hashlib.sha256()
    for identity in sorted(rows):
        text = json.dumps(rows[identity], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        summed.update(text.encode() + b"\n")
    return {"count": len(rows), "digest": summed.hexdigest()}
