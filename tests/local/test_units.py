"""Conversions of units: the reference's examples, there and back, and what is refused or null."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from kqlmagic_ext import QueryError
from kqlmagic_ext.connections.local.connection import LocalConnection
from kqlmagic_ext.connections.local.functions.units import _FACTORS, _TEMPERATURES
from tests.local.conftest import answer

Open = Callable[..., LocalConnection]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("convert_angle(1.2, 'Degree', 'Arcminute')", 72),
        ("convert_energy(1.2, 'Joule', 'BritishThermalUnit')", 0.00113738054437598),
        ("convert_force(1.2, 'Newton', 'Decanewton')", 0.12),
        ("convert_length(1.2, 'Meter', 'Foot')", 3.93700787401575),
        ("convert_mass(1.2, 'Kilogram', 'Pound')", 2.64554714621853),
        ("convert_speed(1.2, 'MeterPerSecond', 'CentimeterPerHour')", 432000),
        ("convert_temperature(1.2, 'Kelvin', 'DegreeCelsius')", -271.95),
        ("convert_temperature(-40, 'DegreeFahrenheit', 'DegreeCelsius')", -40),
        ("convert_temperature(100, 'DegreeCelsius', 'DegreeRoemer')", 60),
        ("convert_temperature(0, 'DegreeDelisle', 'DegreeReaumur')", 80),
        ("convert_volume(1.2, 'CubicMeter', 'AcreFoot')", 0.0009728568),
        ("convert_volume(1, 'Megaliter', 'CubicMeter')", 1000),
        ("convert_energy(1, 'KilowattHour', 'Megajoule')", 3.6),
        ("convert_length(-3, 'Nanometer', 'Nanometer')", -3),
        ("convert_length(1, tostring(dynamic(['Yard'])[0]), 'Inch')", 36),
        ("convert_length(1, 'Cubit', 'Foot')", None),
        ("convert_length(1, '', 'é')", None),
        ("convert_length(real(null), 'Foot', 'Meter')", None),
    ],
)  # fmt: skip
def test_a_unit_is_converted_as_the_reference_says(opened: Open, call: str, expected: Any) -> None:
    ((found,),) = answer(opened("local://"), f"print {call}")
    assert pd.isna(found) if expected is None else found == pytest.approx(expected, rel=1e-14, abs=1e-12)


@pytest.mark.parametrize("kind", [*_FACTORS, "temperature"])
def test_there_and_back_is_the_same(opened: Open, kind: str) -> None:
    units = list(_FACTORS.get(kind, _TEMPERATURES))
    back = f"convert_{kind}(convert_{kind}(7.25, '{units[0]}', u), u, '{units[0]}')"
    rows = answer(
        opened("local://"), f"print u = dynamic({units}) | mv-expand u to typeof(string) | project {back}"
    )
    assert [row[0] for row in rows] == pytest.approx([7.25] * len(units), rel=1e-9)


@pytest.mark.parametrize("unit", ["Mile", "meter", "LightYear"])
def test_a_unit_that_azure_may_know_otherwise_is_refused(opened: Open, unit: str) -> None:
    with pytest.raises(QueryError, match="does not know a unit as Azure has it"):
        answer(opened("local://"), f"print convert_length(1, 'Meter', '{unit}')")
