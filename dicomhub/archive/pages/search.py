"""The admin's search box: part of a name, an ID, an accession number or a UID."""

import operator
import re
from collections.abc import Sequence
from functools import reduce

from django.db.models import Q

from dicomhub.archive.person_name import folded
from dicomhub.archive.typed_value import clean_text

_SEPARATORS = re.compile(r"[\s,;]+")
_UID_START = re.compile(r"[0-9]+\.[0-9.]+", re.ASCII)


def search_condition(text: str, *, names: Sequence[str], texts: Sequence[str], uids: Sequence[str]) -> Q:
    """Every word has to be found somewhere: "john doe" and "Doe, John" both find DOE^JOHN.

    What looks like a UID is looked for at the beginning of UIDs too.
    """
    words = [word for word in _SEPARATORS.split(clean_text(text)) if word]
    return reduce(operator.and_, (_word(word, names, texts, uids) for word in words), Q())


def _word(word: str, names: Sequence[str], texts: Sequence[str], uids: Sequence[str]) -> Q:
    found = [Q(**{f"{field}_folded__contains": folded(word)}) for field in names]
    found += [Q(**{f"{field}__icontains": word}) for field in texts]
    if _UID_START.fullmatch(word):
        found += [Q(**{f"{field}__startswith": word}) for field in uids]
    return reduce(operator.or_, found)
