"""Speech by the espeak-ng library, and MP3 by LAME."""

import ctypes

import espeakng_loader
import lameenc

_SYNCHRONOUS = 2
_BY_CHARACTER = 1
_UTF8 = 1
_SAMPLE_BYTES = 2

_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class Voice:
    """A voice of espeak-ng; one in a process. `sample_rate` in samples a second."""

    def __init__(self, name: str = "en-us") -> None:
        self._library = espeakng_loader.load_library()
        data = espeakng_loader.get_data_path().encode()
        self.sample_rate: int = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, 0)
        if self.sample_rate <= 0 or self._library.espeak_SetVoiceByName(name.encode()):
            raise RuntimeError(f"espeak-ng has no voice {name!r}")
        self._pcm = bytearray()
        self._callback = _Callback(self._take)
        self._library.espeak_SetSynthCallback(self._callback)

    def _take(self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, events: int) -> int:
        if samples and count:
            self._pcm += ctypes.string_at(samples, count * _SAMPLE_BYTES)
        return 0

    def speak(self, text: str) -> bytes:
        """The text as 16-bit mono PCM."""
        self._pcm.clear()
        raw = text.encode()
        self._library.espeak_Synth(raw, len(raw) + 1, 0, _BY_CHARACTER, 0, _UTF8, None, None)
        return bytes(self._pcm)

    def seconds(self, pcm_bytes: int) -> float:
        """How long so many bytes of PCM sound, to the millisecond."""
        return round(pcm_bytes / _SAMPLE_BYTES / self.sample_rate, 3)


def mp3(pcm: bytes, sample_rate: int, kbps: int) -> bytes:
    """16-bit mono PCM as MP3 with a constant bit rate."""
    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_channels(1)
    encoder.set_in_sample_rate(sample_rate)
    encoder.set_out_sample_rate(sample_rate)
    encoder.set_bit_rate(kbps)
    encoder.set_quality(7)
    return bytes(encoder.encode(pcm) + encoder.flush())
