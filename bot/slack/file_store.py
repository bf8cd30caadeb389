"""The SQL of the files that belong into posts' threads."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import DictRow

from bot.slack.message import Upload
from bot.store.database import Database, Transaction

# A post whose text is too long and changes often is attached again only this rarely.
WHOLE_AGAIN = timedelta(seconds=30)


@dataclass(frozen=True)
class OpenFile:
    """A file that is not in its thread yet, and the thread's place.

    `wait` is in how many seconds it may be shared, 0 or less for now; `file_id` is "" until it
    is uploaded; `unsettled` is since when it is unknown whether sharing it succeeded.
    """

    key: str
    digest: str
    upload: Upload
    file_id: str
    unsettled: datetime | None
    wait: float
    channel_id: str
    thread: str


class FileStore:
    """Reads and writes the files of posts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, tx: Transaction, key: str, upload: Upload) -> bool:
        """Wants a file in the post's thread; False where it was wanted already."""
        return await self._insert(tx, key, upload, whole=False)

    async def add_whole(self, tx: Transaction, key: str, text: str) -> bool:
        """Wants the post's uncut text in its thread, in place of one that is not there yet."""
        upload = Upload("message.txt", text.encode(), "The whole text")
        await tx.execute(
            "delete from post_files where key = %s and whole and state = 'open'"
            " and file_id = '' and digest <> %s",
            (key, _digest(upload)),
        )
        return await self._insert(tx, key, upload, whole=True)

    async def _insert(self, tx: Transaction, key: str, upload: Upload, *, whole: bool) -> bool:
        return bool(
            await tx.execute(
                "insert into post_files (key, digest, name, title, alt, content, whole, not_before)"
                " select %(key)s, %(digest)s, %(name)s, %(title)s, %(alt)s, %(content)s, %(whole)s,"
                " now() + case when %(whole)s and exists ("
                " select from post_files where key = %(key)s and whole)"
                " then %(again)s else interval '0' end"
                " on conflict (key, digest) do nothing",
                {
                    "key": key,
                    "digest": _digest(upload),
                    "name": upload.name,
                    "title": upload.title,
                    "alt": upload.alt,
                    "content": upload.content,
                    "whole": whole,
                    "again": WHOLE_AGAIN,
                },
            )
        )

    async def are_ready(self, tx: Transaction, key: str) -> bool:
        """Whether the post stands somewhere and has files that do not."""
        row = await tx.one(
            "select exists (select from posts join post_files using (key) where key = %s"
            " and posts.ts is not null and post_files.state = 'open') as ready",
            (key,),
        )
        return bool(row["ready"])

    async def ready_posts(self) -> list[str]:
        """The keys of all posts for which `are_ready`."""
        rows = await self._database.all(
            "select distinct key from posts join post_files using (key)"
            " where posts.ts is not null and post_files.state = 'open'"
        )
        return [row["key"] for row in rows]

    async def next(self, key: str, settle: timedelta) -> OpenFile | None:
        """The post's oldest file that is not in its thread."""
        row = await self._database.first(
            "select files.*, files.sending_at as unsettled, channel_id,"
            # A file goes into the thread of the post; a reply's thread is its parent's.
            " coalesce((select ts from posts parents where parents.key = posts.under),"
            " nullif(thread, ''), ts) as thread,"
            " extract(epoch from greatest(files.sending_at + %s, not_before)"
            " - clock_timestamp())::float as wait"
            " from post_files files join posts using (key)"
            " where key = %s and files.state = 'open' and ts is not null"
            " order by files.seq limit 1",
            (settle, key),
        )
        return _open_file(row) if row else None

    async def uploaded(self, file: OpenFile, file_id: str) -> None:
        """Keeps that Slack has the content, which no one sees yet."""
        await self._database.execute(
            "update post_files set file_id = %s where key = %s and digest = %s",
            (file_id, file.key, file.digest),
        )

    async def sharing(self, file: OpenFile) -> bool:
        """Commits that the file is about to be shared; False where another was quicker."""
        return bool(
            await self._database.execute(
                "update post_files set sending_at = clock_timestamp()"
                " where key = %s and digest = %s and sending_at is null and state = 'open'",
                (file.key, file.digest),
            )
        )

    async def unshared(self, file: OpenFile) -> None:
        """Keeps that the file was certainly not shared."""
        await self._database.execute(
            "update post_files set sending_at = null where key = %s and digest = %s",
            (file.key, file.digest),
        )

    async def again_without_alt(self, file: OpenFile) -> None:
        """Starts over with a new upload that describes no picture."""
        await self._database.execute(
            "update post_files set sending_at = null, file_id = '', alt = ''"
            " where key = %s and digest = %s",
            (file.key, file.digest),
        )

    async def shared(self, file: OpenFile) -> None:
        """Keeps that the file is in the thread; its content is needed no more."""
        await self._database.execute(
            "update post_files set state = 'shared', sending_at = null, content = ''"
            " where key = %s and digest = %s",
            (file.key, file.digest),
        )

    async def failed(self, tx: Transaction, file: OpenFile) -> None:
        """Gives the file up."""
        await tx.execute(
            "update post_files set state = 'failed', content = '' where key = %s and digest = %s",
            (file.key, file.digest),
        )


def _open_file(row: DictRow) -> OpenFile:
    upload = Upload(row["name"], bytes(row["content"]), row["title"], row["alt"])
    return OpenFile(
        key=row["key"],
        digest=row["digest"],
        upload=upload,
        file_id=row["file_id"],
        unsettled=row["unsettled"],
        wait=row["wait"],
        channel_id=row["channel_id"],
        thread=row["thread"],
    )


def _digest(upload: Upload) -> str:
    digest = hashlib.sha256(upload.content)
    for part in (upload.name, upload.title, upload.alt):
        digest.update(b"\0" + part.encode())
    return digest.hexdigest()
