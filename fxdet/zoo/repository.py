"""A hub repository as a source of models and as a place to upload them; huggingface_hub is used here alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from fxdet.core.errors import ConfigError, ModelError

DEFAULT_REPOSITORY = ""
"""Hub repository that is asked when no other is named. Empty as long as nothing has been uploaded: an invented name
could be taken by anyone."""

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_SECONDS = 10.0


def check_repository(name: str) -> str:
    """Return a repository's name once its form is right.

    Raises:
        ConfigError: It is not of the form ``owner/name``.
    """
    if not _REPOSITORY.fullmatch(name):
        raise ConfigError(
            f"repository – got '{name}', expected OWNER/NAME, as the hub writes it, or an existing folder"
        )
    return name


@dataclass(slots=True)
class HubSource:
    """Models in a repository of the Hugging Face Hub, one folder each.

    The first file fixes the commit, so that an upload in between mixes nothing. A broken connection is taken up again
    where it broke, and files that came whole are kept for the next attempt.

    Attributes:
        repository: ``owner/name``.
        revision: Branch, tag or commit.
        endpoint: Address of the hub; None for the library's own setting.
    """

    repository: str
    revision: str = "main"
    endpoint: str | None = None
    _commit: str = field(default="", init=False)

    def __post_init__(self) -> None:
        check_repository(self.repository)

    @property
    def place(self) -> str:
        """Name for messages."""
        return f"hub repository {self.repository}"

    def get(self, name: str, file: str, root: Path) -> bool:
        """Bring ``name/file`` to the same place below ``root``; tell whether the repository has it.

        Raises:
            ModelError: The hub can't be reached, or has no such repository or revision.
        """
        import huggingface_hub
        from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

        try:
            revision = self._commit or self._pin(f"{name}/{file}")
            huggingface_hub.hf_hub_download(
                self.repository, f"{name}/{file}", revision=revision, local_dir=root, endpoint=self.endpoint
            )
        except LocalEntryNotFoundError as error:  # what the library says when it can't reach the hub
            self._fail(error, name)
        except EntryNotFoundError:
            return False
        except Exception as error:  # its errors derive from those of three HTTP libraries, by version
            self._fail(error, name)
        return True

    def _pin(self, path: str) -> str:
        """Return the commit of the revision, asking once: without a network this fails at once."""
        import huggingface_hub

        url = huggingface_hub.hf_hub_url(self.repository, path, revision=self.revision, endpoint=self.endpoint)
        found = huggingface_hub.get_hf_file_metadata(url, timeout=_SECONDS)
        self._commit = found.commit_hash or self.revision
        return self._commit

    def _fail(self, error: Exception, name: str) -> NoReturn:
        reason = _reason(error, self.revision)
        raise ModelError(f"can't fetch {name} from {self.place} – {reason}, or name a local folder") from error


@dataclass(frozen=True, slots=True)
class HubUploader:
    """Uploads files to a repository as one commit, with the token of ``hf auth login``.

    Attributes:
        repository: ``owner/name``; it is made where there is none.
        private: Whether a new repository is private.
    """

    repository: str
    private: bool = False

    def __post_init__(self) -> None:
        check_repository(self.repository)

    def upload(self, files: Mapping[str, Path | bytes], message: str) -> str:
        """Upload files, repository path → content, as one commit; return its address.

        Raises:
            ModelError: There is no token, the hub can't be reached, or it refuses.
        """
        import huggingface_hub

        if huggingface_hub.get_token() is None:
            raise ModelError(
                f"can't upload to {self.repository} – no token of the hub – got none, expected one with write access –"
                " run: hf auth login"
            )
        hub = huggingface_hub.HfApi()
        operations = [
            huggingface_hub.CommitOperationAdd(path, content if isinstance(content, bytes) else str(content))
            for path, content in files.items()
        ]
        try:
            hub.create_repo(self.repository, private=self.private, exist_ok=True)
            commit = hub.create_commit(self.repository, operations, commit_message=message)
        except Exception as error:  # as above
            raise ModelError(f"can't upload to {self.repository} – {_reason(error, 'main')}") from error
        return str(commit.commit_url)


def _reason(error: Exception, revision: str) -> str:
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    if isinstance(error, GatedRepoError):
        return "the repository is gated – ask for access on its page, then run: hf auth login"
    if isinstance(error, RepositoryNotFoundError):
        return "no such repository, or a private one – check the name, or run: hf auth login"
    if isinstance(error, RevisionNotFoundError):
        return f"no revision '{revision}' – name another one"
    if isinstance(error, HfHubHTTPError) and error.response is not None:
        return f"the hub answered {error.response.status_code} – try again later, or check your rights there"
    detail = next((line for line in _lines(error) if line), type(error).__name__)
    return f"no connection to the hub ({detail}) – check the network"


def _lines(error: Exception) -> Sequence[str]:
    """Return the first lines of an error and of what caused it, the cause first."""
    chain = [error.__cause__, error]
    return [str(item).strip().split("\n")[0][:120] for item in chain if item is not None]
