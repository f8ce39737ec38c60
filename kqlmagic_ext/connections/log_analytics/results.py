"""A decoded answer as a Result: frames with their origin, what is missing, what the service told of its work."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from kqlmagic_ext.errors import QueryError
from kqlmagic_ext.frames import frame_from_arrow
from kqlmagic_ext.query import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kqlmagic_ext.connections.log_analytics.completeness import Judgement
    from kqlmagic_ext.connections.log_analytics.decode import Answer
    from kqlmagic_ext.query import Sent


def result_of(
    answer: Answer,
    judgement: Judgement,
    sent: Sent,
    ids: Mapping[str, str],
    seconds: Callable[[], float],
    checkpoint: Callable[[], None],
    *,
    warnings: tuple[str, ...] = (),
) -> Result:
    """The result; `checkpoint` is called between columns and now and then in dynamic ones: what it raises ends the work."""
    try:
        frames = tuple(frame_from_arrow(table, checkpoint) for table in answer.tables)
    except QueryError as error:
        error.after_sending()
        raise
    complete = not judgement.reasons
    warnings = (*warnings, *judgement.warnings)
    took = seconds()
    told = (*warnings, *judgement.reasons)
    for frame in frames:
        frame.attrs["kql"] = sent.origin(
            rows=len(frame), seconds=took, complete=complete, warnings=told, **ids
        )
    return Result(
        frames,
        answer.tables,
        frames[0].attrs["kql"],
        complete=complete,
        missing=judgement.reasons,
        warnings=warnings,
        render=_render(answer.tail.get("render")),
        statistics=answer.tail.get("statistics"),
        sent=sent,
    )


def _render(told: Any) -> Mapping[str, Any] | None:
    """The service's render object as the embedded workspace reads the clause: what says something, in small letters."""
    if not isinstance(told, dict) or not told.get("visualization"):
        return None
    said = {name.lower(): value for name, value in told.items() if value not in (None, "", "NaN")}
    return MappingProxyType(said)
