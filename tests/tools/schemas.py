"""
The lists of members in docs/man/lsq-json.5.scd, read, and documents compared with them: that is how the manual and the commands are kept
together. Every document that a test of the commands reads is compared; test_json.py sees to it that every member is seen.
"""

import os
import re

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../docs/man/lsq-json.5.scd')
SCALARS = {'string': str, 'boolean': bool, 'null': type(None), 'object': dict, 'array': list}


class Member:
    """A value that may stand somewhere: of `types`, with `members` below it ('[]' for the elements of an array)."""

    def __init__(self):
        self.types, self.optional, self.members, self.seen = None, False, {}, False


def read():
    """{name: Member} of the page's lists."""
    lists = {}
    for name, body in re.findall(r'(?ms)^## (.+?)\n(.*?)(?=^##? |\Z)', open(PAGE, encoding='ascii').read()):
        top = lists[name] = Member()
        top.types = ['object', *re.findall(r'(?m)^All of \*([\w ]+)\*, and:$', body)]
        lines = re.findall(r'(?m)^- (.*)$', body)
        for line in lines:
            path, types, optional = re.fullmatch(r'\*(\S+)\*: ([\w ]+?)(, optional)?(?:; .*)?', line).groups()
            member = top
            for part in re.findall(r'\[\]|[^.\[\]]+', path.replace('\\', '')):
                member = member.members.setdefault(part, Member())
            member.types, member.optional = types.split(' or '), bool(optional)
    return lists


LISTS = read()


def is_of(value, kind):
    if kind == 'any':
        return True
    if kind in ('integer', 'number'):
        return isinstance(value, int if kind == 'integer' else (int, float)) and not isinstance(value, bool)
    return isinstance(value, SCALARS.get(kind, dict))


def with_lists(place, value):
    """What is told of a place: by itself, and by the lists that its types name."""
    places = [place]
    for kind in place.types or ():
        if kind in LISTS and isinstance(value, dict):
            places += with_lists(LISTS[kind], value)
    return places


def missing_is_fine(places):
    return any(place.optional or place.members.get('[]', place).optional for place in places)


def faults(value, places, where):
    """What a value is and should not be, in words; `places` are all that is told of where it stands."""
    places = [inner for place in places for inner in with_lists(place, value)]
    for place in places:
        place.seen = True
        types = place.types or (['array'] if '[]' in place.members else ['object'])
        if not any(is_of(value, kind) for kind in types):
            yield f'{where} is {str(value)[:40]!r}, not of type {" or ".join(types)}'
            return
    known = {}
    for place in places:
        for name, inner in place.members.items():
            known.setdefault(name, []).append(inner)
    if isinstance(value, list) and '[]' in known:
        for i, element in enumerate(value):
            yield from faults(element, known['[]'], f'{where}[{i}]')
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name in known or '*' in known:
                yield from faults(inner, known.get(name) or known['*'], f'{where}.{name}')
            elif 'any' not in (places[0].types or ()):
                yield f'{where} has {name}, which the manual does not tell of'
        for name, inner in known.items():
            if name not in value and name not in ('*', '[]') and not missing_is_fine(inner):
                yield f'{where} lacks {name}'


def check(document):
    """Fails if a document is not as the manual has it; returns it."""
    name = document.get('schema', 'google-benchmark')
    if name not in LISTS:
        raise AssertionError(f'the manual does not tell of {name}')
    found = list(faults(document, [LISTS[name]], name))
    if found:
        raise AssertionError('\n'.join(found))
    return document


def unseen(name):
    """Paths of the list that no document had so far."""
    def below(member, path):
        for part, inner in member.members.items():
            here = path + part if part == '[]' else f'{path}.{part}'.lstrip('.')
            if not inner.seen:
                yield here
            else:
                yield from below(inner, here)
    return list(below(LISTS[name], ''))
