"""One chapter's audio, straight out of the stored file that has it."""

from pathlib import Path

from aiohttp import web

from hotspot.errors import NotFound
from hotspot.http.files import FileSlice, send
from hotspot.http.opened import Files
from hotspot.model.catalogue import AudioSource

_AUDIO_TYPES = {
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "aac": "audio/aac",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "flac": "audio/flac",
    "wav": "audio/wav",
}
_UNKNOWN_TYPE = "application/octet-stream"


def routes(source: AudioSource, folder: Path) -> list[web.RouteDef]:
    """The route of audio files. `folder` is where the files lie that have them."""
    files = Files()

    async def media(request: web.Request) -> web.StreamResponse:
        media_file_id = request.match_info["media_file_id"]
        audio = await source.audio(media_file_id)
        if audio is None:
            raise NotFound(f"There is no audio {media_file_id[:80]!r} here.")
        part = FileSlice(
            path=folder / audio.file_name,
            offset=audio.offset,
            size=audio.size,
            sha256=audio.sha256,
            content_type=_AUDIO_TYPES.get(audio.audio_format.lower(), _UNKNOWN_TYPE),
            name=audio.original_name,
            attachment=False,
        )
        return await send(request, part, files)

    return [web.get("/functions/v1/media/{media_file_id}", media)]
