"""Groups of files that show the same radiograph, with the links that hold them together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from fxdet.data.audit.fingerprints import Fingerprint
from fxdet.data.audit.likeness import promising_pairs
from fxdet.data.audit.neighbours import SearchOptions
from fxdet.data.audit.registration import thumbnail_similarity
from fxdet.data.audit.results import AuditedFile, DuplicateGroup, Link, Tie
from fxdet.data.audit.turns import apply_turn, inverse_turn
from fxdet.imaging.pixels import TRUNCATED

_STRENGTH: dict[Tie, int] = {"bytes": 0, "pixels": 1, "near": 2}


@dataclass(frozen=True, slots=True)
class GroupingOptions:
    """When two pictures count as the same.

    Attributes:
        near: Look for near-duplicates as well, not only for equal bytes and pixels.
        similarity: Least similarity of near-duplicates, 0–1, as
            :func:`~fxdet.data.audit.registration.thumbnail_similarity` measures it. On the published sets, pictures of
            one pose on one table reach 0.89; copies, resaved or turned by a degree, start at 0.83. Copies that were
            turned by a quarter or mirrored need a quarter of the way more to 1 (0.925).
        search: How candidates are looked for.
    """

    near: bool = True
    similarity: float = 0.9
    search: SearchOptions = field(default_factory=SearchOptions)

    def __post_init__(self) -> None:
        if not 0 < self.similarity <= 1:
            raise ValueError(f"GroupingOptions.similarity: got {self.similarity}, expected above 0, at most 1")


def find_groups(
    fingerprints: Sequence[Fingerprint],
    files: Sequence[AuditedFile],
    options: GroupingOptions | None = None,
    further: Iterable[Link] = (),
) -> tuple[DuplicateGroup, ...]:
    """Return the groups of files that show the same radiograph, the largest first.

    Args:
        fingerprints: One per file; files of equal bytes may share one.
        files: The files, in the same order.
        options: When two pictures count as the same.
        further: Links that were found otherwise, e.g. by :func:`fxdet.data.audit.embedding.embedding_links`.
    """
    if len(fingerprints) != len(files):
        raise ValueError(f"find_groups: got {len(fingerprints)} fingerprints, expected one for each of {len(files)}")
    options = options or GroupingOptions()
    near = near_links(fingerprints, options) if options.near else []
    return join_links([*equal_links(fingerprints), *near, *further], files)


def join_links(links: Iterable[Link], files: Sequence[AuditedFile]) -> tuple[DuplicateGroup, ...]:
    """Return the groups that links make, the largest first."""
    groups = [_group(members, chain, files) for members, chain in _spanning_trees(links)]
    return tuple(sorted(groups, key=lambda group: (-len(group.members), group.members)))


def equal_links(fingerprints: Sequence[Fingerprint]) -> list[Link]:
    """Return links of equal bytes and equal pixels, each to the first file that has them."""
    links: list[Link] = []
    bytes_seen: dict[str, int] = {}
    pixels_seen: dict[str, int] = {}
    for index, found in enumerate(fingerprints):
        first = bytes_seen.setdefault(found.sha256, index) if found.sha256 else index
        if first != index:
            links.append(Link(first, index, "bytes"))
            continue
        first = pixels_seen.setdefault(found.pixels, index) if found.pixels else index
        if first != index:
            links.append(Link(first, index, "pixels"))
    return links


def distinct_pictures(fingerprints: Sequence[Fingerprint]) -> list[int]:
    """Return the indices of the first file of each distinct decoded picture; what can't be decoded is left out."""
    first: dict[str, int] = {}
    for index, found in enumerate(fingerprints):
        if found.pixels:
            first.setdefault(found.pixels, index)
    return list(first.values())


def near_links(fingerprints: Sequence[Fingerprint], options: GroupingOptions) -> list[Link]:
    """Return links between distinct pictures that are nearly the same, as many as connect each group.

    The most alike candidates are confirmed first, and two pictures that are connected already are not compared again.
    """
    distinct = [index for index in distinct_pictures(fingerprints) if fingerprints[index].thumbnail.any()]  # not flat
    # In the order of their brightness, equal hashes of many dark pictures stand beside their like.
    distinct.sort(key=lambda index: float(fingerprints[index].thumbnail.mean()))
    thumbnails = [fingerprints[index].thumbnail for index in distinct]
    truncated = [TRUNCATED in fingerprints[index].warnings for index in distinct]
    links, forest = [], Forest()
    for one, other, turn in promising_pairs(thumbnails, truncated, options.search):
        first, second = distinct[one], distinct[other]
        if forest.root(first) == forest.root(second):
            continue
        link = confirmed_link(fingerprints, (first, second), turn, options.similarity)
        if link is not None:
            forest.join(first, second)
            links.append(link)
    return links


def confirmed_link(fingerprints: Sequence[Fingerprint], pair: tuple[int, int], turn: str, least: float) -> Link | None:
    """Return the link of two pictures whose thumbnails agree, or None.

    Args:
        fingerprints: One per file.
        pair: Their indices, in any order.
        turn: What brings the second onto the first.
        least: Least similarity, 0–1; a turn other than ``0`` needs a quarter of the way more to 1: seven more
            orientations are seven more chances to agree by accident.
    """
    first, second = pair
    laid = apply_turn(fingerprints[second].thumbnail, turn)
    similarity = thumbnail_similarity(fingerprints[first].thumbnail, laid)
    if similarity < (least if turn == "0" else least + (1 - least) / 4):
        return None
    if first > second:
        first, second, turn = second, first, inverse_turn(turn)
    return Link(first, second, "near", min(similarity, 1.0), turn)


class Forest:
    """Which members are connected (union and find, with halved paths)."""

    def __init__(self) -> None:
        self._parents: dict[int, int] = {}

    def root(self, index: int) -> int:
        """Return the member that stands for all that are connected with this one."""
        parents = self._parents
        while (parent := parents.setdefault(index, index)) != index:
            parents[index] = parents[parent]
            index = parents[index]
        return index

    def join(self, first: int, second: int) -> bool:
        """Connect two members; return whether they were not."""
        one, other = self.root(first), self.root(second)
        self._parents[max(one, other)] = min(one, other)
        return one != other


def _spanning_trees(links: Iterable[Link]) -> list[tuple[list[int], list[Link]]]:
    """Return members and spanning tree of each connected group, the strongest links taken first (Kruskal)."""
    forest = Forest()
    ordered = sorted(links, key=lambda link: (_STRENGTH[link.tie], -link.similarity, link.first, link.second))
    chosen = [link for link in ordered if forest.join(link.first, link.second)]
    groups: dict[int, tuple[set[int], list[Link]]] = {}
    for link in chosen:
        members, chain = groups.setdefault(forest.root(link.first), (set(), []))
        members.update((link.first, link.second))
        chain.append(link)
    return [(sorted(members), chain) for members, chain in groups.values()]


def part_name(file: AuditedFile) -> str:
    """Return ``set/part`` of a file, ``set/-`` where it has no part."""
    return f"{file.set_name}/{file.part or '-'}"


def _group(members: Sequence[int], chain: Sequence[Link], files: Sequence[AuditedFile]) -> DuplicateGroup:
    parts = tuple(sorted({part_name(files[index]) for index in members}))
    labels = {files[index].fractured for index in members} - {None}
    weakest = max((link.tie for link in chain), key=_STRENGTH.__getitem__)
    return DuplicateGroup(tuple(members), weakest, tuple(chain), parts, len(labels) > 1)
