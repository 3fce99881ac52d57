"""The drift of a run in words."""

from __future__ import annotations

from fedbragg.screening.drift.monitor import Alarm, DriftMonitor

SHOWN = 3
"""Stretches that are listed one by one."""


def drift_lines(drift: DriftMonitor | None) -> tuple[str, ...]:
    """Return a line for each of the first stretches out of range, and one about their cost; none without drift."""
    if drift is None:
        return ()
    lines = [_stretch(alarm) for alarm in drift.alarms[:SHOWN]]
    if len(drift.alarms) > SHOWN:
        lines.append(f"and {len(drift.alarms) - SHOWN} more stretches out of range")
    if drift.kept:
        lines.append(
            f"{drift.kept} frames are kept for no other reason than being unlike the calibration; the hit rate "
            "counts them"
        )
    elif drift.alarms and not drift.settings.fail_safe:
        lines.append("frames were dropped as usual, without a promise (--no-fail-safe)")
    return tuple(lines)


def _stretch(alarm: Alarm) -> str:
    end = "to the end" if alarm.end is None else f"to {alarm.end - 1}"
    return f"frames {alarm.start} {end}: {alarm.reason}"
