"""``fxdet zoo push``: models to a hub repository."""

from __future__ import annotations

from pathlib import Path

import click

from fxdet.cli.zoo_repository import REPOSITORY_VARIABLE
from fxdet.core.text_table import aligned_lines


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--repository", envvar=REPOSITORY_VARIABLE, show_envvar=True, required=True,
    help="Hub repository, OWNER/NAME; it is made where there is none.",
)  # fmt: skip
@click.option("--private", is_flag=True, help="Make a new repository private.")
@click.option("--dry-run", is_flag=True, help="Check everything and list the files, but upload nothing.")
def push(folder: Path, repository: str, private: bool, dry_run: bool) -> None:
    """Upload FOLDER, a model's folder or a folder of them, to a hub repository as one commit.

    Every hash is checked before. The token is the one of 'hf auth login'; fxdet neither asks for it nor keeps it.
    """
    from fxdet.core.errors import ConfigError
    from fxdet.zoo.pushing import prepare_upload, push
    from fxdet.zoo.repository import HubUploader

    if Path(repository).is_dir():
        raise ConfigError(
            f"--repository or {REPOSITORY_VARIABLE} – got the folder '{repository}', expected OWNER/NAME of a hub"
            " repository – pass --repository; into a folder, copy the models"
        )
    uploader = HubUploader(repository, private)
    upload = prepare_upload(folder)
    for line in _files(upload.files):
        click.echo(line)
    total = f"{len(upload.files)} files, {upload.size / 1e6:.1f} MB"
    if dry_run:
        click.echo(f"{total}: nothing was uploaded to {repository} (--dry-run)")
        return
    click.echo(f"{total} uploaded: {push(upload, uploader)}")


def _files(files: object) -> list[str]:
    assert isinstance(files, dict)
    sizes = {path: len(item) if isinstance(item, bytes) else item.stat().st_size for path, item in files.items()}
    return aligned_lines([(path, f"{size:,}") for path, size in sizes.items()], numbers=[1])
