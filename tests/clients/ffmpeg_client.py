"""ffmpeg's WHIP muxer, as PyAV carries it: ``ffmpeg_client.py URL CERTIFICATE KEY`` with the token in TOKEN.

Publishes H264 and Opus until standard input ends. Its own certificate is P-224, which OpenSSL 4 refuses: it is given
one.
"""

from __future__ import annotations

import fractions
import os
import select
import sys
import time

import av
import numpy as np

FPS = 15


def main(url: str, certificate: str, key: str) -> None:
    options = {"authorization": os.environ["TOKEN"], "cert_file": certificate, "key_file": key}
    with av.open(url, "w", format="whip", options=options) as container:
        video = container.add_stream(
            "libx264", rate=FPS, options={"profile": "baseline", "tune": "zerolatency", "g": str(FPS)}
        )
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        audio = container.add_stream("libopus", rate=48000, layout="stereo")
        container.start_encoding()
        print("answered", flush=True)
        started_at = time.monotonic()
        count = samples = 0
        while not select.select([sys.stdin], [], [], 0)[0]:
            picture = np.zeros((240, 320, 3), np.uint8)
            picture[80:160, (count * 16) % 240 : (count * 16) % 240 + 80] = 255
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = count, fractions.Fraction(1, FPS)
            container.mux(video.encode(frame))
            count += 1
            while samples < count * 48000 // FPS:
                wave = np.sin(np.arange(samples, samples + 960) * (2 * np.pi * 440 / 48000)) * 6000
                sound = av.AudioFrame.from_ndarray(
                    np.repeat(wave.astype(np.int16), 2)[None, :], format="s16", layout="stereo"
                )
                sound.sample_rate, sound.pts, sound.time_base = 48000, samples, fractions.Fraction(1, 48000)
                container.mux(audio.encode(sound))
                samples += 960
            time.sleep(max(0.0, started_at + count / FPS - time.monotonic()))


if __name__ == "__main__":
    main(*sys.argv[1:4])
