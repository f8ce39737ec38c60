"""Conversions of units: convert_length() and its kin.

A unit whose factor is exact by definition, or printed in the reference, is converted. For some others Azure computes with a
rounded factor that is written nowhere: those are refused. What is no unit at all gives null, as the reference says.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from kqlmagic_ext.connections.local.functions.forms import add
from kqlmagic_ext.connections.local.functions.in_python import add_in_python
from kqlmagic_ext.connections.local.private_copy import functions
from kqlmagic_ext.connections.local.sql import quote_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    # A unit → how many of the base unit it is, as a numerator and a denominator.
    Factors = Mapping[str, tuple[float, float]]

_PREFIXES = {
    "Nano": (1, 1e9), "Micro": (1, 1e6), "Milli": (1, 1e3), "Centi": (1, 100), "Deci": (1, 10), "": (1, 1), "Deca": (10, 1),
    "Hecto": (100, 1), "Kilo": (1e3, 1), "Mega": (1e6, 1), "Giga": (1e9, 1), "Tera": (1e12, 1),
}  # fmt: skip
_POUND = 0.45359237
_POUND_FORCE = 4.4482216152605
_BTU = 1055.05585262
_SURVEY_FOOT = (1200, 3937)


def _prefixed(
    unit: str, prefixes: str, value: tuple[float, float] = (1, 1)
) -> dict[str, tuple[float, float]]:
    """The unit with each of the prefixes; `-` is the unit itself."""
    made = {}
    for prefix in prefixes.split():
        over, under = _PREFIXES[prefix.strip("-")]
        name = prefix + unit[0].lower() + unit[1:] if prefix != "-" else unit
        made[name] = (value[0] * over, value[1] * under)
    return made


def _speeds(names: Mapping[str, tuple[float, float]], per: str = "Hour Minute Second") -> Factors:
    seconds = {"Hour": 3600, "Minute": 60, "Second": 1}
    return {
        f"{name}Per{each}": (over, under * seconds[each])
        for name, (over, under) in names.items()
        for each in per.split()
    }


_FACTORS: dict[str, Factors] = {
    "angle": {
        **_prefixed("Radian", "- Centi Deci Micro Milli Nano", (180, math.pi)),
        **_prefixed("Degree", "- Micro Milli Nano"),
        "Arcminute": (1, 60), "Arcsecond": (1, 3600), "Gradian": (9, 10), "NatoMil": (9, 160), "Revolution": (360, 1),
    },
    "energy": {
        **_prefixed("Joule", "- Giga Kilo Mega Milli"),
        **_prefixed("WattHour", "- Giga Kilo Mega Tera", (3600, 1)),
        **_prefixed("WattDay", "- Giga Kilo Mega Tera", (86400, 1)),
        **_prefixed("Calorie", "- Kilo Mega", (4.184, 1)),
        **_prefixed("BritishThermalUnit", "- Giga Kilo Mega", (_BTU, 1)),
        "Erg": (1, 1e7), "ThermEc": (_BTU * 1e5, 1), "DecathermEc": (_BTU * 1e6, 1),
    },
    "force": {
        **_prefixed("Newton", "- Deca Kilo Mega Micro Milli"),
        **_prefixed("PoundForce", "- Kilo", (_POUND_FORCE, 1)),
        "Dyn": (1, 1e5), "KilogramForce": (9.80665, 1), "KiloPond": (9.80665, 1), "OunceForce": (_POUND_FORCE, 16),
        "ShortTonForce": (_POUND_FORCE * 2000, 1),
    },
    "length": {
        **_prefixed("Meter", "- Centi Deca Deci Hecto Kilo Micro Milli Nano"),
        "Angstrom": (1, 1e10), "AstronomicalUnit": (149597870700, 1), "Chain": (20.1168, 1), "DataMile": (1828.8, 1),
        "DtpPoint": (0.0254, 72), "Fathom": (1.8288, 1), "Foot": (0.3048, 1), "Hand": (0.1016, 1), "Inch": (0.0254, 1),
        "Microinch": (0.0254, 1e6), "Mil": (0.0254, 1000), "NauticalMile": (1852, 1), "Shackle": (27.432, 1),
        "UsSurveyFoot": _SURVEY_FOOT, "Yard": (0.9144, 1),
    },
    "mass": {
        **_prefixed("Gram", "- Centi Deca Deci Hecto Kilo Micro Milli Nano", (1, 1000)),
        **_prefixed("Pound", "- Kilo Mega", (_POUND, 1)),
        **_prefixed("Tonne", "- Kilo Mega", (1000, 1)),
        "Grain": (_POUND, 7000), "LongHundredweight": (50.80234544, 1), "LongTon": (1016.0469088, 1), "ShortTon": (907.18474, 1),
        "ShortHundredweight": (45.359237, 1), "Stone": (6.35029318, 1),
    },
    "speed": {
        **_speeds({"Centimeter": (1, 100), "Foot": (0.3048, 1), "Inch": (0.0254, 1), "Kilometer": (1000, 1)}),
        **_speeds({"Meter": (1, 1), "Millimeter": (1, 1000), "UsSurveyFoot": _SURVEY_FOOT, "Yard": (0.9144, 1)}),
        **_speeds({"Decimeter": (1, 10), "Micrometer": (1, 1e6), "Nanometer": (1, 1e9)}, "Minute Second"),
        "MilePerHour": (0.44704, 1),
    },
    "volume": {
        **_prefixed("Liter", "- Centi Deca Deci Hecto Kilo Mega Micro Milli", (1, 1000)),
        "CubicMeter": (1, 1), "HectocubicMeter": (100, 1), "KilocubicMeter": (1000, 1), "CubicCentimeter": (1, 1e6),
        "CubicDecimeter": (1, 1e3), "CubicHectometer": (1e6, 1), "CubicKilometer": (1e9, 1), "CubicMicrometer": (1, 1e18),
        "CubicMillimeter": (1, 1e9), "AcreFoot": (1, 0.000810714), "AuTablespoon": (20, 1e6), "MetricCup": (250, 1e6),
        "MetricTeaspoon": (5, 1e6), "UkTablespoon": (15, 1e6),
    },
}  # fmt: skip
# Kelvin = the value × the first + the second.
_TEMPERATURES = {
    "Kelvin": (1, 0), "DegreeCelsius": (1, 273.15), "MillidegreeCelsius": (1 / 1000, 273.15), "DegreeRankine": (5 / 9, 0),
    "DegreeFahrenheit": (5 / 9, 459.67 * 5 / 9), "DegreeDelisle": (-2 / 3, 373.15), "DegreeNewton": (100 / 33, 273.15),
    "DegreeReaumur": (5 / 4, 273.15), "DegreeRoemer": (40 / 21, 273.15 - 7.5 * 40 / 21),
}  # fmt: skip
# The units of the reference whose factors in Azure are not known.
_UNSURE = {
    "angle": "Tilt",
    "energy": "DecathermImperial DecathermUs ElectronVolt FootPound GigaelectronVolt HorsepowerHour KiloelectronVolt MegaelectronVolt "
    "TeraelectronVolt ThermImperial ThermUs",
    "force": "Poundal TonneForce",
    "length": "DtpPica KilolightYear Kiloparsec LightYear MegalightYear Megaparsec Mile Parsec PrinterPica PrinterPoint SolarRadius Twip",
    "mass": "EarthMass Ounce Slug SolarMass",
    "speed": "Knot",
    "temperature": "SolarTemperature",
    "volume": "BoardFoot CubicFoot CubicInch CubicMile CubicYard DecausGallon DeciusGallon HectocubicFoot HectousGallon ImperialBeerBarrel "
    "ImperialGallon ImperialOunce ImperialPint KilocubicFoot KiloimperialGallon KilousGallon MegacubicFoot MegaimperialGallon "
    "MegausGallon OilBarrel UsBeerBarrel UsCustomaryCup UsGallon UsLegalCup UsOunce UsPint UsQuart UsTablespoon UsTeaspoon",
}  # fmt: skip


def _converter(factors: Factors) -> Callable[..., float | None]:
    def convert(value: float | None, unit: str | None, to: str | None) -> float | None:
        if value is None or unit not in factors or to not in factors:
            return None
        if unit == to:
            return value
        (over, under), (to_over, to_under) = factors[unit or ""], factors[to or ""]
        return value * (over * to_under) / (under * to_over)

    return convert


def _temperature(value: float | None, unit: str | None, to: str | None) -> float | None:
    if value is None or unit not in _TEMPERATURES or to not in _TEMPERATURES:
        return None
    if unit == to:
        return value
    (factor, offset), (to_factor, to_offset) = _TEMPERATURES[unit or ""], _TEMPERATURES[to or ""]
    return (value * factor + offset - to_offset) / to_factor


def _add(kind: str, call: Callable[..., float | None], known: Mapping[str, object]) -> None:
    name = f"convert_{kind}"
    add_in_python(name, {3: call}, takes=("DOUBLE", "VARCHAR", "VARCHAR"), gives="DOUBLE", texts=(1, 2))
    names = [*known, *_UNSURE[kind].split()]
    unsure = ", ".join(map(quote_text, _UNSURE[kind].split()))
    folded = ", ".join(quote_text(each.lower()) for each in names)
    listed = ", ".join(map(quote_text, known))

    def is_open(unit: str) -> str:
        return f"({unit} IN ({unsure}) OR lower({unit}) IN ({folded}) AND {unit} NOT IN ({listed}))"

    said = f"{name}(): the embedded workspace does not know a unit as Azure has it, or its name is written in another case"
    sql = functions.SCALAR_FUNCTIONS[name].forms[3]
    refused = f"CASE WHEN {is_open('{1}')} OR {is_open('{2}')} THEN error({quote_text(said)}) ELSE {sql} END"
    add(name, {3: refused}, texts=(1, 2))


def install() -> None:
    """Put them among duckdb-kql's."""
    for kind, factors in _FACTORS.items():
        _add(kind, _converter(factors), factors)
    _add("temperature", _temperature, _TEMPERATURES)
