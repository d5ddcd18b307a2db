"""Words of which the titles, names and headings of the generated tail are made."""

# ruff: noqa: RUF001 - the letters of other alphabets are meant

_ADJECTIVES = (
    "Silent Hidden Broken Golden Distant Forgotten Winter Burning Secret Last First Lost Pale "
    "Crimson Gentle Restless Northern Southern Paper Glass Iron Hollow Borrowed Unfinished Quiet "
    "Wandering Midnight Blue Long Second"
).split()
_NOUNS = (
    "Garden River House Letter Crown Promise Voyage Harbour Mirror Shadow Orchard Bridge Lantern "
    "Island Winter Daughter Stranger Kingdom Library Road Song Inheritance Tower Sea Companion "
    "Republic Atlas Clock Forest Valley Machine Empire Memory Station"
).split()
_UNICODE_TITLES = (
    "Тихая река",
    "Последнее письмо",
    "La maison oubliée",
    "Été à la frontière",
    "Der Schlüssel im Süden",
    "El jardín del mañana",
    "A canção do céu",
    "Žena z přístavu",
    "Dziewczyna z łąki",
    "Το σπίτι στη θάλασσα",
    "遠い海の手紙",
    "失われた庭",
    "月光下的城市",
    "먼 길의 노래",
    "بيت على النهر",
    "הגן השקט",
    "Sụ̄t thāng fan",
    "Gece yarısı köprüsü",
)
_FIRST_NAMES = (
    "Anna Boris Clara Daniel Élise Felix Grace Hugo Inés Jakub Kateřina Leon Mei Nadia Olu Paulo "
    "Quentin Rosa Søren Tomás Ursula Victor Wanda Xavier Yuki Zoë Amara Björn Chiara Dmitri"
).split()
_LAST_NAMES = (
    "Abbott Bergström Castell Dvořák Ellery Fournier García Holloway Ivanova Jansen Kowalski "
    "Lindqvist Moreau Nakamura Okafor Petrov Quint Rossi Şahin Thorne Ueda Valdés Whitlock Xu "
    "Yıldız Zimmer Ashdown Brontley Carraway Delacroix Eastwick Farrow"
).split()
_FORMS = "", ", fiction", " -- Fiction", ", history", " in literature", ", juvenile literature"
_TOPICS = (
    "Man-woman relationships|Families|Friendship|Women|Men|Children|Marriage|Social classes|"
    "Travel|Sea stories|Villages|Islands|Letters|Diaries|Music|Painters|Painting|Theater|"
    "Schools|Teachers|Physicians|Soldiers|Sailors|Kings and rulers|Courts and courtiers|Spies|"
    "Secrets|Dreams|Memory|Grief|Courage|Betrayal|Revenge|Inheritance and succession|Ghosts|"
    "Magic|Space and time|Robots|Scientists|Inventions|Railroads|Gardens|Animals|Dogs|Horses|"
    "Cooking|Religion|Ethics|Politics and government|Law|Trials|Murder|Thieves|Immigrants|"
    "Exiles|Revolutions|Cities and towns|Rural life|Seasons|Death"
).split("|")

#: Headings which say nothing about a book's subject, yet stand among the subjects.
SHELF_MARKS = (
    "Accessible book",
    "Protected DAISY",
    "In library",
    "Large type books",
    "Fiction, general",
    "Long Now Manual for Civilization",
    "nyt:trade-fiction-paperback=2011-06-18",
    "Reading Level-Grade 9",
    "English literature",
    "Roman français",
    "Электронные книги",
)
HEADINGS = tuple(topic + form for form in _FORMS for topic in _TOPICS)
PLACES = "England", "France", "United States", "Italy", "Germany", "India", "Japan", "New York"
PEOPLE = "Elizabeth I", "Louis XIV", "Socrates", "Jesus Christ", "William Shakespeare"
TIMES = "18th century", "19th century", "20th century", "1914-1918", "Middle Ages, 500-1500"
PUBLISHERS = (
    "Penguin",
    "Oxford University Press",
    "Dover Publications",
    "Macmillan",
    "Gallimard",
    "Reclam",
    "CreateSpace Independent Publishing Platform",
    "Harper & Brothers",
    "Sine nomine",
)
LANGUAGES = "eng", "eng", "eng", "eng", "fre", "ger", "spa", "rus", "ita", "jpn", "chi", "por"
COLLECTIONS = (
    "americana inlibrary internetarchivebooks printdisabled china toronto europeanlibraries "
    "cornell robarts gutenberg librarygenesis bostonpubliclibrary duke_libraries cdl "
    "additional_collections delawarecountydistrictlibrary-ol"
).split()
AUTHOR_COUNT = 20_000


def author_name(number: int) -> str:
    """Name of generated author `number`; names repeat, as those of real people do."""
    first = _FIRST_NAMES[number % len(_FIRST_NAMES)]
    last = _LAST_NAMES[number // len(_FIRST_NAMES) % len(_LAST_NAMES)]
    return f"{first} {last}"


def title(number: int) -> str:
    """Title `number` of the generated tail; one in twelve is not in English."""
    rest, kind = divmod(number, 12)
    if kind == 0:
        return _UNICODE_TITLES[rest % len(_UNICODE_TITLES)]
    rest, adjective = divmod(rest, len(_ADJECTIVES))
    rest, noun = divmod(rest, len(_NOUNS))
    words = f"{_ADJECTIVES[adjective]} {_NOUNS[noun]}"
    if kind < 6:
        return f"The {words}"
    if kind < 9:
        return f"{words}: a novel in {2 + rest % 4} parts"
    return f"{words} and the {_NOUNS[rest % len(_NOUNS)]}"
