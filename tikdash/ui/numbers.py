"""Numbers and times as people read them, in the reader's language: short in the page, exact on hover."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, Literal

from tikdash.ui.styles import NARROW_SPACE, Style, marked, style
from tikdash.words import gettext, local

Number = int | float | Decimal
Direction = Literal["up", "down", "flat"]

NONE: Final = "–"
MINUS: Final = "−"
# Smaller falls come from the upstream's cache, not from people (metrics.md).
SMALLEST_FALL: Final = Decimal("0.001")

_UNITS: Final = 3
# So large are the numbers at most that a float holds exactly; from the smallest on it is written without an exponent.
_EXACT, _SMALLEST_PLAIN = 2**53, 0.0001
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_DAYS_BEFORE_DATE: Final = 60


def short(value: Number | None, marks: Style | None = None) -> str:
    """`1284000` as `1.28 M`: three significant digits, K M B, exact below a thousand, `–` for no number.

    Who writes many numbers finds out the reader's marks once, and gives them to each.
    """
    # Nearly all of them are whole, or quartiles of whole ones: without the way over Decimal.
    if type(value) is int:
        return _short_of(value, 1, marks)
    if type(value) is float and (quarters := value * 4).is_integer() and abs(quarters) < _EXACT:
        return _short_of(int(quarters), 4, marks)
    number = _decimal(value)
    if number is None:
        return NONE
    magnitude = abs(number)
    if magnitude < 1000 and magnitude == int(magnitude):
        return f"{_sign(number)}{int(magnitude)}"
    power = 0
    # 999,950 is 1.00 M, not 1,000 K: a rounding that reaches a thousand goes to the next unit.
    while (scaled := _three_digits(magnitude / 1000**power)) >= 1000 and power < _UNITS:
        power += 1
    sign, marks = _sign(number) if scaled else "", marks or style()
    return f"{sign}{marked(f'{scaled:,f}', marks)}{NARROW_SPACE + marks.units[power - 1] if power else ''}"


def exact(value: Number | None, marks: Style | None = None) -> str:
    """`1284000` as `1,284,000`; decimals are kept; `–` for no number."""
    if type(value) is int:
        return (MINUS if value < 0 else "") + marked(f"{abs(value):,}", marks)
    if type(value) is float and _SMALLEST_PLAIN <= abs(value) < _EXACT:
        return (MINUS if value < 0 else "") + marked(f"{abs(value):,}", marks)
    number = _decimal(value)
    return NONE if number is None else _sign(number) + marked(f"{abs(number):,f}", marks)


def signed(value: Number | None) -> str:
    """`14204` as `+14,204`, `-14204` as `−14,204`, zero without a sign, `–` for no number."""
    if type(value) is int:
        return f"+{exact(value)}" if value > 0 else exact(value)
    number = _decimal(value)
    if number is None:
        return NONE
    return f"+{exact(number)}" if number > 0 else exact(number)


def percent(ratio: Number | None) -> str:
    """A ratio in per cent: `0.0616` as `6.16 %`; three digits up to a hundred; `–` for no number."""
    number = _decimal(ratio)
    if number is None:
        return NONE
    hundredths = abs(number) * 100
    places = 2 if hundredths < Decimal("9.995") else 1 if hundredths < Decimal("99.95") else 0
    text = f"{_round(hundredths, places):,f}"
    return f"{_sign(number) if text.strip('0.') else ''}{marked(text)}{NARROW_SPACE}%"


def signed_percent(ratio: Number | None) -> str:
    """As `percent`, with a plus before a rise: `+1.12 %`."""
    text = percent(ratio)
    rises = ratio is not None and ratio > 0 and text.strip("0.,%" + NARROW_SPACE) not in ("", NONE)
    return f"+{text}" if rises else text


def direction(change: Number | None, base: Number | None) -> Direction:
    """Whether a change of a counter that stood at `base` before is shown as `up`, `down` or `flat`.

    A fall of less than 0.1 % of `base` is `flat`; it stays in sums. Without a number the answer is `flat`.
    """
    moved, before = _decimal(change), _decimal(base)
    if moved is None or moved == 0:
        return "flat"
    if moved > 0:
        return "up"
    if before is not None and -moved < abs(before) * SMALLEST_FALL:
        return "flat"
    return "down"


def ago(moment: datetime | None, now: datetime) -> str:
    """Time since `moment` in words: `just now`, `4 min ago`, `3 h ago`, `2 d ago`, then the date.

    Both times carry a time zone. A moment up to a minute ahead (a clock that runs fast) is `just now`;
    later ones read `in 4 min`. `–` for no moment.
    """
    if moment is None:
        return NONE
    seconds = int((now - moment).total_seconds())
    if abs(seconds) < _MINUTE:
        return gettext("just now")
    distance = abs(seconds)
    if distance >= _DAYS_BEFORE_DATE * _DAY:
        return day(moment)
    span = time_span(distance)
    return (gettext("{time} ago") if seconds > 0 else gettext("in {time}")).format(time=span)


def age(moment: datetime, now: datetime) -> str:
    """As `ago`, for a column that says by its head that it counts back: `4 min`."""
    seconds = int((now - moment).total_seconds())
    if _MINUTE <= seconds < _DAYS_BEFORE_DATE * _DAY:
        return time_span(seconds)
    return ago(moment, now)


def time_span(seconds: int) -> str:
    """A length of time in its largest unit, `4 min`, `3 h` or `2 d`."""
    if seconds < _HOUR:
        return gettext("{n} min").format(n=seconds // _MINUTE)
    if seconds < _DAY:
        return gettext("{n} h").format(n=seconds // _HOUR)
    return days(seconds // _DAY)


def days(n: int) -> str:
    """A number of days, `30 d`."""
    return gettext("{n} d").format(n=n)


def day(value: date) -> str:
    """A date, or that of a moment by the reader's clock, as `3 Mar 2026`."""
    if isinstance(value, datetime):
        value = local(value)
    return f"{day_and_month(value)} {value.year}"


def day_and_month(value: date) -> str:
    """A date without its year, `3 Mar`."""
    marks = style()
    number = marks.first if value.day == 1 else str(value.day)
    return f"{number} {marks.months[value.month - 1]}"


def clock(moment: datetime) -> str:
    """The time of the day by the reader's clock, `15:03`."""
    at = local(moment)
    return f"{at.hour:02}:{at.minute:02}"


def to_the_minute(moment: datetime) -> str:
    """A moment by the reader's clock, `21 Nov 2026, 15:03`."""
    return f"{day(moment)}, {clock(moment)}"


def in_utc(moment: datetime) -> str:
    """A moment for a title: `21 Nov 2026, 14:03 UTC`."""
    utc = moment.astimezone(UTC)
    return f"{day(utc.date())}, {utc.hour:02}:{utc.minute:02} UTC"


def duration(seconds: int | None) -> str:
    """Seconds as `1:13`, from an hour on as `1:01:01`; `–` for none or a negative length."""
    if seconds is None or seconds < 0:
        return NONE
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def _short_of(numerator: int, parts: int, marks: Style | None) -> str:
    """As `short`, for `numerator / parts`."""
    magnitude, sign = abs(numerator), MINUS if numerator < 0 else ""
    if magnitude * 2 < 1_999 * parts:
        if magnitude % parts == 0:
            return f"{sign}{magnitude // parts}"
        return f"{sign}{marked(_three_digits_of_whole(magnitude, parts), marks)}"
    marks, place, of = marks or style(), 0, 1000 * parts
    # What is rounded to a thousand of a unit belongs to the next one.
    while magnitude * 2 >= 1_999 * of and place + 1 < len(marks.units):
        place, of = place + 1, of * 1000
    return f"{sign}{marked(_three_digits_of_whole(magnitude, of), marks)}{NARROW_SPACE}{marks.units[place]}"


def _three_digits_of_whole(magnitude: int, of: int) -> str:
    """`magnitude / of` to three significant digits; halves are rounded away from zero, as by `_three_digits`."""
    if magnitude * 1000 < 9_995 * of:
        hundredths = (magnitude * 200 + of) // (2 * of)
        return f"{hundredths // 100}.{hundredths % 100:02}"
    if magnitude * 100 < 9_995 * of:
        tenths = (magnitude * 20 + of) // (2 * of)
        return f"{tenths // 10}.{tenths % 10}"
    return f"{(magnitude * 2 + of) // (2 * of):,}"


def _decimal(value: Number | None) -> Decimal | None:
    if value is None:
        return None
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    return number if number.is_finite() else None


def _sign(number: Decimal) -> str:
    return MINUS if number < 0 else ""


def _round(number: Decimal, places: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def _three_digits(magnitude: Decimal) -> Decimal:
    """A magnitude to three significant digits; whole numbers from a hundred on."""
    for places, limit in ((2, Decimal("9.995")), (1, Decimal("99.95"))):
        if magnitude < limit:
            return _round(magnitude, places)
    return _round(magnitude, 0)
