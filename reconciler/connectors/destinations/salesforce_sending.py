"""One stage of an export: every row of a file is sent, waited for, and sent again while that may help."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from reconciler.connectors.destinations.salesforce_bulk1 import Bulk1Channel
from reconciler.connectors.destinations.salesforce_bulk2 import Bulk2Channel
from reconciler.connectors.destinations.salesforce_codes import LOCKED, UNKNOWN, is_worth_repeating, not_taken
from reconciler.connectors.destinations.salesforce_desk import Desk
from reconciler.connectors.destinations.salesforce_journal import Again, Api, Part, PartState, Round, Stage
from reconciler.connectors.destinations.salesforce_staged import Staged, first_refused, list_refused, merge

if TYPE_CHECKING:
    from reconciler.apis.salesforce import Salesforce


class Channel(Protocol):
    """How the parts of a round travel."""

    def submit(self, part: Part) -> None: ...  # noqa: D102 - see the two that there are
    def close(self) -> None: ...  # noqa: D102
    def settle(self, part: Part) -> list[tuple[int, str]]: ...  # noqa: D102


class Sending:
    """Carries out stages of one run."""

    def __init__(self, api: Salesforce, desk: Desk) -> None:
        self._api = api
        self._desk = desk

    def begin(
        self, name: str, operation: str, columns: Sequence[str], key: str, rejected: dict[str, int] | None = None
    ) -> Stage:
        """Decide on the parts of the rows staged for the stage *name*, and write that it begins."""
        stage = Stage(name=name, operation=operation, columns=list(columns), key=key)
        api = self._desk.settings.first_api
        parts = self._staged(stage, 1).parts(api, self._desk.settings.split_records)
        stage.rounds.append(Round(api=api, parts=parts))
        return self._desk.journal.add_stage(stage, rejected)

    def carry_out(self, stage: Stage) -> None:
        """Send the rows of *stage* from where it stopped, until each is taken or refused for good.

        Raises:
            ProviderError: of the first part that cannot be sent or settled; a later try goes on with it.
        """
        while not stage.is_over:
            self._carry_out_round(stage)
            again = self._round_after(stage)
            if again is None:
                stage.refused = self._final_counts(stage)
                stage.is_over = True
            else:
                stage.rounds.append(again)
            self._desk.journal.keep()

    def keep_refused(self, stage: Stage) -> None:
        """Put aside the rows that were refused for good and may be sent once more, for a retry."""
        kept: list[Staged] = []
        for number, codes in self._final_codes(stage):
            wanted = {code for code in codes if code != UNKNOWN or stage.operation != "insert"}
            if wanted:
                target = self._desk.folder / f"kept-{number}.parquet"
                kept.append(self._staged(stage, number).only(self._lists(stage, number), wanted, target))
        rows = merge(self._desk.workspace, kept, self._desk.journal.kept_file) if kept else 0
        if rows:
            again = Again(operation=stage.operation, columns=stage.columns, key=stage.key, rows=rows)
            self._desk.journal.hold(again)

    def refused(self, stage: Stage, most: int) -> list[tuple[int, str]]:
        """Row number and code of the first *most* rows that were refused for good."""
        found = [
            first_refused(self._desk.workspace, self._lists(stage, number), codes, most)
            for number, codes in self._final_codes(stage)
        ]
        return sorted(row for rows in found for row in rows)[:most]

    def _carry_out_round(self, stage: Stage) -> None:
        number, one = len(stage.rounds), stage.rounds[-1]
        if number > 1 and all(part.state is PartState.WAITING for part in one.parts):
            self._desk.wait(self._desk.settings.retry_initial_wait_sec * 2.0 ** (number - 2))
        channel = self._channel(stage, one, self._staged(stage, number))
        for part in one.parts:
            if part.state is not PartState.DONE:
                channel.submit(part)
        channel.close()
        for index, part in enumerate(one.parts):
            if part.state is PartState.DONE:
                continue
            refused = not_taken(channel.settle(part), stage.operation)
            if refused:
                list_refused(self._list(stage, number, index), refused)
            part.codes = dict(Counter(code for _, code in refused))
            part.state = PartState.DONE
            self._desk.journal.keep()
            self._desk.progress(stage.done, stage.rows, "")

    def _round_after(self, stage: Stage) -> Round | None:
        """What is sent again after the last round; None when nothing is, or it was tried often enough."""
        settings, number = self._desk.settings, len(stage.rounds)
        last = stage.rounds[-1]
        codes = [code for code in _codes(last) if is_worth_repeating(code, stage.operation)]
        tries_left = settings.retry_limit + 1 - number
        if not codes or tries_left <= 0:
            return None
        is_serial = tries_left == 1 and LOCKED in codes and settings.may_become_serial
        api: Api = "bulk1-serial" if is_serial else last.api
        target = self._file(stage, number + 1)
        staged = self._staged(stage, number).only(self._lists(stage, number), codes, target)
        parts = staged.parts(api, settings.split_records)
        rows, named = sum(part.rows for part in parts), ", ".join(sorted(codes))
        alone = ", one batch at a time" if is_serial else ""
        self._desk.progress(stage.done, stage.rows, f"notice: {rows} rows are sent again{alone}: {named}")
        return Round(api=api, parts=parts)

    def _channel(self, stage: Stage, one: Round, staged: Staged) -> Channel:
        if one.api == "bulk2":
            return Bulk2Channel(self._api, stage, staged, self._desk)
        return Bulk1Channel(self._api.bulk1, stage, one, staged, self._desk)

    def _staged(self, stage: Stage, number: int) -> Staged:
        return Staged(self._desk.workspace, self._file(stage, number), stage.columns, stage.key)

    def _file(self, stage: Stage, number: int) -> Path:
        return self._desk.folder / f"{stage.name}-{number}.parquet"

    def _list(self, stage: Stage, number: int, index: int) -> Path:
        return self._desk.folder / f"{stage.name}-{number}-{index}.refused"

    def _lists(self, stage: Stage, number: int) -> list[Path]:
        parts = stage.rounds[number - 1].parts
        return [self._list(stage, number, index) for index, part in enumerate(parts) if part.codes]

    def _final_codes(self, stage: Stage) -> Iterator[tuple[int, set[str]]]:
        """Number of each round, and the codes that were its last word: in the last one all, before it what was not sent again."""
        for number, one in enumerate(stage.rounds, 1):
            is_last = number == len(stage.rounds)
            yield number, {c for c in _codes(one) if is_last or not is_worth_repeating(c, stage.operation)}

    def _final_counts(self, stage: Stage) -> dict[str, int]:
        counts: Counter[str] = Counter()
        for number, codes in self._final_codes(stage):
            for part in stage.rounds[number - 1].parts:
                counts.update({code: rows for code, rows in part.codes.items() if code in codes})
        return dict(counts)


def _codes(one: Round) -> set[str]:
    return {code for part in one.parts for code in part.codes}
