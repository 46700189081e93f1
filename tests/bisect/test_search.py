"""The search by simulation: whatever versions show, the range that is left is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from harness.bisect.search import Search, Side, search

PASSED = (Side.UNCLEAR, Side.ABSENT)
DECIDED = (Side.OLD, Side.NEW)


def names(count: int) -> tuple[str, ...]:
    return tuple(f"1.{number}" for number in range(count))


def searched(
    versions: Sequence[str], sides: Mapping[str, Side]
) -> tuple[Search, list[str]]:
    """The end of a search in which versions show these sides, and what was tried."""
    tried: list[str] = []

    def attempt(at: Search, version: str) -> Side:
        assert version in at.between
        tried.append(version)
        return sides[version]

    return search(Search.over(tuple(versions)), attempt), tried


def patterns(of: st.SearchStrategy[Side]) -> st.SearchStrategy[list[Side]]:
    return st.lists(of, max_size=60)


@given(st.integers(2, 400), st.data())
def test_a_single_change_is_found_in_as_few_tries_as_can_be(count, data):
    versions = names(count)
    changed = data.draw(st.integers(1, count - 1))
    sides = {
        version: Side.NEW if place >= changed else Side.OLD
        for place, version in enumerate(versions)
    }
    end, tried = searched(versions, sides)
    assert (end.before, end.after) == (versions[changed - 1], versions[changed])
    assert not end.between
    assert len(tried) <= Search.over(versions).tries_at_most
    assert 2 ** len(tried) < 2 * count


@given(patterns(st.sampled_from(PASSED)), st.data())
def test_a_range_holds_the_change_whatever_cannot_be_decided(passed, data):
    """Of some versions nothing is told; the change lies where it lies nevertheless."""
    told = data.draw(st.lists(st.booleans(), min_size=len(passed), max_size=len(passed)))
    versions = names(len(passed) + 2)
    changed = data.draw(st.integers(1, len(versions) - 1))
    sides = {
        version: (Side.NEW if place >= changed else Side.OLD) if tells else unclear
        for place, (version, tells, unclear) in enumerate(
            zip(versions[1:-1], told, passed, strict=True), 1
        )
    }
    end, tried = searched(versions, sides)
    assert end.old < changed <= end.new
    assert set(end.between) == set(end.passed) & set(end.between)
    assert all(sides[version] in PASSED for version in end.between)
    assert len(tried) == len(set(tried))
    assert end.following is None


@given(patterns(st.sampled_from(list(Side))))
def test_any_pattern_ends_between_an_old_and_a_new_version(pattern):
    """Versions that go to and fro: the ends of the range are what they are said to be."""
    versions = names(len(pattern) + 2)
    sides = dict(zip(versions[1:-1], pattern, strict=True))
    end, tried = searched(versions, sides)
    assert sides.get(end.before, Side.OLD) is Side.OLD
    assert sides.get(end.after, Side.NEW) is Side.NEW
    assert all(sides[version] in PASSED for version in end.between)
    assert all(end.passed[version] is sides[version] for version in end.between)
    assert len(tried) == len(set(tried))


@given(patterns(st.sampled_from(PASSED)))
def test_where_nothing_tells_all_is_tried_and_the_range_is_whole(pattern):
    versions = names(len(pattern) + 2)
    end, tried = searched(versions, dict(zip(versions[1:-1], pattern, strict=True)))
    assert sorted(tried) == sorted(versions[1:-1])
    assert (end.before, end.after) == (versions[0], versions[-1])


def test_the_middle_comes_first_and_then_its_neighbours():
    versions = names(7)
    sides = dict.fromkeys(versions, Side.ABSENT)
    _, tried = searched(versions, sides)
    assert tried[0] == "1.3"
    assert set(tried[1:3]) == {"1.2", "1.4"}
