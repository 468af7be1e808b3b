"""Words of the simulated creators, by language: what they write under posts and in their profile.

All phrases are our own. Scripts matter more than sense: combining marks, right-to-left text, words without
spaces, emoji with joiners and skin tones are what breaks naive code.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """One language of creators: where they live, how they write."""

    region: str
    phrases: tuple[str, ...]
    tags: tuple[str, ...]
    bio: str


LANGUAGES: dict[str, Language] = {
    "en": Language(
        "US",
        (
            "the one thing nobody tells you about mornings",
            "wait for the end",
            "day 12 of trying this every day",
            "I was not ready for that answer",
            "three things I would do differently",
            "quick one before the rain",
            "you asked, so here it is",
            "part 2 because part 1 broke my phone",
            "POV: it is 2 a.m. and you start again",
        ),
        ("fyp", "dayinmylife", "learnontiktok", "smallcreator", "storytime", "foryou", "behindthescenes"),
        "Small things, done slowly.\nNew every week ✨",
    ),
    "ar": Language(
        "EG",
        (
            "وصفة اليوم سهلة جدًا",
            "انتظروا النهاية",
            "أخيرًا وصلت الحلقة الجديدة",
            "هذا أجمل ما رأيت في القاهرة",
            "سؤالكم المفضل والجواب هنا",
            "جرّبتها أسبوعًا كاملًا",
        ),
        ("اكسبلور", "وصفات_سهلة", "مصر", "يوميات", "قهوة_الصباح", "ترند🔥"),
        "أشارككم يومي ☕\nللتعاون راسلوني",
    ),
    "hi": Language(
        "IN",
        (
            "आज की सबसे आसान रेसिपी",
            "अंत तक ज़रूर देखना",
            "दिल्ली की बारिश और चाय",
            "मम्मी ने क्या कहा सुनो",
            "ये ट्रिक किसी ने नहीं बताई",
            "पहली कोशिश में हो गया",
        ),
        ("हिंदी", "भारत", "घरकाखाना", "मस्ती", "सीखो_मुफ्त", "देसी"),
        "दिल से बनाया हुआ 🪔\nहर रविवार नया वीडियो",
    ),
    "th": Language(
        "TH",
        ("ลองทำตามได้เลยง่ายมาก", "วันนี้พาไปกินร้านลับ", "ดูให้จบนะทุกคน", "ฝนตกแต่ก็ยังไป", "ของดีราคาไม่ถึงร้อย"),
        ("อาหารไทย", "รีวิว", "เที่ยวไทย", "ชีวิตประจำวัน", "ของอร่อยบอกต่อ"),
        "กินเก่ง เที่ยวเก่ง 🍜",
    ),
    "my": Language(
        "MM",
        ("မနက်ခင်းလေးပါ", "ဒီနေ့ချက်စားကြည့်မယ်", "အဆုံးထိကြည့်ပေးပါနော်", "ရန်ကုန်မိုးရာသီ"),
        ("မြန်မာ", "ဟင်းချက်နည်း", "ရန်ကုန်", "နေ့စဉ်ဘဝ"),
        "ရန်ကုန်က မင်္ဂလာပါ 🙏",
    ),
    "ja": Language(
        "JP",
        (
            "最後まで見てね",
            "朝ごはんを作る日",
            "雨の日の散歩",
            "初めてやってみた結果",
            "質問に答えます",
            "電車の窓から",
        ),
        ("東京", "渋谷スカイ", "日常", "おすすめ", "手作り", "猫のいる暮らし"),
        "静かな毎日。\n毎週金曜に更新",
    ),
    "vi": Language(
        "VN",
        (
            "Món này dễ làm lắm cả nhà ơi",
            "Xem đến cuối nhé",
            "Sài Gòn mưa rồi",
            "Mình đã thử suốt bảy ngày",
            "Góc bếp nhỏ của mẹ",
        ),
        ("ẩmthực", "sàigòn", "xuhuong", "cuộcsống", "mẹovặt"),
        "Ăn, đi, kể chuyện 🌿",
    ),
    "ru": Language(
        "KZ",
        (
            "Досмотрите до конца",
            "Проверил сам, рассказываю",
            "Утро начинается не с кофе",
            "День пятый, полёт нормальный",
            "Вы просили, я сделал",
        ),
        ("рекомендации", "жизнь", "своимируками", "алматы", "лайфхак"),
        "Пробую, ломаю, чиню 🔧",
    ),
    "bn": Language(
        "BD",
        ("আজকের রান্না একদম সহজ", "শেষ পর্যন্ত দেখুন", "ঢাকার বৃষ্টি", "প্রথমবার চেষ্টা করলাম"),
        ("বাংলা", "রান্নাঘর", "ঢাকা", "জীবন"),
        "বাংলায় গল্প 🌧️",
    ),
    "es": Language(
        "MX",
        (
            "espera al final",
            "lo probé siete días seguidos",
            "mi abuela dice que así no",
            "el truco que me pidieron",
            "lunes otra vez y aquí seguimos",
        ),
        ("parati", "comedia", "recetas", "méxico", "consejos", "humorlatino"),
        "Cocino, río y repito 🌶️",
    ),
    "pt": Language(
        "BR",
        (
            "fica até o final",
            "testei por uma semana",
            "a receita da vó",
            "ninguém me avisou disso",
            "segunda-feira sendo segunda",
        ),
        ("fy", "receitafácil", "brasil", "humorbr", "rotina"),
        "um dia de cada vez 🌻",
    ),
    "tr": Language(
        "TR",
        (
            "sonuna kadar izle",
            "bir hafta denedim",
            "annem görmesin",
            "yağmurda kahve keyfi",
            "sordunuz, cevapladım",
        ),
        ("keşfet", "yüksekova", "tarif", "günlük", "istanbul"),
        "her gün yeni bir şey ☕",
    ),
    "de": Language(
        "DE",
        (
            "das hätte ich früher wissen sollen",
            "bleib bis zum Schluss",
            "Sauerteig, Tag 40",
            "Regen über Köln, Ofen an",
        ),
        ("fürdich", "backenmitliebe", "alltag", "selbstgemacht"),
        "Mehl überall. Neue Rezepte jeden Freitag 🥐",
    ),
}

NICHES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "baking": (
        (
            "laminating croissants at 5 a.m.",
            "the crumb shot you asked for",
            "why your sourdough stays flat",
            "cardamom buns, start to finish",
            "one dough, four breakfasts",
            "I dropped the cake (twice)",
            "brown butter fixes everything",
            "testing grandma's rye recipe",
        ),
        ("baking", "sourdough", "croissant", "breadtok", "recipe", "fromscratch"),
    ),
    "fitness": (
        (
            "10 minutes, no equipment",
            "fix your squat in one cue",
            "what I eat on rest days",
            "week 6, honest update",
            "you do not need a gym for this",
        ),
        ("fitness", "homeworkout", "mobility", "gymtok", "strength"),
    ),
    "diy": (
        (
            "I built a desk out of a door",
            "never paint before doing this",
            "the cheapest fix in this house",
            "measuring twice, cutting three times",
        ),
        ("diy", "woodworking", "renovation", "beforeandafter", "workshop"),
    ),
    "comedy": (
        (
            "my dad and the group chat",
            "every airport ever",
            "when the waiter says enjoy your meal",
            "explaining my job to my aunt",
            "the neighbour is at it again",
        ),
        ("comedy", "skit", "relatable", "family", "funny"),
    ),
    "science": (
        (
            "why does ice do that",
            "a magnet, a pipe and patience",
            "the answer surprised us too",
            "do not try this one at home",
            "a rainbow made of soap",
        ),
        ("science", "physics", "experiment", "learnontiktok", "lab"),
    ),
    "pets": (
        (
            "he heard the fridge",
            "first walk in the snow",
            "she chose the box again",
            "the vet said he is round",
        ),
        ("dogsoftiktok", "catsoftiktok", "rescue", "goodboy", "petlife"),
    ),
    "travel": (
        (
            "48 hours in Tbilisi for 90 euros",
            "the train nobody talks about",
            "empty beach, full backpack",
            "packing light, round 7",
        ),
        ("travel", "budgettravel", "hiddengems", "solotravel", "trainlife"),
    ),
    "coffee": (
        ("new roast, new ratio", "latte art from zero", "inside our roastery", "the grinder matters more"),
        ("coffee", "barista", "roastery", "espresso", "latteart"),
    ),
}

EMOJI = ("🔥", "😂", "🥐", "👩🏽‍🍳", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🤷🏾‍♀️", "✨", "🐺", "🫶🏼", "🧑🏻‍💻", "❤️‍🔥")
BOLD = "𝗻𝗲𝘄 𝗲𝗽𝗶𝘀𝗼𝗱𝗲 𝗼𝘂𝘁 𝗻𝗼𝘄"
SOUNDS = (
    "original sound",
    "Slow Rain",
    "Kitchen Tape 4",
    "الليل",
    "夜の散歩",
    "Paper Boats",
    "बारिश",
    "Night Bus",
    "",
)
NAMES = (
    *("mira", "jonas", "aylin", "tomek", "sofia", "diego", "hana", "yuki", "linh", "minh", "arjun", "priya"),
    *("omar", "layla", "nadia", "ivan", "olga", "dasha", "marco", "giulia", "clara", "felix", "emma", "noah"),
    *("zeynep", "emre", "ana", "joao", "luiza", "pedro", "somchai", "ploy", "aung", "thiri", "rafi", "nusrat"),
    *("kofi", "ama", "chidi", "zola", "erik", "freja", "maja", "lars", "anouk", "louis", "chloe", "theo"),
)
COMMENTS: dict[str, tuple[str, ...]] = {
    "en": ("first!", "how is this free", "I tried it and it works", "not me crying", "part 3 please", "where is this?"),
    "ar": ("ما شاء الله", "جربتها ونجحت", "وين الجزء الثاني؟", "أجمل فيديو اليوم"),
    "hi": ("बहुत बढ़िया", "अगला भाग कब आएगा?", "मैंने भी बनाया", "दिल खुश हो गया"),
    "th": ("น่ากินมาก", "อยู่ที่ไหนคะ", "ขอสูตรหน่อยค่ะ"),
    "my": ("အရမ်းကောင်းတယ်", "ဘယ်မှာလဲ"),
    "ja": ("かわいすぎる", "作ってみました", "続きが気になる"),
    "vi": ("Nhìn ngon quá", "Cho mình xin công thức", "Hay lắm ạ"),
    "ru": ("Спасибо, помогло", "Где продолжение?", "Лучшее за сегодня"),
    "bn": ("খুব সুন্দর", "পরের পর্ব কবে?"),
    "es": ("jajaja soy yo", "me encantó", "la segunda parte para cuándo"),
    "pt": ("amei demais", "fiz aqui e deu certo", "cadê a parte 2"),
    "tr": ("çok güzel olmuş", "devamı gelsin", "denedim, oldu"),
    "de": ("heute nachgebacken, klappt", "wo ist Teil 2?", "zu gut"),
}
