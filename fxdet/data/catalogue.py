"""Public fracture sets: where they come from, under which licence, and how to get those that need an account.

Names, sizes and checksums of the files of an open set come from the publisher's own interface when it is downloaded,
for one fixed version. What is written here beside them was read in public records and must agree with the publisher,
or nothing is downloaded. ``checked`` says how sure it is; no checksum here is a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from shlex import quote
from types import MappingProxyType

from fxdet.core.errors import DataError, did_you_mean

FIGSHARE_FILES = "https://ndownloader.figshare.com/files/{id}"
"""Figshare's address for programs; ``figshare.com/ndownloader`` asks for a browser."""


@dataclass(frozen=True, slots=True)
class Licence:
    """Terms of a set.

    Attributes:
        name: Short name, e.g. ``CC BY 4.0``.
        url: Its text.
        meaning: What it asks for, in a sentence.
    """

    name: str
    url: str
    meaning: str


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file to fetch.

    Attributes:
        name: File name on this machine.
        url: Address.
        size: Bytes, or None where unknown.
        md5: Hexadecimal MD5 of the bytes, or None.
        sha256: Hexadecimal SHA-256 of the bytes, or None.
        mirrors: Further addresses of the same publisher, tried where the first refuses.
    """

    name: str
    url: str
    size: int | None = None
    md5: str | None = None
    sha256: str | None = None
    mirrors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PublicSet:
    """A public data set.

    Attributes:
        name: Name on the command line.
        title: Name in words.
        what: What it holds, in a line.
        licence: Its terms.
        page: Publisher's page.
        citation: What to cite.
        folder: Name of the folder that it is unpacked to.
        article: Figshare's number of the record, or None where the set needs an account.
        version: Version of the record.
        files: Files whose numbers are known beforehand; empty where only the publisher's interface knows them.
        steps: How to get it with an account, one step per entry; empty for open sets.
        checked: Whether size and checksum of every file were found to agree in independent public records of people
            who had downloaded it. Nothing was downloaded for this catalogue itself.
        note: What one should know before choosing it.
    """

    name: str
    title: str
    what: str
    licence: Licence
    page: str
    citation: str
    folder: str
    article: int | None = None
    version: int | None = None
    files: tuple[RemoteFile, ...] = ()
    steps: tuple[str, ...] = ()
    checked: bool = False
    note: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it can be fetched without an account."""
        return not self.steps

    @property
    def size(self) -> int | None:
        """Bytes of the files whose size is known beforehand; None where none is."""
        return sum(file.size or 0 for file in self.files) or None


CC_BY = Licence(
    "CC BY 4.0",
    "https://creativecommons.org/licenses/by/4.0/",
    "use it for any purpose, name the authors and the licence, and say what you changed",
)
ODC_BY = Licence(
    "ODC-By 1.0",
    "https://opendatacommons.org/licenses/by/1-0/",
    "use it for any purpose and name the source of the database",
)
STANFORD = Licence(
    "Stanford University Dataset Research Use Agreement",
    "https://aimi.stanford.edu/datasets/mura-msk-xrays",
    "research and education that is not commercial; do not pass it on; do not try to identify anyone",
)

_FRACATLAS_CITATION = (
    "Abedeen I., Rahman M. A., Prottyasha F. Z., et al.: FracAtlas: A Dataset for Fracture Classification, "
    "Localization and Segmentation of Musculoskeletal Radiographs. Scientific Data 10 (2023) 521"
)
_KAGGLE_ACCOUNT = "Make a free account at https://www.kaggle.com and sign in."
_KAGGLE_TOKEN = (
    "Under Settings → API make a token, and put the file that you are given at ~/.kaggle/kaggle.json "
    "(chmod 600); then: pip install kaggle"
)


def _figshare(name: str, number: int, size: int | None = None) -> RemoteFile:
    return RemoteFile(name, FIGSHARE_FILES.format(id=number), size)


_SETS = (
    PublicSet(
        "fracatlas",
        "FracAtlas, version 6",
        "4,083 pictures of hand, leg, hip, shoulder; 717 fractured, 922 outlines",
        CC_BY,
        "https://doi.org/10.6084/m9.figshare.22363012.v6",
        _FRACATLAS_CITATION,
        "FracAtlas",
        article=22363012,
        version=6,
        note="the version that the paper, the split lists and all figures of fxdet are about",
    ),
    PublicSet(
        "fracatlas-v7",
        "FracAtlas, version 7 (June 2026)",
        "the same radiographs; 719 fractured, 924 outlines",
        CC_BY,
        "https://doi.org/10.6084/m9.figshare.22363012.v7",
        _FRACATLAS_CITATION,
        "FracAtlas-v7",
        article=22363012,
        version=7,
        files=(
            RemoteFile(
                "FracAtlas.zip",
                FIGSHARE_FILES.format(id=65518038),
                338436460,
                "fe9da2c7c285915ebee69dfdab8fd396",
                "b67ec2d290a022b3dcf47f78e9a37f7edcc80592c0571f439355bf00bd9f0e23",
            ),
        ),
        checked=True,
        note=(
            "IMG0003375 and IMG0003376 became fractured, and lie in both class folders; the official test part has 63 "
            "pictures. The split list fracatlas/grouped is made for version 6"
        ),
    ),
    PublicSet(
        "grazpedwri",
        "GRAZPEDWRI-DX",
        "20,327 radiographs of children's wrists, 16 bit; boxes of nine classes",
        CC_BY,
        "https://doi.org/10.6084/m9.figshare.14825193.v2",
        "Nagy E., Janisch M., Hržić F., Sorantin E., Tschauner S.: A pediatric wrist trauma X-ray dataset "
        "(GRAZPEDWRI-DX) for machine learning. Scientific Data 9 (2022) 222",
        "GRAZPEDWRI-DX",
        article=14825193,
        version=2,
        files=(
            _figshare("dataset.csv", 35026432),
            _figshare("folder_structure.zip", 34268819),
            _figshare("images_part1.zip", 34268828, 4046496654),
            _figshare("images_part2.zip", 34268849, 4122340570),
            _figshare("images_part3.zip", 34268864, 3851087522),
            _figshare("images_part4.zip", 34268891, 4207641269),
        ),
        note="16.2 GB to fetch, and as much again while it is unpacked",
    ),
    PublicSet(
        "bonefracture",
        "Bone fracture detection, version 4 (BoneFractureYolo8)",
        "4,148 pictures in three parts, outlines of seven classes of the arm",
        CC_BY,
        "https://universe.roboflow.com/veda/bone-fracture-detection-daoon/dataset/4",
        "veda: bone fracture detection, version 4. Roboflow Universe",
        "BoneFractureYolo8",
        steps=(
            _KAGGLE_ACCOUNT,
            _KAGGLE_TOKEN,
            "kaggle datasets download -d pkdarabi/bone-fracture-detection-computer-vision-project --unzip -p {folder}",
            "Or, with a Roboflow account: open the page above, Download Dataset → YOLOv8 → zip, and unpack it in "
            "{folder}/BoneFractureYolo8.",
            "fxdet data info {folder}/BoneFractureYolo8",
        ),
    ),
    PublicSet(
        "multiregion",
        "Fracture multi-region X-ray data",
        "10,581 pictures in three parts; fractured or not, no boxes",
        ODC_BY,
        "https://www.kaggle.com/datasets/bmadushanirodrigo/fracture-multi-region-x-ray-data",
        "Rodrigo M.: Bone Fracture Multi-Region X-ray Data. Kaggle",
        "multiregion",
        steps=(
            _KAGGLE_ACCOUNT,
            _KAGGLE_TOKEN,
            "kaggle datasets download -d bmadushanirodrigo/fracture-multi-region-x-ray-data --unzip -p {folder}",
            "fxdet data audit {folder}",
        ),
        note="most test and validation pictures are copies of training pictures: audit it before you use it",
    ),
    PublicSet(
        "mura",
        "MURA v1.1",
        "40,561 radiographs of the arm; normal or abnormal by study, no boxes",
        STANFORD,
        "https://aimi.stanford.edu/datasets/mura-msk-xrays",
        "Rajpurkar P., Irvin J., Bagul A., et al.: MURA: Large Dataset for Abnormality Detection in Musculoskeletal "
        "Radiographs. arXiv:1712.06957 (2017)",
        "MURA-v1.1",
        steps=(
            "Open https://aimi.stanford.edu/datasets/mura-msk-xrays and follow its link to the download.",
            "Make a free account there, read the research use agreement and accept it yourself.",
            "Fetch MURA-v1.1.zip by the link that you are given, and unpack it: unzip MURA-v1.1.zip -d {folder}",
            "fxdet data info {folder}/MURA-v1.1",
        ),
        note="abnormal is not fractured: hardware, arthrosis and lesions count as well; the test part is not public",
    ),
)

CATALOGUE: Mapping[str, PublicSet] = MappingProxyType({entry.name: entry for entry in _SETS})
"""Name → set, open ones first."""


def find_set(name: str) -> PublicSet:
    """Return a set of the catalogue.

    Raises:
        DataError: There is no set of this name.

    Example:
        >>> find_set("fracatlas").licence.name
        'CC BY 4.0'
    """
    if name not in CATALOGUE:
        raise DataError(f"data set {name!r} is unknown{did_you_mean(name, CATALOGUE)}")
    return CATALOGUE[name]


def instructions(entry: PublicSet, folder: str) -> str:
    """Return how to get a set that needs an account, as numbered lines.

    Args:
        entry: The set.
        folder: Where it shall lie.
    """
    lines = [
        f"{entry.title} needs an account; fxdet can't fetch it for you.",
        f"page     {entry.page}",
        f"licence  {entry.licence.name}: {entry.licence.meaning}",
        f"         {entry.licence.url}",
        f"cite     {entry.citation}",
        *([f"note     {entry.note}"] if entry.note else []),
        "",
        *(f"{number}. {step.format(folder=quote(folder))}" for number, step in enumerate(entry.steps, start=1)),
    ]
    return "\n".join(lines)
