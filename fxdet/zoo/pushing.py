"""Upload folders of models and pipelines to a hub repository, as one commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fxdet.core.errors import ModelError
from fxdet.zoo.cards import refuse_shown_faults
from fxdet.zoo.folders import README_NAME, ModelFolder, check_folder, read_folder
from fxdet.zoo.readme import repository_readme


class Uploader(Protocol):
    """Takes files for one repository."""

    @property
    def repository(self) -> str:
        """``owner/name``."""

    def upload(self, files: Mapping[str, Path | bytes], message: str) -> str:
        """Upload files, repository path → content, as one commit; return its address.

        Raises:
            ModelError: There is no token, the hub can't be reached, or it refuses.
        """


@dataclass(frozen=True, slots=True)
class Upload:
    """What goes into a repository.

    Attributes:
        models: The folders, all verified.
        files: Repository path → file, or bytes.
    """

    models: tuple[ModelFolder, ...]
    files: Mapping[str, Path | bytes]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(len(item) if isinstance(item, bytes) else item.stat().st_size for item in self.files.values())

    @property
    def message(self) -> str:
        """Message of the commit."""
        return f"Add {', '.join(model.name for model in self.models)}"


def prepare_upload(place: Path) -> Upload:
    """Verify one folder, or all folders in a folder, and name the files that are uploaded: none but those known.

    Raises:
        ModelError: There is no model, a hash differs, a README is missing, or a model shows a fault on purpose.
    """
    models = tuple(_checked(folder) for folder in _model_folders(place))
    files: dict[str, Path | bytes] = {README_NAME: repository_readme().encode()}
    for model in models:
        files |= {f"{model.name}/{name}": model.path / name for name in (*model.needed, *model.extras)}
    return Upload(models, files)


def push(upload: Upload, uploader: Uploader) -> str:
    """Upload what :func:`prepare_upload` found; return the commit's address.

    Raises:
        ModelError: See :class:`Uploader`.
    """
    return uploader.upload(upload.files, upload.message)


def _model_folders(place: Path) -> Sequence[Path]:
    """Return the folder itself where it holds a card, else those below it that do."""
    inner = sorted(path.parent for name in ("card.json", "pipeline.json") for path in place.glob(f"*/{name}"))
    own = [place] if (place / "card.json").is_file() or (place / "pipeline.json").is_file() else []
    found = own or [path for path in inner if not path.name.startswith(".")]
    if not found:
        raise ModelError(f"can't upload {place} – got no model in it, expected folders of 'fxdet zoo add' or 'fetch'")
    return found


def _checked(folder: Path) -> ModelFolder:
    found = read_folder(folder)
    check_folder(found, None)
    for card in found.models.values():
        refuse_shown_faults(card)
    if README_NAME not in found.extras:
        raise ModelError(f"can't upload {folder} – it has no {README_NAME} – make it with 'fxdet zoo add' or 'fetch'")
    return found
