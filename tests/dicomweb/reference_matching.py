"""What matches what, from PS3.4 C.2.2.2 and PS3.18 8.3.4 over pydicom's data sets: shares no code with the server.

A key is a keyword and a value. An entity is the data set of one instance, or those of the instances of a series
or study, one of which has to match.
"""

import re
import unicodedata

from pydicom import Dataset
from pydicom.datadict import dictionary_VR, tag_for_keyword

WILDCARD_VRS = {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"}
NUMBER_VRS = {"IS", "DS", "US", "SS", "UL", "SL", "FL", "FD"}


def vr_of(keyword: str) -> str:
    return dictionary_VR(tag_for_keyword(keyword.rpartition(".")[2]))[:2]


def texts_of(data_set: Dataset, keyword: str) -> list[str]:
    """The values of an attribute as texts, of all items where the keyword is a path."""
    first, _, below = keyword.partition(".")
    element = data_set.get(tag_for_keyword(first))
    if element is None or element.value is None:
        return []
    if below:
        return [text for item in element.value for text in texts_of(item, below)]
    if isinstance(element.value, (str, int, float)) or not hasattr(element.value, "__iter__"):
        return [str(element.value)]
    if element.VR == "PN" and element.VM == 1:
        return [str(element.value)]
    return [str(value) for value in element.value]


def is_match(data_set: Dataset, keys: dict[str, str], rules: dict[str, str]) -> bool:
    keys, moments = dict(keys), []
    for date in [keyword for keyword in keys if keyword.endswith("Date")]:
        time = date[:-4] + "Time"
        if time in keys and is_one_form(keys[date], keys[time]):
            moments.append((date, time, keys.pop(date), keys.pop(time)))
    return all(is_moment_match(data_set, *moment) for moment in moments) and all(
        is_key_match(data_set, keyword, value, rules) for keyword, value in keys.items()
    )


def is_key_match(data_set: Dataset, keyword: str, value: str, rules: dict[str, str]) -> bool:
    found = [text for text in texts_of(data_set, keyword) if text]
    if rules.get("emptyvaluematching") == "true" and value == '""':
        return not found
    if not value.strip("*"):
        return True
    vr = vr_of(keyword)
    if vr == "UI":
        return any(uid in found for uid in re.split(r"[,\\]", value))
    if vr in {"DA", "TM"}:
        return any(is_in_range(vr, text, value) for text in found)
    if vr in NUMBER_VRS:
        return any(is_number(text) and float(text) == float(value) for text in found)
    separators = r"[,\\]" if vr == "CS" else r"\\"
    wanted = [each.strip() for each in re.split(separators, value)]
    needed = all if rules.get("multiplevaluematching") == "true" else any
    return needed(any(is_text_match(vr, text, each, rules) for text in found) for each in wanted)


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def is_text_match(vr: str, text: str, wanted: str, rules: dict[str, str]) -> bool:
    if vr != "PN":
        return wildcard(wanted, text.strip()) if vr in WILDCARD_VRS else wanted.upper() == text
    if rules.get("fuzzymatching") == "true":
        words = [word for word in re.split(r"[\s^=,.;:'()/-]+", bare(text)) if word]
        asked = [word for word in re.split(r"[\s^=,.;:'()/-]+", bare(wanted)) if word]
        return all(any(wildcard(each.rstrip("*") + "*", word) for word in words) for each in asked)
    groups = [components(group) for group in [*text.split("="), "", ""][:3]]
    if "=" in wanted:
        asked_groups = [components(group) for group in [*wanted.split("="), "", ""][:3]]
        return all(is_name_match(group, asked) for group, asked in zip(groups, asked_groups, strict=True))
    among = groups[:1] if wanted.isascii() else groups
    return any(is_name_match(group, components(wanted)) for group in among)


def bare(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    letters = "".join(each for each in decomposed if not 0x300 <= ord(each) <= 0x36F)
    return unicodedata.normalize("NFC", letters.casefold())


def components(group: str) -> list[str]:
    parts = [part.strip() for part in bare(group.strip()).split("^")]
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return parts


def is_name_match(group: list[str], asked: list[str]) -> bool:
    """Components that are left out match whatever is there; * may stand for a delimiter as well."""
    pattern = "^".join(part or "*" for part in asked) + "^*"
    return wildcard(pattern, "^".join(group) + "^")


def wildcard(pattern: str, text: str) -> bool:
    expression = "".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in pattern)
    return re.fullmatch(expression, text, re.DOTALL) is not None


def ends(value: str) -> tuple[str, str]:
    first, hyphen, last = value.partition("-")
    return first, last if hyphen else first


def period(vr: str, text: str) -> tuple[str, str] | None:
    """First and last of what a date or time stands for, in digits that sort."""
    digits = text.strip().replace(":", "").replace(".", "")
    if vr == "DA":
        return (digits, digits) if re.fullmatch(r"\d{8}", digits) else None
    if not re.fullmatch(r"\d{2}(\d{2}(\d{2}\d{0,6})?)?", digits):
        return None
    return digits.ljust(12, "0"), digits + "235959999999"[len(digits) :] if len(digits) < 6 else digits.ljust(
        12, "9"
    )


def is_in_range(vr: str, text: str, value: str) -> bool:
    found = period(vr, text)
    first, last = ends(value)
    if found is None:
        return False
    return (not first or period(vr, first)[0] <= found[0]) and (not last or found[0] <= period(vr, last)[1])


def is_one_form(date: str, time: str) -> bool:
    return form(date) == form(time) and date.strip("*") and time.strip("*")


def form(value: str) -> tuple[bool, bool, bool]:
    first, hyphen, last = value.partition("-")
    return bool(first), bool(hyphen), bool(last)


def is_moment_match(data_set: Dataset, date: str, time: str, dates: str, times: str) -> bool:
    days = [found[0] for text in texts_of(data_set, date) if (found := period("DA", text))]
    clocks = [found[0] for text in texts_of(data_set, time) if (found := period("TM", text))]
    (first_day, last_day), (first_time, last_time) = ends(dates), ends(times)
    return any(
        (not first_day or first_day + period("TM", first_time)[0] <= day + clock)
        and (not last_day or day + clock <= last_day + period("TM", last_time)[1])
        for day in days
        for clock in clocks
    )
