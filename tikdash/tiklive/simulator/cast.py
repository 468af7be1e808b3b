"""Named creators with a known character, for the demo and for tests.

Days are counted from the epoch the simulator was started with (`--epoch`, by default 30 to 60 days ago).
"""

from __future__ import annotations

from dataclasses import dataclass

DAY = 86_400


@dataclass(frozen=True, slots=True)
class Breakout:
    """One post that ran far: when, how many times the usual views, which share of followers it brought."""

    day: float
    times: float
    gain: float


@dataclass(frozen=True, slots=True)
class Role:
    """What is fixed about a named creator; the rest is drawn as for anybody else."""

    handle: str
    note: str
    nickname: str
    followers: int
    curve: str
    posts_per_week: float
    language: str = "en"
    niche: str = ""
    region: str = ""
    verified: bool = False
    photo_share: float = 0.03
    deleted_every: int = 0
    pinned: int = 0
    breakouts: tuple[Breakout, ...] = ()
    negative_hearts_day: int | None = None
    renamed_to: str = ""
    renamed_day: float = 0


CAST: tuple[Role, ...] = (
    Role(
        "lena.bakes",
        "baker with one post that broke out",
        "Lena bakes 🥐",
        1_130_000,
        "steady",
        5,
        niche="baking",
        region="DE",
        pinned=2,
        breakouts=(Breakout(12.4, 34, 0.045), Breakout(-48.2, 9, 0.012)),
    ),
    Role(
        "tinyfermenter",
        "small and rising fast",
        "Noa ferments things",
        8_400,
        "takeoff",
        9,
        niche="baking",
        region="NL",
        breakouts=(Breakout(18.6, 40, 0.22),),
    ),
    Role(
        "professor.bubbles",
        "very big, on a plateau",
        "Professor Bubbles",
        41_600_000,
        "plateau",
        4,
        niche="science",
        verified=True,
        pinned=3,
    ),
    Role(
        "maxwellpranks",
        "big and losing followers",
        "Maxwell",
        5_900_000,
        "declining",
        2.5,
        niche="comedy",
        verified=True,
    ),
    Role(
        "noor.kitchen",
        "Arabic, right-to-left titles",
        "مطبخ نور",
        2_350_000,
        "steady",
        7,
        "ar",
        region="EG",
        pinned=1,
    ),
    Role("chai_aur_asha", "Hindi titles, posts often", "आशा और चाय", 640_000, "rising", 14, "hi", region="IN"),
    Role("hikaru_no_neko", "Japanese, cats", "ひかるの猫", 980_000, "steady", 6, "ja", region="JP"),
    Role(
        "krua.khun.ploy",
        "Thai street food",
        "ครัวคุณพลอย",
        312_000,
        "rising",
        8,
        "th",
        region="TH",
        breakouts=(Breakout(4.7, 15, 0.06),),
    ),
    Role(
        "northbay.coffee",
        "a brand, verified, posts rarely",
        "North Bay Coffee",
        186_000,
        "steady",
        1.5,
        niche="coffee",
        region="CA",
        verified=True,
        pinned=1,
    ),
    Role(
        "stillframe.studio",
        "photo posts only",
        "Still Frame",
        74_500,
        "rising",
        3,
        niche="travel",
        region="PT",
        photo_share=1.0,
    ),
    Role(
        "mara.codes",
        "renamed to marabuilds; the id stays",
        "Mara builds",
        233_000,
        "rising",
        6,
        niche="diy",
        region="SE",
        renamed_to="marabuilds",
        renamed_day=16.5,
    ),
    Role(
        "vanishing.vic",
        "deletes every fifth post, some return",
        "Vic",
        421_000,
        "steady",
        10,
        niche="comedy",
        region="GB",
        deleted_every=5,
    ),
    Role(
        "glitchy.gus",
        "hearts served negative for one day",
        "Gus from the lab",
        1_050_000,
        "steady",
        5,
        niche="science",
        region="AU",
        negative_hearts_day=20,
    ),
    Role("mingalar.may", "Burmese, small", "မေ", 27_300, "rising", 4, "my", region="MM"),
    Role("dima.chinit", "Cyrillic, repairs", "Дима чинит", 529_000, "plateau", 5, "ru", region="KZ"),
    Role(
        "bepcuame.vn",
        "Vietnamese kitchen with a fresh breakout",
        "Bếp của mẹ",
        152_000,
        "takeoff",
        11,
        "vi",
        region="VN",
        breakouts=(Breakout(24.3, 28, 0.15),),
    ),
)

BY_HANDLE = {role.handle: role for role in CAST}
